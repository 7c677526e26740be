package coder_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/events"
)

const (
	organizations = "/api/v2/organizations"
	notFound      = "Resource not found or you do not have access to this resource"
)

// makeOrganization returns the new organization's id.
func makeOrganization(t *testing.T, c *apitest.Session, name string) string {
	t.Helper()
	a := c.Do("POST", organizations, nil, object{"name": name})
	require.Equal(t, http.StatusCreated, a.Status, "%s", a.Body)
	return a.Map(c.System)["id"].(string)
}

func list(c *apitest.Session, a apitest.Answer) []object {
	var out []object
	a.JSON(c.System, &out)
	return out
}

func namesOf(found []object, member string) []string {
	out := []string{}
	for _, o := range found {
		out = append(out, o[member].(string))
	}
	return out
}

func logHead(t *testing.T, s *apitest.System) uint64 {
	t.Helper()
	head, err := s.Log.Head(t.Context(), events.Roster)
	require.NoError(t, err)
	return head
}

// expect checks status and message of a refusal.
func expect(t *testing.T, s *apitest.System, a apitest.Answer, status int, text string) {
	t.Helper()
	require.Equal(t, status, a.Status, "%s", a.Body)
	require.Equal(t, text, message(t, s, a))
}

func TestUserOrganizations(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	ada, auditor := owner.NewUser("ada"), owner.NewUser("aud", "auditor")
	labs := makeOrganization(t, owner, "Labs")
	of := func(c *apitest.Session, user string) apitest.Answer {
		return c.Do("GET", "/api/v2/users/"+user+"/organizations", nil, nil)
	}
	t.Run("3.27 list: the user's organizations", func(t *testing.T) {
		found := list(owner, of(owner, "me"))
		require.Equal(t, []string{"coder", "Labs"}, namesOf(found, "name"))
		require.Equal(t, []string{"Coder", "Labs"}, namesOf(found, "display_name"))
		require.Equal(t, true, found[0]["is_default"])
		require.Equal(t, []string{"coder"}, namesOf(list(owner, of(owner, "ADA")), "name"))
		require.Equal(t, []string{"coder"}, namesOf(list(ada, of(ada, ada.ID)), "name"))
	})
	t.Run("3.27 list: reduced to what the caller may read", func(t *testing.T) {
		require.Equal(t, http.StatusOK, owner.Do("PUT", organizations+"/default/members/ada/roles", nil, object{"roles": []string{"organization-admin"}}).Status)
		require.Equal(t, []string{"coder"}, namesOf(list(ada, of(ada, "owner")), "name"), "an organization's administrator reads users, not other organizations")
		require.Equal(t, http.StatusOK, owner.Do("PUT", organizations+"/default/members/ada/roles", nil, object{"roles": []string{}}).Status)
	})
	t.Run("3.27 list: site auditors read all", func(t *testing.T) {
		require.Equal(t, []string{"coder", "Labs"}, namesOf(list(auditor, of(auditor, "owner")), "name"))
	})
	t.Run("3.27 list: [] when there are none", func(t *testing.T) {
		gone := owner.NewUser("lonely")
		require.Equal(t, http.StatusNoContent, owner.Do("DELETE", organizations+"/default/members/lonely", nil, nil).Status)
		require.Equal(t, "[]\n", string(of(gone, "me").Body))
	})
	t.Run("3.27 list: unreadable user", func(t *testing.T) {
		expect(t, s, of(ada, "owner"), http.StatusNotFound, notFound)
		expect(t, s, of(ada, "nobody"), http.StatusNotFound, notFound)
	})
	byName := func(c *apitest.Session, user, name string) apitest.Answer {
		return c.Do("GET", "/api/v2/users/"+user+"/organizations/"+name, nil, nil)
	}
	t.Run("3.27 by name", func(t *testing.T) {
		require.Equal(t, "coder", byName(ada, "me", "CODER").Map(s)["name"])
		require.Equal(t, labs, byName(owner, "me", "labs").Map(s)["id"])
	})
	t.Run("3.27 by name: the user need not be a member", func(t *testing.T) {
		require.Equal(t, labs, byName(owner, "ada", "labs").Map(s)["id"])
	})
	t.Run("3.27 by name: unknown or unreadable", func(t *testing.T) {
		for _, name := range []string{"nothing", "a_b", "%00", "%ff", strings.Repeat("x", 3000), labs, "default"} {
			expect(t, s, byName(owner, "me", name), http.StatusNotFound, notFound)
		}
		expect(t, s, byName(ada, "me", "labs"), http.StatusNotFound, notFound)
		expect(t, s, byName(ada, "owner", "coder"), http.StatusNotFound, notFound)
	})
	t.Run("3.27 deleted organizations are gone", func(t *testing.T) {
		require.Equal(t, http.StatusOK, owner.Do("DELETE", organizations+"/labs", nil, nil).Status)
		require.Equal(t, []string{"coder"}, namesOf(list(owner, of(owner, "me")), "name"))
		expect(t, s, byName(owner, "me", "labs"), http.StatusNotFound, notFound)
	})
}

