package coder_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
)

// place is a member's path in the default organization.
func place(user string) string { return organizations + "/default/members/" + user }

// grant gives roles in the default organization.
func grant(t *testing.T, by *apitest.Session, user string, roles ...string) {
	t.Helper()
	a := by.Do("PUT", place(user)+"/roles", nil, object{"roles": roles})
	require.Equal(t, http.StatusOK, a.Status, "%s", a.Body)
}

func TestMembers(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	ada, bob := owner.NewUser("ada"), owner.NewUser("Bob")
	members := func(c *apitest.Session, organization string) []string {
		a := c.Do("GET", organizations+"/"+organization+"/members", nil, nil)
		require.Equal(t, http.StatusOK, a.Status, "%s", a.Body)
		return namesOf(list(c, a), "username")
	}
	require.Equal(t, []string{"ada", "Bob", "owner"}, members(owner, "default"))
	require.Equal(t, []string{"ada"}, members(ada, "default"), "a member reads itself alone")

	labs := makeOrganization(t, owner, "labs")
	require.Equal(t, []string{"owner"}, members(owner, "labs"))
	added := owner.Do("POST", organizations+"/labs/members/ADA", nil, nil)
	require.Equal(t, http.StatusOK, added.Status, "%s", added.Body)
	require.NotEmpty(t, added.Header.Get("Roster-Position"))
	member := added.Map(s)
	require.Equal(t, ada.ID, member["user_id"])
	require.Equal(t, labs, member["organization_id"])
	require.Equal(t, []any{}, member["roles"])
	require.Equal(t, []string{"ada", "owner"}, members(owner, labs))
	require.Equal(t, []string{"coder", "labs"}, namesOf(list(ada, ada.Do("GET", organizations, nil, nil)), "name"), "rights are there at the next request")
	expect(t, s, owner.Do("POST", organizations+"/labs/members/ada", nil, nil), http.StatusBadRequest, "Organization member already exists in this organization")

	one := owner.Do("GET", organizations+"/labs/members/ada", nil, nil).Map(s)
	require.Equal(t, "ada@example.com", one["email"])
	require.Equal(t, "active", one["status"])
	require.Equal(t, "password", one["login_type"])
	require.Equal(t, []any{}, one["global_roles"])
	require.Equal(t, ada.ID, ada.Do("GET", organizations+"/labs/members/me", nil, nil).Map(s)["user_id"])
	self := owner.Do("GET", organizations+"/labs/members/"+owner.ID, nil, nil).Map(s)
	require.Equal(t, []any{object{"name": "owner", "display_name": "Owner"}}, self["global_roles"])

	removed := owner.Do("DELETE", organizations+"/labs/members/"+strings.ToUpper(ada.ID), nil, nil)
	require.Equal(t, http.StatusNoContent, removed.Status, "%s", removed.Body)
	require.Empty(t, removed.Body)
	require.NotEmpty(t, removed.Header.Get("X-Coder-Build-Version"))
	require.Equal(t, []string{"owner"}, members(owner, labs))
	expect(t, s, ada.Do("GET", organizations+"/labs", nil, nil), http.StatusNotFound, notFound)
	require.Equal(t, http.StatusOK, owner.Do("POST", organizations+"/labs/members/ada", nil, nil).Status, "and back")

	require.Equal(t, http.StatusOK, owner.Do("DELETE", "/api/v2/users/"+bob.ID, nil, nil).Status)
	require.Equal(t, []string{"ada", "owner"}, members(owner, "default"), "deleted users are no members")
	expect(t, s, owner.Do("GET", place(bob.ID), nil, nil), http.StatusNotFound, notFound)
}

func TestMembersByPage(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	for _, name := range []string{"d", "B", "a", "C"} {
		owner.NewUser(name)
	}
	page := func(c *apitest.Session, q string) ([]string, float64) {
		a := c.Do("GET", organizations+"/default/paginated-members"+q, nil, nil)
		require.Equal(t, http.StatusOK, a.Status, "%s", a.Body)
		var out struct {
			Members []object `json:"members"`
			Count   float64  `json:"count"`
		}
		a.JSON(s, &out)
		return namesOf(out.Members, "username"), out.Count
	}
	for q, want := range map[string][]string{
		"": {"a", "B", "C", "d", "owner"}, "?limit=0": {"a", "B", "C", "d", "owner"}, "?limit=2": {"a", "B"},
		"?limit=2&offset=2": {"C", "d"}, "?limit=2&offset=4": {"owner"}, "?offset=3": {"d", "owner"}, "?limit=2&else=1": {"a", "B"},
	} {
		found, count := page(owner, q)
		require.Equal(t, want, found, q)
		require.EqualValues(t, 5, count, q)
	}
	past, _ := page(owner, "?offset=9")
	require.Empty(t, past)
	c := s.Login("c@example.com", apitest.Password)
	found, count := page(c, "?limit=2")
	require.Equal(t, []string{"C"}, found)
	require.EqualValues(t, 1, count)
	found, count = page(owner, "?limit=2&after_id="+c.ID)
	require.Equal(t, []string{"d", "owner"}, found)
	require.EqualValues(t, 2, count)
	found, _ = page(c, "?after_id="+c.ID)
	require.Empty(t, found)
	found, _ = page(owner, "?after_id=00000000-0000-0000-0000-000000000001")
	require.Empty(t, found, "behind nobody")
	expect(t, s, owner.Do("GET", organizations+"/default/paginated-members?after_id=x", nil, nil), http.StatusBadRequest,
		"Query parameters have invalid values.")
	for _, q := range []string{"?limit=x", "?limit=-1", "?offset=-1", "?limit=99999999999999999999", "?offset=%00", "?limit=1.5"} {
		a := owner.Do("GET", organizations+"/default/paginated-members"+q, nil, nil)
		expect(t, s, a, http.StatusBadRequest, "Query parameters have invalid values.")
		require.Contains(t, string(a.Body), "must be a valid integer", q)
	}
}

