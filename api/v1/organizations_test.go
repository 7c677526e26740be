package v1_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/api/v1/client"
)

const organizations = "/v1/organizations"

func itemNames(s *apitest.System, a apitest.Answer, name func(object) any) []string {
	out := []string{}
	for _, item := range a.Map(s)["items"].([]any) {
		out = append(out, name(item.(object)).(string))
	}
	return out
}

func nameOf(o object) any     { return o["name"] }
func usernameOf(o object) any { return o["user"].(object)["username"] }

func TestOrganizations(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	ada := owner.NewUser("ada")
	made := owner.Do("POST", organizations, nil, object{"name": "Labs", "displayName": "The Labs", "description": "d", "icon": nil})
	require.Equal(t, http.StatusCreated, made.Status, "%s", made.Body)
	require.NotEmpty(t, made.Header.Get("Roster-Position"))
	labs := made.Map(s)
	path := organizations + "/" + labs["id"].(string)
	require.Equal(t, path, made.Header.Get("Location"))
	require.NotContains(t, labs, "icon")
	for _, p := range []string{path, organizations + "/LABS"} {
		require.Equal(t, labs, owner.Do("GET", p, nil, nil).Map(s), p)
	}
	standard := owner.Do("GET", organizations+"/default", nil, nil).Map(s)
	require.Equal(t, s.Commands.DefaultOrganization(), standard["id"])
	require.EqualValues(t, 1, standard["number"])
	require.NotEqual(t, standard["number"], labs["number"])
	require.Equal(t, []string{"coder", "Labs"}, itemNames(s, owner.Do("GET", organizations, nil, nil), nameOf))
	require.Equal(t, []string{"coder"}, itemNames(s, ada.Do("GET", organizations, nil, nil), nameOf))

	changed := owner.Do("PATCH", organizations+"/labs", nil, object{"name": "works", "description": nil})
	require.Equal(t, http.StatusOK, changed.Status, "%s", changed.Body)
	require.Equal(t, "The Labs", changed.Map(s)["displayName"])
	require.NotContains(t, changed.Map(s), "description")
	require.Equal(t, changed.Map(s), owner.Do("GET", path, nil, nil).Map(s))
	same := owner.Do("PATCH", organizations+"/works", nil, object{"name": "works"})
	require.Equal(t, http.StatusOK, same.Status, "%s", same.Body)

	key := map[string]string{"Idempotency-Key": "once"}
	first := owner.Do("POST", organizations, key, object{"name": "labs"})
	require.Equal(t, http.StatusCreated, first.Status, "the name given up is free: %s", first.Body)
	require.Equal(t, first.Body, owner.Do("POST", organizations, key, object{"name": "labs"}).Body)

	require.Equal(t, http.StatusNoContent, owner.Do("DELETE", organizations+"/works", nil, nil).Status)
	require.Equal(t, http.StatusNotFound, owner.Do("GET", path, nil, nil).Status)
	require.Equal(t, http.StatusNotFound, owner.Do("PATCH", path, nil, object{"icon": "x"}).Status)
	require.Equal(t, http.StatusNotFound, owner.Do("DELETE", path, nil, nil).Status)
}