func TestOrganizations(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	ada := owner.NewUser("ada")

	made := owner.Do("POST", organizations, nil, object{
		"name": "Labs", "display_name": "The Labs", "description": "Where it's done", "icon": "/emojis/1f9ea.png", "else": 1,
	})
	require.Equal(t, http.StatusCreated, made.Status, "%s", made.Body)
	require.NotEmpty(t, made.Header.Get("Roster-Position"))
	labs := made.Map(s)
	require.Equal(t, "The Labs", labs["display_name"])
	require.Equal(t, false, labs["is_default"])
	path := organizations + "/" + labs["id"].(string)
	for _, p := range []string{path, organizations + "/LABS", organizations + "/" + strings.ToUpper(labs["id"].(string))} {
		require.Equal(t, labs, owner.Do("GET", p, nil, nil).Map(s), p)
	}
	byAlias := owner.Do("GET", organizations+"/default", nil, nil).Map(s)
	require.Equal(t, s.Commands.DefaultOrganization(), byAlias["id"])
	require.Equal(t, "coder", byAlias["name"])
	require.Equal(t, []string{"coder", "Labs"}, namesOf(list(owner, owner.Do("GET", organizations, nil, nil)), "name"))
	require.Equal(t, []string{"coder"}, namesOf(list(ada, ada.Do("GET", organizations, nil, nil)), "name"))
	me := owner.Do("GET", path+"/members/me", nil, nil)
	require.Equal(t, http.StatusOK, me.Status, "the creator is a member")
	require.Empty(t, me.Map(s)["roles"])

	changed := owner.Do("PATCH", path, nil, object{"name": "works", "display_name": "", "description": "", "icon": nil, "default_org_member_roles": []string{}})
	require.Equal(t, http.StatusOK, changed.Status, "%s", changed.Body)
	works := changed.Map(s)
	require.Equal(t, "works", works["name"])
	require.Equal(t, "The Labs", works["display_name"], "an empty name stays as it was")
	require.Empty(t, works["description"], "an empty description clears it")
	require.Equal(t, "/emojis/1f9ea.png", works["icon"])
	require.Equal(t, works, owner.Do("GET", organizations+"/works", nil, nil).Map(s))
	expect(t, s, owner.Do("GET", organizations+"/labs", nil, nil), http.StatusNotFound, notFound)
	require.Equal(t, http.StatusCreated, owner.Do("POST", organizations, nil, object{"name": "labs"}).Status, "a name given up is free")
	require.Equal(t, http.StatusOK, owner.Do("PATCH", organizations+"/works", nil, object{"name": "WORKS"}).Status, "its own name in another case")
	require.Equal(t, http.StatusOK, owner.Do("PATCH", organizations+"/default", nil, object{"name": "company"}).Status)
	require.Equal(t, "company", owner.Do("GET", organizations+"/default", nil, nil).Map(s)["name"])

	deleted := owner.Do("DELETE", organizations+"/works", nil, nil)
	expect(t, s, deleted, http.StatusOK, "Organization has been deleted.")
	expect(t, s, owner.Do("GET", path, nil, nil), http.StatusNotFound, notFound)
	expect(t, s, owner.Do("DELETE", path, nil, nil), http.StatusNotFound, notFound)
	require.Equal(t, http.StatusCreated, owner.Do("POST", organizations, nil, object{"name": "Works"}).Status)
	user := owner.Do("GET", "/api/v2/users/me", nil, nil).Map(s)
	require.NotContains(t, user["organization_ids"], labs["id"])
}