func TestMemberRefusals(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	ada, eve := owner.NewUser("ada"), owner.NewUser("eve")
	auditor, keeper := owner.NewUser("aud", "auditor"), owner.NewUser("keeper")
	grant(t, owner, "keeper", "organization-auditor")
	makeOrganization(t, owner, "labs")
	before := logHead(t, s)
	const own, forbidden = "You cannot change your own organization roles.", "Forbidden."
	roles := object{"roles": []string{"organization-admin"}}
	for name, c := range map[string]struct {
		by           *apitest.Session
		method, path string
		body         any
		status       int
		message      string
	}{
		"get: no member":             {owner, "GET", organizations + "/labs/members/ada", nil, 404, notFound},
		"get: unknown user":          {owner, "GET", place("nobody"), nil, 404, notFound},
		"get: NUL":                   {owner, "GET", place("%00"), nil, 404, notFound},
		"get: other member":          {ada, "GET", place("eve"), nil, 404, notFound},
		"get: unreadable place":      {ada, "GET", organizations + "/labs/members/me", nil, 404, notFound},
		"list: unreadable":           {ada, "GET", organizations + "/labs/members", nil, 404, notFound},
		"roles: unreadable":          {ada, "GET", organizations + "/labs/members/roles", nil, 404, notFound},
		"add: unknown user":          {owner, "POST", place("nobody"), nil, 404, notFound},
		"add: unknown place":         {owner, "POST", organizations + "/nothing/members/ada", nil, 404, notFound},
		"add: auditor":               {auditor, "POST", organizations + "/labs/members/ada", nil, 404, notFound},
		"add: member":                {ada, "POST", organizations + "/labs/members/ada", nil, 404, notFound},
		"remove: self":               {owner, "DELETE", place("me"), nil, 400, "cannot remove self from an organization"},
		"remove: member itself":      {ada, "DELETE", place("ada"), nil, 400, "cannot remove self from an organization"},
		"remove: no member":          {owner, "DELETE", organizations + "/labs/members/ada", nil, 404, notFound},
		"remove: auditor":            {auditor, "DELETE", place("ada"), nil, 404, notFound},
		"remove: other member":       {eve, "DELETE", place("ada"), nil, 404, notFound},
		"set roles: self":            {owner, "PUT", place("owner") + "/roles", roles, 400, own},
		"set roles: self, bad body":  {owner, "PUT", place("owner") + "/roles", "{", 400, own},
		"set roles: no body":         {owner, "PUT", place("ada") + "/roles", "", 400, "Request body must be valid JSON."},
		"set roles: wrong type":      {owner, "PUT", place("ada") + "/roles", `{"roles":"x"}`, 400, "Request body must be valid JSON."},
		"set roles: no member":       {owner, "PUT", organizations + "/labs/members/ada/roles", roles, 404, notFound},
		"set roles: unknown":         {owner, "PUT", place("ada") + "/roles", object{"roles": []string{"king"}}, 400, `"king" is not a supported role`},
		"set roles: site role":       {owner, "PUT", place("ada") + "/roles", object{"roles": []string{"owner"}}, 400, `"owner" is not a supported role`},
		"set roles: long":            {owner, "PUT", place("ada") + "/roles", object{"roles": []string{strings.Repeat("x", 9000)}}, 400, `"` + strings.Repeat("x", 64) + `" is not a supported role`},
		"set roles: auditor":         {auditor, "PUT", place("ada") + "/roles", roles, 403, forbidden},
		"set roles: org auditor":     {keeper, "PUT", place("ada") + "/roles", roles, 403, forbidden},
		"set roles: other member":    {eve, "PUT", place("ada") + "/roles", roles, 404, notFound},
		"set roles: wrong method":    {owner, "POST", place("ada") + "/roles", roles, 405, "Method not allowed."},
		"set roles: trailing slash":  {owner, "PUT", place("ada") + "/roles/", roles, 404, "Route not found."},
		"list: wrong method":         {owner, "POST", organizations + "/default/members", roles, 405, "Method not allowed."},
		"remove: members of nothing": {owner, "DELETE", organizations + "/%ff/members/ada", nil, 404, notFound},
	} {
		a := c.by.Do(c.method, c.path, nil, c.body)
		require.Equal(t, c.status, a.Status, "%s: %s", name, a.Body)
		require.Equal(t, c.message, message(t, s, a), name)
	}
	require.Equal(t, before, logHead(t, s), "nothing was written")
}

