package v1_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
)

// withRoles makes a user with site roles.
func withRoles(owner *apitest.Session, name string, roles ...string) *apitest.Session {
	made := owner.NewUser(name)
	owner.Do("PUT", "/v1/users/"+name+"/roles", nil, object{"roles": roles})
	return made
}

// withScopes makes a key of the user with so many scopes, and a session that uses it.
func withScopes(s *apitest.System, of *apitest.Session, scopes ...string) *apitest.Session {
	made := of.Do("POST", "/v1/users/me/keys", nil, object{"name": "key-" + strings.ReplaceAll(strings.Join(scopes, "-"), ":", "-"), "scopes": scopes})
	scoped := *of
	scoped.Token = made.Map(s)["token"].(string)
	return &scoped
}

// historyOf reads a history whole, in pages.
func historyOf(t *testing.T, s *apitest.System, c *apitest.Session, path, order string) []object {
	t.Helper()
	var out []object
	for cursor := ""; ; {
		page := c.Do("GET", path+"?limit=3&order="+order+"&cursor="+cursor, nil, nil)
		require.Equal(t, http.StatusOK, page.Status, "%s", page.Body)
		m := page.Map(s)
		for _, item := range m["items"].([]any) {
			out = append(out, item.(object))
		}
		next, more := m["next"].(string)
		if !more {
			return out
		}
		cursor = next
	}
}

// changesOf returns what an item changed, by field: "old>new".
func changesOf(item object) map[string]string {
	out := map[string]string{}
	for _, c := range item["changes"].([]any) {
		change := c.(object)
		text := fmt.Sprintf("%v>%v", change["old"], change["new"])
		if change["hidden"] == true {
			text = "hidden"
		}
		out[change["field"].(string)] = text
	}
	return out
}

func TestHistoryTellsWhoChangedWhat(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	ada := owner.NewUser("ada")
	ada.Do("PATCH", "/v1/users/me", nil, object{"name": "Ada Lovelace"})
	owner.Do("PATCH", "/v1/users/ada", map[string]string{"Roster-Reason": "she married"}, object{"lastName": "King", "email": "king@example.com"})
	ada.Do("PATCH", "/v1/users/me/preferences/codimir", nil, object{"theme": "dark"})
	owner.Do("PUT", "/v1/users/ada/roles", nil, object{"roles": []string{"tester"}})
	owner.Do("POST", "/v1/users/ada/suspend", nil, nil)

	items := historyOf(t, s, owner, "/v1/users/ada/history", "asc")
	byType := map[string]object{}
	for i, item := range items {
		byType[item["type"].(string)] = item
		if i > 0 {
			require.NotEqual(t, items[i-1]["position"], item["position"])
		}
	}
	made := byType["roster.user.registered.v1"]
	require.Equal(t, owner.ID, made["actor"])
	require.Equal(t, "v1", made["dialect"])
	require.Equal(t, "127.0.0.1", made["client"])
	require.Equal(t, "<nil>>ada", changesOf(made)["username"])
	require.Equal(t, "hidden", changesOf(made)["password"], "secrets are never shown")
	require.Equal(t, "<nil>>active", changesOf(made)["status"])
	email := byType["roster.user.email-changed.v1"]
	require.Equal(t, map[string]string{"email": ada.Email + ">king@example.com"}, changesOf(email))
	require.Equal(t, "she married", email["reason"])
	require.Equal(t, map[string]string{"preferences.codimir.theme": "<nil>>dark"}, changesOf(byType["roster.user.preferences-updated.v1"]))
	require.Equal(t, map[string]string{"roles": "<nil>>[tester]"}, changesOf(byType["roster.user.roles-assigned.v1"]))
	require.Equal(t, map[string]string{"status": "active>suspended"}, changesOf(byType["roster.user.suspended.v1"]))
	session := changesOf(byType["roster.user.session-opened.v1"])
	require.Len(t, session, 4)
	for name, text := range session {
		if strings.HasSuffix(name, ".secret") {
			require.Equal(t, "hidden", text)
		}
	}

	newest := historyOf(t, s, owner, "/v1/users/ada/history", "desc")
	require.Len(t, newest, len(items))
	for i := range newest {
		require.Equal(t, items[len(items)-1-i], newest[i])
	}
	require.Equal(t, newest[:1], func() []object {
		page := owner.Do("GET", "/v1/users/ada/history?limit=1", nil, nil).Map(s)
		return []object{page["items"].([]any)[0].(object)}
	}(), "the newest comes first by itself")
}