func TestOrganizationRefusals(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	ada, admin := owner.NewUser("ada"), owner.NewUser("grace", "user-admin")
	makeOrganization(t, owner, "labs")
	before := logHead(t, s)
	const failed, badJSON = "Validation failed.", "Request body must be valid JSON."
	long := strings.Repeat("x", 70)
	for name, c := range map[string]struct {
		by           *apitest.Session
		method, path string
		body         any
		status       int
		message      string
		contains     string
	}{
		"create: no body":           {owner, "POST", "", "", 400, badJSON, ""},
		"create: broken JSON":       {owner, "POST", "", `{"name":`, 400, badJSON, ""},
		"create: array":             {owner, "POST", "", `[]`, 400, badJSON, ""},
		"create: NUL":               {owner, "POST", "", `{"name":"a\u0000"}`, 400, badJSON, ""},
		"create: invalid UTF-8":     {owner, "POST", "", "{\"name\":\"\xff\"}", 400, badJSON, ""},
		"create: wrong type":        {owner, "POST", "", `{"name":7}`, 400, badJSON, "name"},
		"create: huge number":       {owner, "POST", "", `{"name":"a","icon":1e999}`, 400, badJSON, "icon"},
		"create: no name":           {owner, "POST", "", object{}, 400, failed, `Validation failed for tag \"required\"`},
		"create: bad name":          {owner, "POST", "", object{"name": "a_b"}, 400, failed, `Validation failed for tag \"organization_name\" with value: \"a_b\"`},
		"create: long name":         {owner, "POST", "", object{"name": long}, 400, failed, "organization_name"},
		"create: name of a form":    {owner, "POST", "", object{"name": "create"}, 400, failed, "organization_name"},
		"create: bad display name":  {owner, "POST", "", object{"name": "a", "display_name": " a"}, 400, failed, "organization_display_name"},
		"create: long display name": {owner, "POST", "", object{"name": "a", "display_name": long}, 400, failed, "display_name"},
		"create: hostile text":      {owner, "POST", "", object{"name": "a", "description": strings.Repeat("x", 200_000)}, 400, failed, "description"},
		"create: reserved":          {owner, "POST", "", object{"name": "default"}, 400, `Organization name "default" is reserved.`, ""},
		"create: taken":             {owner, "POST", "", object{"name": "LABS"}, 409, "Organization already exists with that name.", ""},
		"create: member":            {ada, "POST", "", object{"name": "mine"}, 403, "Forbidden.", "contact your administrator"},
		"create: user-admin":        {admin, "POST", "", object{"name": "mine"}, 403, "Forbidden.", ""},
		"create: member, bad body":  {ada, "POST", "", object{"name": "-"}, 400, failed, ""},
		"get: unknown":              {owner, "GET", "/nothing", nil, 404, notFound, ""},
		"get: unknown id":           {owner, "GET", "/" + uuid.NewString(), nil, 404, notFound, ""},
		"get: NUL":                  {owner, "GET", "/%00", nil, 404, notFound, ""},
		"get: invalid UTF-8":        {owner, "GET", "/%ff", nil, 404, notFound, ""},
		"get: overlong":             {owner, "GET", "/" + strings.Repeat("x", 5000), nil, 404, notFound, ""},
		"get: unreadable":           {ada, "GET", "/labs", nil, 404, notFound, ""},
		"get: trailing slash":       {owner, "GET", "/labs/", nil, 404, "Route not found.", ""},
		"method":                    {owner, "PUT", "/labs", object{}, 405, "Method not allowed.", ""},
		"update: broken JSON":       {owner, "PATCH", "/labs", `{`, 400, badJSON, ""},
		"update: bad name":          {owner, "PATCH", "/labs", object{"name": "-"}, 400, failed, "organization_name"},
		"update: wrong type":        {owner, "PATCH", "/labs", `{"default_org_member_roles":"x"}`, 400, badJSON, "default_org_member_roles"},
		"update: roles for all":     {owner, "PATCH", "/labs", object{"default_org_member_roles": []string{"organization-admin"}}, 403, "Changing default organization roles is not enabled on this deployment.", ""},
		"update: reserved":          {owner, "PATCH", "/labs", object{"name": "default"}, 400, `Organization name "default" is reserved.`, ""},
		"update: taken":             {owner, "PATCH", "/labs", object{"name": "Coder"}, 409, `Organization already exists with the name "Coder".`, `{"field":"name","detail":"This value is already in use and should be unique."}`},
		"update: unreadable":        {ada, "PATCH", "/labs", object{"name": "mine"}, 404, notFound, ""},
		"update: no right":          {ada, "PATCH", "/coder", object{"name": "mine"}, 404, notFound, ""},
		"update: user-admin":        {admin, "PATCH", "/labs", object{"name": "mine"}, 404, notFound, ""},
		"delete: default":           {owner, "DELETE", "/default", nil, 400, "Default organization cannot be deleted.", ""},
		"delete: default, member":   {ada, "DELETE", "/coder", nil, 400, "Default organization cannot be deleted.", ""},
		"delete: unreadable":        {ada, "DELETE", "/labs", nil, 404, notFound, ""},
		"delete: user-admin":        {admin, "DELETE", "/labs", nil, 404, notFound, ""},
	} {
		a := c.by.Do(c.method, organizations+c.path, nil, c.body)
		require.Equal(t, c.status, a.Status, "%s: %s", name, a.Body)
		require.Equal(t, c.message, message(t, s, a), name)
		require.Contains(t, string(a.Body), c.contains, name)
		require.Less(t, len(a.Body), 2048, name)
	}
	for _, path := range []string{"", "/default", "/default/members", "/default/members/me", "/default/members/roles", "/default/paginated-members"} {
		anonymous := s.Do("GET", organizations+path, nil, nil)
		require.Equal(t, http.StatusUnauthorized, anonymous.Status, path)
	}
	require.Equal(t, before, logHead(t, s), "nothing was written")
}