func TestOrganizationRefusals(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	ada, admin := owner.NewUser("ada"), owner.NewUser("grace", "user-admin")
	require.Equal(t, http.StatusCreated, owner.Do("POST", organizations, nil, object{"name": "labs"}).Status)
	before := headOf(t, s)
	for name, c := range map[string]struct {
		by           *apitest.Session
		method, path string
		body         any
		status       int
		contains     string
	}{
		"no name":              {owner, "POST", "", `{}`, 422, `"field":"name"`},
		"bad name":             {owner, "POST", "", `{"name":"a_b"}`, 422, `"field":"name"`},
		"reserved name":        {owner, "POST", "", `{"name":"default"}`, 422, `"field":"name"`},
		"long display name":    {owner, "POST", "", object{"name": "a", "displayName": strings.Repeat("x", 65)}, 422, `"field":"displayName"`},
		"wrong type":           {owner, "POST", "", `{"name":"a","icon":7}`, 422, `"field":"icon"`},
		"unknown member":       {owner, "POST", "", `{"name":"a","x":7}`, 422, `"field":"x"`},
		"broken":               {owner, "POST", "", `{`, 400, ""},
		"taken":                {owner, "POST", "", `{"name":"LABS"}`, 409, `"field":"name"`},
		"no right":             {ada, "POST", "", `{`, 403, ""},
		"user-admin":           {admin, "POST", "", `{}`, 403, ""},
		"name cleared":         {owner, "PATCH", "/labs", `{"name":null}`, 422, `"field":"name"`},
		"name taken":           {owner, "PATCH", "/labs", `{"name":"coder"}`, 409, `"field":"name"`},
		"unknown":              {owner, "PATCH", "/none", `{}`, 404, "organization"},
		"unknown id":           {owner, "PATCH", "/" + uuid.NewString(), `{"icon":"x"}`, 404, "organization"},
		"unreadable":           {ada, "PATCH", "/labs", `{`, 404, "organization"},
		"readable, no right":   {ada, "PATCH", "/default", `{`, 403, ""},
		"admin, no right":      {admin, "PATCH", "/labs", `{}`, 403, ""},
		"delete default":       {owner, "DELETE", "/default", nil, 409, "default-organization"},
		"delete, no right":     {ada, "DELETE", "/default", nil, 403, ""},
		"delete with a body":   {owner, "DELETE", "/labs", `{"force":true}`, 422, `"field":"force"`},
		"get unreadable":       {ada, "GET", "/labs", nil, 404, "organization"},
		"get NUL":              {owner, "GET", "/%00", nil, 404, "organization"},
		"get invalid UTF-8":    {owner, "GET", "/%ff", nil, 404, "organization"},
		"get overlong":         {owner, "GET", "/" + strings.Repeat("x", 5000), nil, 404, "organization"},
		"method":               {owner, "POST", "/labs", `{}`, 405, ""},
		"list unreadable":      {ada, "GET", "/labs/members", nil, 404, "organization"},
		"list bad limit":       {owner, "GET", "/labs/members?limit=0", nil, 400, "limit"},
		"list bad cursor":      {owner, "GET", "/labs/members?cursor=x", nil, 400, "cursor"},
		"own list, cursor":     {ada, "GET", "/default/members?cursor=" + uuid.NewString(), nil, 400, "cursor"},
		"add: no user":         {owner, "PUT", "/labs/members/nobody", nil, 404, ""},
		"add: unknown user id": {owner, "PUT", "/labs/members/" + uuid.NewString(), nil, 404, ""},
		"add: body":            {owner, "PUT", "/labs/members/ada", `{"roles":[]}`, 422, "roles"},
		"add: unreadable":      {ada, "PUT", "/labs/members/ada", nil, 404, ""},
		"add: no right":        {ada, "PUT", "/default/members/ada", nil, 403, ""},
		"remove: no member":    {owner, "DELETE", "/labs/members/ada", nil, 404, "member"},
		"roles: no member":     {owner, "PUT", "/labs/members/ada/roles", `{"roles":[]}`, 404, "member"},
		"roles: own":           {owner, "PUT", "/default/members/me/roles", `{"roles":["organization-admin"]}`, 409, "own-roles"},
		"roles: unknown":       {owner, "PUT", "/default/members/ada/roles", `{"roles":["king"]}`, 422, `"field":"roles"`},
		"roles: none":          {owner, "PUT", "/default/members/ada/roles", `{}`, 422, `"field":"roles"`},
		"roles: no right":      {ada, "PUT", "/default/members/grace/roles", `{"roles":[]}`, 403, ""},
		"roles: beyond rights": {admin, "PUT", "/default/members/ada/roles", `{"roles":["organization-admin"]}`, 403, ""},
	} {
		a := c.by.Do(c.method, organizations+c.path, nil, c.body)
		require.Equal(t, c.status, a.Status, "%s: %s", name, a.Body)
		require.Contains(t, string(a.Body), c.contains, name)
		require.Equal(t, "application/problem+json", a.Header.Get("Content-Type"), name)
		require.Less(t, len(a.Body), 4096, name)
	}
	require.Equal(t, before, headOf(t, s), "nothing was written")
}

