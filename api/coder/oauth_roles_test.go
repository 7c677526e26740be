package coder_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/signin"
	"github.com/rosterhq/roster/signin/signintest"
)

// syncSystem is a system whose provider rules the roles of its people by the claim
// groups.
func syncSystem(t *testing.T, options ...apitest.Option) (*apitest.System, *signintest.OIDC) {
	t.Helper()
	options = append(options, apitest.WithCommands(func(c *commands.Config) { c.RolesByOIDC = true }))
	return oidcSystem(t, func(c *signin.OIDCConfig) {
		c.Roles = signin.RoleClaim{
			Field: "groups", Mapping: map[string][]events.Role{"staff": {events.RoleUserAdmin}}, Defaults: []events.Role{events.RoleTemplateAdmin},
		}
	}, options...)
}

func inGroups(subject, username string, groups any) signintest.Claims {
	c := claimsOf(subject, username)
	c["groups"] = groups
	return c
}

func rolesOf(s *apitest.System, reader *apitest.Session) any {
	return reader.Do(http.MethodGet, path("me", "/roles"), nil, nil).Map(s)["roles"]
}

func TestRolesByOIDC_3_24(t *testing.T) {
	t.Parallel()
	s, p := syncSystem(t)
	owner := s.FirstUser()
	enters := func(groups any) *apitest.Session {
		p.SignsIn(inGroups("1", "ada", groups), nil)
		return newBrowser(t, s).enters(oidcCallback)
	}
	ada := enters([]any{"staff", "auditor", "emperor", "system"})
	require.Equal(t, []any{"user-admin", "template-admin", "auditor"}, rolesOf(s, ada), "mapped, by default, by its own name")
	require.Equal(t, http.StatusOK, ada.Do(http.MethodGet, path("owner", ""), nil, nil).Status, "the roles count")
	require.Equal(t, []any{"template-admin"}, rolesOf(s, enters(nil)), "each sign-in says all")
	require.Equal(t, []any{"template-admin"}, rolesOf(s, ada), "for older sessions, too")
	require.Equal(t, []any{"template-admin", "auditor"}, rolesOf(s, enters("auditor")), "one text")
	head, err := s.Log.Head(t.Context(), events.Roster)
	require.NoError(t, err)

	synced := object{
		"message": "Cannot modify roles for OIDC users when role sync is enabled.",
		"detail":  "'User Role Field' is set in the OIDC configuration. All role changes must come from the oidc identity provider.",
	}
	w := world{System: s, t: t, owner: owner, ada: ada, auditor: enters("auditor")}
	grace := owner.NewUser("grace")
	w.check([]line{
		{"3.24 role sync, an owner", w.owner, "PUT", path("ada", "/roles"), object{"roles": []string{"owner"}}, 400, synced},
		{"3.24 role sync comes before the caller's own", w.ada, "PUT", path("me", "/roles"), object{"roles": []string{}}, 400, synced},
		{"3.24 role sync comes before the body", w.owner, "PUT", path("ada", "/roles"), "", 400, synced},
		{"3.24 role sync, after the look-up", grace, "PUT", path("ada", "/roles"), object{"roles": []string{}}, 404, missing},
		{"3.24 role sync leaves the caller's own as it is", w.owner, "PUT", path("me", "/roles"), object{"roles": []string{}}, 400, says("You cannot change your own roles.")},
		{"3.24 role sync is for users of OIDC alone", w.owner, "PUT", path("grace", "/roles"), object{"roles": []string{"auditor"}}, 200, nil},
	})
	other := owner.Do(http.MethodPut, "/v1/users/ada/roles", nil, object{"roles": []string{"owner"}})
	require.Equal(t, http.StatusConflict, other.Status, "the rule is every dialect's: %s", other.Body)
	require.Equal(t, []any{"template-admin", "auditor"}, rolesOf(s, ada))
	require.NotZero(t, head)
}

func TestRolesByOIDC_ClaimOfAnotherKind(t *testing.T) {
	t.Parallel()
	s, p := syncSystem(t)
	s.FirstUser()
	p.SignsIn(inGroups("1", "ada", map[string]any{"a": true}), nil)
	status, text := newBrowser(t, s).refusal(oidcCallback)
	require.Equal(t, http.StatusInternalServerError, status)
	require.Equal(t, "Login disabled until site role OIDC configuration is fixed", text)
	require.Equal(t, http.StatusNotFound, s.Login("owner@example.com", apitest.Password).Do(http.MethodGet, path("ada", ""), nil, nil).Status)
}

// The first user comes by the provider, which does not call them an owner.
func TestRolesByOIDC_TheLastOwner(t *testing.T) {
	t.Parallel()
	seen, logs := observer.New(zap.WarnLevel)
	s, p := syncSystem(t, apitest.WithLogger(zap.New(seen)))
	enters := func(subject, username string, groups ...any) *apitest.Session {
		p.SignsIn(inGroups(subject, username, groups), nil)
		return newBrowser(t, s).enters(oidcCallback)
	}
	kept := func() int { return logs.FilterMessageSnippet("last owner").Len() }
	ada := enters("1", "ada", "auditor")
	require.Equal(t, []any{"owner", "template-admin", "auditor"}, rolesOf(s, ada))
	require.Equal(t, 1, kept())
	eve := enters("2", "eve", "owner")
	require.Equal(t, []any{"owner", "template-admin"}, rolesOf(s, eve))
	require.Equal(t, 1, kept())
	require.Equal(t, []any{"template-admin", "auditor"}, rolesOf(s, enters("1", "ada", "auditor")), "there is another one now")
	require.Equal(t, []any{"owner", "template-admin"}, rolesOf(s, enters("2", "eve")))
	require.Equal(t, 2, kept())
}