func TestHistoryIsForWhoeverMaySeeIt(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	ada, eve := owner.NewUser("ada"), owner.NewUser("eve")
	auditor, admin := withRoles(owner, "auditor", "auditor"), withRoles(owner, "admin", "user-admin")
	owner.Do("PATCH", "/v1/users/ada", nil, object{"name": "Ada"})

	for _, own := range historyOf(t, s, ada, "/v1/users/me/history", "asc") {
		if own["actor"] != ada.ID {
			require.NotContains(t, own, "client", "an admin's address is the admin's own: %v", own)
		}
	}
	require.Equal(t, http.StatusNotFound, eve.Do("GET", "/v1/users/ada/history", nil, nil).Status)
	require.Equal(t, http.StatusForbidden, admin.Do("GET", "/v1/users/ada/history", nil, nil).Status)
	require.Equal(t, historyOf(t, s, owner, "/v1/users/ada/history", "asc"), historyOf(t, s, auditor, "/v1/users/ada/history", "asc"))

	require.Equal(t, http.StatusForbidden, withScopes(s, ada, "users:read").Do("GET", "/v1/users/me/history", nil, nil).Status)
	for _, item := range historyOf(t, s, withScopes(s, auditor, "events:read", "users:read"), "/v1/users/ada/history", "asc") {
		require.NotContains(t, item, "client")
		for field, text := range changesOf(item) {
			if field == "name" || field == "username" || field == "email" {
				require.Equal(t, "hidden", text)
			}
		}
	}
	for path, status := range map[string]int{
		"/v1/users/ada/history?cursor=r0": 400, "/v1/users/ada/history?cursor=a1": 400, "/v1/users/ada/history?cursor=r999999": 400,
		"/v1/users/ada/history?order=up": 400, "/v1/users/ada/history?limit=1000": 400, "/v1/users/nobody/history": 404,
		"/v1/users/01900000-0000-7000-8000-000000000001/history": 404,
	} {
		require.Equal(t, status, owner.Do("GET", path, nil, nil).Status, path)
	}
}

func TestAUserAsItWas(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	ada := owner.NewUser("ada")
	first := owner.Do("PATCH", "/v1/users/ada", nil, object{"name": "Ada Lovelace"})
	before := first.Map(s)
	time.Sleep(2 * time.Millisecond) //nolint:forbidigo // times of events must differ
	then := url.QueryEscape(time.Now().Format(time.RFC3339Nano))
	key := ada.Do("POST", "/v1/users/me/keys", nil, object{"name": "laptop", "scopes": []string{"users:read"}}).Map(s)
	ada.Do("PATCH", "/v1/users/me/preferences/codimir", nil, object{"theme": "dark"})
	dark := ada.Do("PATCH", "/v1/users/me/preferences/codimir", nil, object{"theme": "light"})
	owner.Do("PUT", "/v1/users/ada/roles", nil, object{"roles": []string{"tester"}})
	ada.Do("DELETE", "/v1/users/me/keys/"+key["id"].(string), nil, nil)
	owner.Do("PATCH", "/v1/users/ada", nil, object{"name": "Ada King", "email": nil})
	require.Equal(t, http.StatusNoContent, owner.Do("DELETE", "/v1/users/ada", nil, nil).Status)

	path := "/v1/users/" + ada.ID
	get := func(path string) object {
		a := owner.Do("GET", path, nil, nil)
		require.Equal(t, http.StatusOK, a.Status, "%s: %s", path, a.Body)
		return a.Map(s)
	}
	require.Equal(t, before, get(path+"?at="+first.Header.Get("Roster-Position")), "deleted since")
	require.Equal(t, before, get(path+"?at="+then))
	require.Equal(t, "deleted", get(path + "?at=" + url.QueryEscape(time.Now().Format(time.RFC3339Nano)))["status"])
	require.Empty(t, get(path + "/roles?at=" + then)["roles"])
	place := dark.Header.Get("Roster-Position")
	require.Equal(t, object{"theme": "light"}, get(path + "/preferences?at=" + place)["dialects"].(object)["codimir"])
	require.Equal(t, object{"theme": "light"}, get(path+"/preferences/codimir?at="+place))
	require.Empty(t, get(path + "/preferences?at=" + then)["dialects"])
	require.Len(t, get(path + "/keys?at=" + place)["items"], 2, "a session and a key")
	require.Len(t, get(path + "/keys?at=" + then)["items"], 1)

	require.Equal(t, http.StatusNotFound, owner.Do("GET", path+"?at=r1", nil, nil).Status, "before it was registered")
	for at, detail := range map[string]string{
		"r0": "begin with r1", "a5": "identity log", "r99999": "beyond the log", "yesterday": "RFC 3339", "": "RFC 3339",
		"2999-01-01T00:00:00Z": "future", "r1042x": "RFC 3339", strings.Repeat("1", 65): "longer",
	} {
		a := owner.Do("GET", path+"?at="+at, nil, nil)
		require.Equal(t, http.StatusBadRequest, a.Status, at)
		require.Contains(t, string(a.Body), detail, at)
	}
}