func TestRepeatedOrganization(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	key := map[string]string{"Idempotency-Key": "once"}
	made := owner.Do("POST", organizations, key, object{"name": "labs"})
	require.Equal(t, http.StatusCreated, made.Status, "%s", made.Body)
	head := logHead(t, s)
	again := owner.Do("POST", organizations, key, object{"name": "labs"})
	require.Equal(t, http.StatusCreated, again.Status, "%s", again.Body)
	require.Equal(t, made.Body, again.Body)
	require.Equal(t, head, logHead(t, s))
	require.Equal(t, http.StatusUnprocessableEntity, owner.Do("POST", organizations, key, object{"name": "other"}).Status)
}

func TestRepeatedMembers(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	owner.NewUser("ada")
	labs := organizations + "/" + makeOrganization(t, owner, "labs")
	for _, step := range []struct {
		name, method, path string
		body               any
		status             int
	}{
		{"add", "POST", "/members/ada", nil, http.StatusOK},
		{"roles", "PUT", "/members/ada/roles", object{"roles": []string{"organization-auditor"}}, http.StatusOK},
		{"remove", "DELETE", "/members/ada", nil, http.StatusNoContent},
		{"rename", "PATCH", "", object{"name": "works"}, http.StatusOK},
		{"delete", "DELETE", "", nil, http.StatusOK},
	} {
		key := map[string]string{"Idempotency-Key": step.name}
		once := owner.Do(step.method, labs+step.path, key, step.body)
		require.Equal(t, step.status, once.Status, "%s: %s", step.name, once.Body)
		head := logHead(t, s)
		again := owner.Do(step.method, labs+step.path, key, step.body)
		require.Equal(t, step.status, again.Status, "%s again: %s", step.name, again.Body)
		require.Equal(t, once.Body, again.Body, step.name)
		require.Equal(t, head, logHead(t, s), step.name)
	}
	expect(t, s, owner.Do("DELETE", labs, nil, nil), http.StatusNotFound, notFound)
}

func TestOneOrganizationOfAName(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	var mu sync.Mutex
	statuses := map[int]int{}
	var wg sync.WaitGroup
	for i := range 30 {
		wg.Go(func() {
			name := "labs"
			if i%2 == 0 {
				name = "LABS"
			}
			a, err := owner.Try("POST", organizations, nil, object{"name": name})
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			statuses[a.Status]++
		})
	}
	wg.Wait()
	require.Equal(t, map[int]int{http.StatusCreated: 1, http.StatusConflict: 29}, statuses)
}