func TestMemberRoles(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	ada, eve := owner.NewUser("ada"), owner.NewUser("eve")
	id := s.Commands.DefaultOrganization()

	set := owner.Do("PUT", place("ada")+"/roles", nil, object{"roles": []string{
		"organization-user-admin:" + id, "organization-member", "organization-auditor", "organization-auditor",
	}})
	require.Equal(t, http.StatusOK, set.Status, "%s", set.Body)
	require.ElementsMatch(t, []any{
		object{"name": "organization-auditor", "display_name": "Organization Auditor", "organization_id": id},
		object{"name": "organization-user-admin", "display_name": "Organization User Admin", "organization_id": id},
	}, set.Map(s)["roles"])
	read := owner.Do("GET", place("ada")+"/roles", nil, nil)
	require.Equal(t, set.Map(s)["roles"], read.Map(s)["roles"])
	shown := owner.Do("GET", "/api/v2/users/ada/roles", nil, nil).Map(s)["organization_roles"].(object)[id]
	require.ElementsMatch(t, []any{"organization-auditor", "organization-user-admin"}, shown)

	// an organization's user-admin gives and takes what every member has, and no more
	grant(t, ada, "eve", "organization-workspace-access")
	refused := ada.Do("PUT", place("eve")+"/roles", nil, object{"roles": []string{"organization-workspace-access", "organization-auditor"}})
	expect(t, s, refused, http.StatusForbidden, "Forbidden.")
	grant(t, owner, "eve", "organization-auditor")
	refused = ada.Do("PUT", place("eve")+"/roles", nil, object{"roles": []string{}})
	expect(t, s, refused, http.StatusForbidden, "Forbidden.")

	// an organization's admin all of them, in its own organization
	grant(t, owner, "ada", "organization-admin")
	grant(t, ada, "eve", "organization-admin")
	grant(t, ada, "eve")
	makeOrganization(t, owner, "labs")
	require.Equal(t, http.StatusOK, owner.Do("POST", organizations+"/labs/members/ada", nil, nil).Status)
	require.Equal(t, http.StatusOK, owner.Do("POST", organizations+"/labs/members/eve", nil, nil).Status)
	elsewhere := ada.Do("PUT", organizations+"/labs/members/eve/roles", nil, object{"roles": []string{"organization-admin"}})
	expect(t, s, elsewhere, http.StatusNotFound, notFound)
	require.Equal(t, http.StatusOK, ada.Do("PATCH", organizations+"/default", nil, object{"display_name": "Ada's"}).Status)
	require.Equal(t, http.StatusNoContent, ada.Do("DELETE", place("eve"), nil, nil).Status)
	require.Equal(t, http.StatusOK, ada.Do("POST", place("eve"), nil, nil).Status)
	expect(t, s, ada.Do("POST", organizations, nil, object{"name": "own"}), http.StatusForbidden, "Forbidden.")

	// leaving takes the roles
	grant(t, owner, "eve", "organization-admin")
	require.Equal(t, http.StatusNoContent, owner.Do("DELETE", place("eve"), nil, nil).Status)
	require.Equal(t, http.StatusOK, owner.Do("POST", place("eve"), nil, nil).Status)
	require.Empty(t, eve.Do("GET", place("me"), nil, nil).Map(s)["roles"])
}

func TestAssignableRoles(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	member, keeper, manager, admin := owner.NewUser("ada"), owner.NewUser("keeper"), owner.NewUser("manager"), owner.NewUser("admin", "user-admin")
	grant(t, owner, "keeper", "organization-user-admin")
	grant(t, owner, "manager", "organization-admin")
	const access = "organization-workspace-access"
	for name, c := range map[string]struct {
		by         *apitest.Session
		assignable func(role string) bool
	}{
		"owner":      {owner, func(string) bool { return true }},
		"org admin":  {manager, func(string) bool { return true }},
		"org keeper": {keeper, func(role string) bool { return role == access }},
		"user-admin": {admin, func(role string) bool { return role == access }},
		"member":     {member, func(string) bool { return false }},
	} {
		found := list(c.by, c.by.Do("GET", organizations+"/default/members/roles", nil, nil))
		require.Len(t, found, 6, name)
		for _, role := range found {
			require.Equal(t, c.assignable(role["name"].(string)), role["assignable"], "%s %s", name, role["name"])
			require.Equal(t, true, role["built_in"])
			require.Equal(t, s.Commands.DefaultOrganization(), role["organization_id"])
			require.NotEqual(t, "organization-member", role["name"])
		}
	}
}