func TestThePastIsForWhoeverMaySeeIt(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	ada, eve := owner.NewUser("ada"), owner.NewUser("eve")
	auditor, admin := withRoles(owner, "auditor", "auditor"), withRoles(owner, "admin", "user-admin")
	at := "?at=" + owner.Do("PATCH", "/v1/users/ada", nil, object{"name": "Ada"}).Header.Get("Roster-Position")
	status := func(c *apitest.Session, path string) int { return c.Do("GET", path+at, nil, nil).Status }
	narrow := withScopes(s, ada, "users:read")
	for _, path := range []string{"", "/roles", "/preferences", "/preferences/codimir", "/keys"} {
		require.Equal(t, 200, status(ada, "/v1/users/me"+path), path)
		require.Equal(t, 200, status(owner, "/v1/users/ada"+path), path)
		require.Equal(t, 404, status(eve, "/v1/users/ada"+path), path)
		require.Equal(t, 403, status(admin, "/v1/users/ada"+path), path)
		require.Equal(t, 403, status(narrow, "/v1/users/me"+path), path)
	}
	require.Equal(t, 200, status(auditor, "/v1/users/ada"))
	require.Equal(t, 403, status(auditor, "/v1/users/ada/preferences"), "who may not read those of the present")
	few := withScopes(s, auditor, "events:read", "users:read")
	require.Equal(t, 200, status(few, "/v1/users/ada/roles"))
	require.Equal(t, 403, status(few, "/v1/users/ada"), "personal data of the past")
	require.Equal(t, 200, ada.Do("GET", "/v1/users/me/roles", nil, nil).Status)
	require.Equal(t, 404, eve.Do("GET", "/v1/users/ada/roles", nil, nil).Status)
	require.Equal(t, 404, eve.Do("GET", "/v1/users/ada/preferences", nil, nil).Status)
}

func TestOrganizationsAndWorkspacesAsTheyWere(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	ada, eve := owner.NewUser("ada"), owner.NewUser("eve")
	made := owner.Do("POST", "/v1/organizations", nil, object{"name": "engines", "displayName": "Engines"})
	org := "/v1/organizations/" + made.Map(s)["id"].(string)
	owner.Do("PATCH", org, nil, object{"displayName": "Analytical Engines"})
	require.Equal(t, http.StatusNoContent, owner.Do("DELETE", org, nil, nil).Status)
	was := owner.Do("GET", org+"?at="+made.Header.Get("Roster-Position"), nil, nil)
	require.Equal(t, made.Map(s), was.Map(s))
	require.Equal(t, 404, owner.Do("GET", org+"?at=r1", nil, nil).Status)
	items := historyOf(t, s, owner, org+"/history", "asc")
	require.Len(t, items, 3)
	require.Equal(t, map[string]string{"displayName": "Engines>Analytical Engines"}, changesOf(items[1]))
	require.Equal(t, map[string]string{"deleted": "false>true"}, changesOf(items[2]))
	require.Equal(t, 404, eve.Do("GET", org+"/history", nil, nil).Status)
	require.Equal(t, 403, eve.Do("GET", "/v1/organizations/default/history", nil, nil).Status)
	require.Equal(t, 200, owner.Do("GET", "/v1/organizations/default/history", nil, nil).Status)
	require.Equal(t, 404, owner.Do("GET", "/v1/organizations/"+ada.ID+"/history", nil, nil).Status)

	space := ada.Do("POST", "/v1/workspaces", nil, object{"name": "notes"})
	require.Equal(t, http.StatusCreated, space.Status, "%s", space.Body)
	path := "/v1/workspaces/" + space.Map(s)["id"].(string)
	at := "?at=" + space.Header.Get("Roster-Position")
	require.Equal(t, space.Map(s), ada.Do("GET", path+at, nil, nil).Map(s))
	require.Len(t, historyOf(t, s, ada, path+"/history", "desc"), 1, "its owner sees it")
	require.Equal(t, 404, eve.Do("GET", path+at, nil, nil).Status)
	require.Equal(t, 404, eve.Do("GET", path+"/history", nil, nil).Status)
	ada.Do("DELETE", path, nil, nil)
	require.Equal(t, 404, ada.Do("GET", path+at, nil, nil).Status, "gone for its owner")
	require.Equal(t, space.Map(s), owner.Do("GET", path+at, nil, nil).Map(s))
	require.Len(t, historyOf(t, s, owner, path+"/history", "desc"), 2)
}
