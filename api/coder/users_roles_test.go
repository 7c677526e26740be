package coder_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

func TestRoles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	of := func(user string) string { return path(user, "/roles") }
	roles := func(names ...string) object { return object{"roles": append([]string{}, names...)} }
	organization := object{w.Commands.DefaultOrganization(): []string{}}
	shape := func(names ...string) object {
		return object{"roles": append([]string{}, names...), "organization_roles": organization}
	}
	own := says("You cannot change your own roles.")
	before := w.head()
	w.check([]line{
		{"3.24 own roles", w.ada, "GET", of("me"), nil, 200, shape()},
		{"3.24 an owner's", w.admin, "GET", of("owner"), nil, 200, shape("owner")},
		{"3.24 an auditor reads others", w.auditor, "GET", of("ada"), nil, 404, missing},
		{"3.24 an auditor reads its own", w.auditor, "GET", of("me"), nil, 200, shape("auditor")},
		{"3.24 may not read", w.ada, "GET", of("linus"), nil, 404, missing},
		{"3.24 nobody", nil, "GET", of("ada"), nil, 401, nil},
		{"3.24 own, even of an owner", w.owner, "PUT", of("me"), roles("owner"), 400, own},
		{"3.24 own, before the body", w.ada, "PUT", of("ada"), "", 400, own},
		{"3.24 no body", w.owner, "PUT", of("ada"), "", 400, badBody("the body is empty")},
		{"3.24 no roles", w.owner, "PUT", of("ada"), object{}, 400, invalid("roles", tag("required", ""))},
		{"3.24 wrong type", w.owner, "PUT", of("ada"), object{"roles": "owner"}, 400, badBody(`field "roles" must be of type []string`)},
		{"3.24 body in front of the right", w.auditor, "PUT", of("ada"), "", 400, badBody("the body is empty")},
		{"3.24 an auditor", w.auditor, "PUT", of("ada"), roles("auditor"), 403, forbidden},
		{"3.24 a user-admin grants", w.admin, "PUT", of("ada"), roles("auditor"), 403, forbidden},
		{"3.24 a user-admin revokes", w.admin, "PUT", of("auditor"), roles(), 403, forbidden},
		{"3.24 a user-admin and an unknown role", w.admin, "PUT", of("ada"), roles("emperor"), 403, forbidden},
		{"3.24 unknown role", w.owner, "PUT", of("ada"), roles("emperor"), 400, says(`"emperor" is not a supported role`)},
		{"3.24 retired role", w.owner, "PUT", of("ada"), roles("agents-access"), 400, says(`"agents-access" is not a supported role`)},
		{"3.24 organization's role", w.owner, "PUT", of("ada"), roles("organization-admin:" + someUUID), 400, says("Must only update site wide roles")},
		{"3.24 may not read", w.ada, "PUT", of("linus"), roles(), 404, missing},
		{"3.24 nobody puts", nil, "PUT", of("ada"), roles(), 401, nil},
		{"3.24 a user-admin changes nothing", w.admin, "PUT", of("auditor"), roles("auditor", "member"), 200, nil},
	})
	require.Equal(t, before, w.head())
	u := w.put(w.owner, of("ada"), roles("auditor", "user-admin", "member", "auditor"))
	require.Equal(t, []any{
		object{"name": "user-admin", "display_name": "User Admin"}, object{"name": "auditor", "display_name": "Auditor"},
	}, u["roles"])
	w.check([]line{
		{"3.24 rights are there at once", w.ada, "GET", path("linus", ""), nil, 200, nil},
		{"3.24 replaced", w.owner, "GET", of("ada"), nil, 200, shape("user-admin", "auditor")},
		{"3.24 null clears", w.owner, "PUT", of("ada"), object{"roles": nil}, 200, nil},
		{"3.24 rights are gone at once", w.ada, "GET", path("linus", ""), nil, 404, missing},
		{"3.24 none", w.owner, "GET", of("ada"), nil, 200, shape()},
	})
	t.Run("3.24 roles of other dialects stay", func(t *testing.T) {
		system := commands.Request{Actor: commands.Actor{UserID: commands.SystemActor}}
		res, err := w.Commands.AssignRoles(t.Context(), system, commands.AssignRoles{UserID: w.linus.ID, Roles: []events.Role{events.RoleTester}})
		require.NoError(t, err)
		w.Queries.NoteCredentials(w.linus.ID, res.Position)
		require.Equal(t, []any{}, w.get(w.owner, path("linus", ""))["roles"])
		w.put(w.owner, of("linus"), roles("auditor"))
		found, err := w.Queries.User(t.Context(), userNamed("linus"))
		require.NoError(t, err)
		require.ElementsMatch(t, []events.Role{events.RoleTester, events.RoleAuditor}, found.Roles)
	})
}

func TestSiteRoles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var list []struct {
		Name, DisplayName   string
		Assignable, BuiltIn bool
	}
	names := func(assignable bool) []string {
		out := []string{}
		for _, r := range list {
			require.Equal(t, assignable, r.Assignable)
			out = append(out, r.Name)
		}
		return out
	}
	all := []string{"owner", "user-admin", "template-admin", "auditor"}
	w.owner.Do("GET", users+"/roles", nil, nil).JSON(w.System, &list)
	require.Equal(t, all, names(true))
	w.ada.Do("GET", users+"/roles", nil, nil).JSON(w.System, &list)
	require.Equal(t, all, names(false))
	w.check([]line{{"6 roles, nobody", nil, "GET", users + "/roles", nil, 401, nil}})
}