// Scopes and allow lists take from what the owner of a token may do.
func TestOrganizationsByToken(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	ada := owner.NewUser("ada")
	labs := makeOrganization(t, owner, "labs")
	token := func(scopes []string, list ...object) *apitest.Session {
		a := owner.Do("POST", "/api/v2/users/me/keys/tokens", nil, object{"scopes": scopes, "allow_list": list})
		require.Equal(t, http.StatusCreated, a.Status, "%s", a.Body)
		return &apitest.Session{System: s, ID: owner.ID, Token: a.Map(s)["key"].(string)}
	}
	status := func(c *apitest.Session, method, path string, body any) int {
		return c.Do(method, path, nil, body).Status
	}

	reader := token([]string{"organization:read"})
	require.Len(t, list(reader, reader.Do("GET", organizations, nil, nil)), 2)
	require.Equal(t, http.StatusOK, status(reader, "GET", organizations+"/labs/members", nil))
	require.Equal(t, http.StatusForbidden, status(reader, "POST", organizations, object{"name": "x"}))
	require.Equal(t, http.StatusNotFound, status(reader, "PATCH", organizations+"/labs", object{"icon": "x"}))
	require.Equal(t, http.StatusNotFound, status(reader, "DELETE", organizations+"/labs", nil))
	require.Equal(t, http.StatusForbidden, status(reader, "PUT", place("ada")+"/roles", object{"roles": []string{}}))

	stranger := token([]string{"user_skill:read"})
	require.Empty(t, list(stranger, stranger.Do("GET", organizations, nil, nil)))
	require.Equal(t, http.StatusNotFound, status(stranger, "GET", organizations+"/default", nil))
	require.Equal(t, http.StatusOK, status(stranger, "GET", skills("me"), nil))
	require.Equal(t, http.StatusForbidden, status(stranger, "POST", skills("me"), skillText("a", "", "x")))
	require.Equal(t, http.StatusNotFound, status(stranger, "DELETE", skills("me")+"/a", nil))

	narrow := token([]string{"coder:all"}, object{"type": "organization", "id": labs})
	require.Equal(t, []string{"labs"}, namesOf(list(narrow, narrow.Do("GET", organizations, nil, nil)), "name"))
	require.Equal(t, http.StatusOK, status(narrow, "PATCH", organizations+"/labs", object{"icon": "x"}))
	require.Equal(t, http.StatusNotFound, status(narrow, "PATCH", organizations+"/default", object{"icon": "x"}))
	require.Equal(t, http.StatusForbidden, status(narrow, "POST", organizations, object{"name": "x"}))
	require.Empty(t, list(narrow, narrow.Do("GET", organizations+"/labs/members", nil, nil)), "members are not in the list")

	maker := token([]string{"organization:*"}, object{"type": "organization", "id": "*"})
	require.Equal(t, http.StatusCreated, status(maker, "POST", organizations, object{"name": "empty"}))
	require.Empty(t, list(owner, owner.Do("GET", organizations+"/empty/members", nil, nil)))
	require.Equal(t, http.StatusOK, status(owner, "POST", organizations+"/empty/members/"+ada.ID, nil))
}

// TestOrganizationHistory: each change is in the log with who made it.
func TestOrganizationHistory(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	ada := owner.NewUser("ada")
	labs := makeOrganization(t, owner, "labs")
	require.Equal(t, http.StatusOK, owner.Do("POST", organizations+"/labs/members/ada", nil, nil).Status)
	require.Equal(t, http.StatusOK, owner.Do("PUT", organizations+"/labs/members/ada/roles", nil, object{"roles": []string{"organization-admin"}}).Status)
	require.Equal(t, http.StatusOK, ada.Do("PATCH", organizations+"/labs", nil, object{"icon": "x"}).Status)
	require.Equal(t, http.StatusNoContent, owner.Do("DELETE", organizations+"/labs/members/ada", nil, nil).Status)
	require.Equal(t, http.StatusOK, owner.Do("DELETE", organizations+"/labs", nil, nil).Status)

	recorded, err := s.Log.Read(t.Context(), events.Aggregate{Kind: events.Organization, ID: labs}, 1)
	require.NoError(t, err)
	var got []string
	for _, e := range recorded {
		require.Equal(t, "coder", e.Dialect)
		got = append(got, string(e.Type)+" "+e.Actor)
	}
	require.Equal(t, []string{
		"roster.organization.created.v2 " + owner.ID, "roster.organization.updated.v1 " + ada.ID, "roster.organization.deleted.v1 " + owner.ID,
	}, got)
	recorded, err = s.Log.Read(t.Context(), events.Aggregate{Kind: events.User, ID: ada.ID}, 1)
	require.NoError(t, err)
	got = nil
	for _, e := range recorded {
		if strings.Contains(string(e.Type), "membership") || strings.Contains(string(e.Type), "organization") {
			got = append(got, string(e.Type)+" "+e.Actor)
		}
	}
	require.Equal(t, []string{
		"roster.user.membership-added.v1 " + owner.ID, "roster.user.organization-roles-assigned.v1 " + owner.ID,
		"roster.user.membership-removed.v1 " + owner.ID,
	}, got)
}