func TestMembers(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	for _, name := range []string{"d", "B", "a", "C"} {
		owner.NewUser(name)
	}
	require.Equal(t, http.StatusCreated, owner.Do("POST", organizations, nil, object{"name": "labs"}).Status)
	require.Empty(t, owner.Do("GET", organizations+"/labs/members", nil, nil).Map(s)["items"])
	for range 2 { // a second time changes nothing
		added := owner.Do("PUT", organizations+"/labs/members/b", nil, nil)
		require.Equal(t, http.StatusOK, added.Status, "%s", added.Body)
		require.Equal(t, "B", usernameOf(added.Map(s)))
		require.Equal(t, []any{}, added.Map(s)["roles"])
	}
	var got []string
	next := ""
	for pages := 0; ; pages++ {
		require.Less(t, pages, 4)
		page := owner.Do("GET", organizations+"/default/members?limit=2&cursor="+next, nil, nil)
		require.Equal(t, http.StatusOK, page.Status, "%s", page.Body)
		got = append(got, itemNames(s, page, usernameOf)...)
		var more bool
		if next, more = page.Map(s)["next"].(string); !more {
			break
		}
	}
	require.Equal(t, []string{"a", "B", "C", "d", "owner"}, got)

	b := s.Login("b@example.com", apitest.Password)
	require.Equal(t, []string{"B"}, itemNames(s, b.Do("GET", organizations+"/default/members", nil, nil), usernameOf))
	roles := owner.Do("PUT", organizations+"/labs/members/b/roles", nil, object{"roles": []string{"organization-admin"}})
	require.Equal(t, http.StatusOK, roles.Status, "%s", roles.Body)
	require.Equal(t, []any{"organization-admin"}, roles.Map(s)["roles"])
	require.Equal(t, http.StatusOK, b.Do("PUT", organizations+"/labs/members/c", nil, nil).Status, "the right is there at once")
	require.Equal(t, []string{"B", "C"}, itemNames(s, b.Do("GET", organizations+"/labs/members", nil, nil), usernameOf))
	require.Equal(t, http.StatusOK, b.Do("PATCH", organizations+"/labs", nil, object{"icon": "i"}).Status)
	require.Equal(t, http.StatusNoContent, b.Do("DELETE", organizations+"/labs/members/c", nil, nil).Status)
	require.Equal(t, http.StatusNoContent, owner.Do("DELETE", organizations+"/labs/members/b", nil, nil).Status)
	require.Equal(t, http.StatusNotFound, b.Do("GET", organizations+"/labs", nil, nil).Status, "and gone at once")
	require.Equal(t, http.StatusOK, owner.Do("PUT", organizations+"/labs/members/b", nil, nil).Status)
	require.Equal(t, http.StatusNoContent, owner.Do("DELETE", organizations+"/labs", nil, nil).Status)
	require.Len(t, b.Do("GET", "/v1/users/me", nil, nil).Map(s)["organizations"], 1, "only live organizations are shown")
}

// The generated client reaches organizations too.
func TestOrganizationsByClient(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	c, err := client.NewClientWithResponses(s.URL, client.WithRequestEditorFn(client.Bearer(owner.Token)))
	require.NoError(t, err)
	made, err := c.CreateOrganizationWithResponse(t.Context(), &client.CreateOrganizationParams{}, client.NewOrganization{Name: "labs"})
	require.NoError(t, err)
	require.NotNil(t, made.JSON201, "%s", made.Body)
	joined, err := c.AddMemberWithResponse(t.Context(), "labs", "me", &client.AddMemberParams{})
	require.NoError(t, err)
	require.NotNil(t, joined.JSON200, "%s", joined.Body)
	all, err := c.ListOrganizationsWithResponse(t.Context())
	require.NoError(t, err)
	require.NotNil(t, all.JSON200, "%s", all.Body)
	require.Equal(t, *made.JSON201, all.JSON200.Items[1])
	members, err := c.ListMembersWithResponse(t.Context(), made.JSON201.Id, &client.ListMembersParams{})
	require.NoError(t, err)
	require.NotNil(t, members.JSON200, "%s", members.Body)
	require.Equal(t, []client.Member{*joined.JSON200}, members.JSON200.Items)
	gone, err := c.DeleteOrganizationWithResponse(t.Context(), made.JSON201.Id, &client.DeleteOrganizationParams{})
	require.NoError(t, err)
	require.Equal(t, http.StatusNoContent, gone.StatusCode(), "%s", gone.Body)
	http.DefaultClient.CloseIdleConnections()
}
