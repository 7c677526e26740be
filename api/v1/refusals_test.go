package v1_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/events"
)

// writes are all endpoints that take a body.
var writes = []struct{ method, path string }{
	{"POST", "/v1/users"},
	{"PATCH", "/v1/users/me"},
	{"PUT", "/v1/users/target/roles"},
	{"PUT", "/v1/users/me/password"},
	{"PATCH", "/v1/users/me/preferences/codimir"},
	{"POST", "/v1/users/me/keys"},
	{"POST", "/v1/users/target/suspend"},
	{"POST", "/v1/users/target/activate"},
	{"DELETE", "/v1/users/target"},
	{"DELETE", "/v1/users/me/keys/aB3dE6gH9j"},
	{"POST", "/v1/activities"},
	{"POST", "/v1/users/me/parameters"},
	{"POST", "/v1/workspaces"},
	{"DELETE", "/v1/workspaces/01900000-0000-7000-8000-000000000009"},
	{"POST", "/v1/organizations"},
	{"PATCH", "/v1/organizations/default"},
	{"DELETE", "/v1/organizations/default"},
	{"PUT", "/v1/organizations/default/members/target"},
	{"DELETE", "/v1/organizations/default/members/target"},
	{"PUT", "/v1/organizations/default/members/target/roles"},
}

// TestBrokenBodies sends every write what no endpoint can take.
func TestBrokenBodies(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	owner.NewUser("target")
	before := headOf(t, s)
	bodies := map[string]struct {
		body   string
		status []int
	}{
		"malformed":      {`{"username":`, []int{400}},
		"trailing":       {`{} {}`, []int{400}},
		"no object":      {`"text"`, []int{400}},
		"number":         {`17`, []int{400}},
		"null":           {`null`, []int{400}},
		"invalid UTF-8":  {"{\"name\":\"\xff\xfe\"}", []int{400}},
		"NUL":            {`{"name":"a\u0000b"}`, []int{400}},
		"NUL in a name":  {`{"a\u0000b":1}`, []int{400}},
		"twice":          {`{"name":"a","name":"b"}`, []int{400}},
		"deep":           {strings.Repeat(`{"name":`, 40) + "1" + strings.Repeat("}", 40), []int{400}},
		"very deep":      {strings.Repeat(`[`, 100000), []int{400}},
		"unknown member": {`{"nonsense":1}`, []int{422}},
		"too large":      {`{"name":"` + strings.Repeat("x", 9<<20) + `"}`, []int{413}},
	}
	for name, c := range bodies {
		for _, w := range writes {
			if w.path == "/v1/activities" && itemsAlone(name) {
				continue
			}
			a := owner.Do(w.method, w.path, nil, c.body)
			require.Contains(t, c.status, a.Status, "%s %s %s: %s", name, w.method, w.path, cut(a.Body))
			require.Equal(t, "application/problem+json", a.Header.Get("Content-Type"))
			require.Less(t, len(a.Body), 4096, "a hostile body is not repeated")
		}
	}
	require.Equal(t, before, headOf(t, s), "nothing was written")
}

// itemsAlone are the bodies of which POST /v1/activities rejects the item alone.
func itemsAlone(name string) bool { return name == "unknown member" }

func cut(b []byte) string { return string(b[:min(300, len(b))]) }

func headOf(t *testing.T, s *apitest.System) uint64 {
	t.Helper()
	head, err := s.Log.Head(t.Context(), events.Roster)
	require.NoError(t, err)
	return head
}

// TestWrongMembers names the member that is wrong, and changes nothing.
func TestWrongMembers(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	owner.NewUser("target")
	before := headOf(t, s)
	long := strings.Repeat("x", 3000)
	for _, c := range []struct {
		method, path, body string
		status             int
		field              string
	}{
		{"POST", "/v1/users", `{}`, 422, "username"},
		{"POST", "/v1/users", `{"username":null}`, 422, "username"},
		{"POST", "/v1/users", `{"username":7}`, 422, "username"},
		{"POST", "/v1/users", `{"username":"a_b"}`, 422, "username"},
		{"POST", "/v1/users", `{"username":"-a"}`, 422, "username"},
		{"POST", "/v1/users", `{"username":"` + long + `"}`, 422, "username"},
		{"POST", "/v1/users", `{"username":"ok","email":"nonsense"}`, 422, "email"},
		{"POST", "/v1/users", `{"username":"ok","email":["a@example.com"]}`, 422, "email"},
		{"POST", "/v1/users", `{"username":"ok","name":"` + long + `"}`, 422, "name"},
		{"POST", "/v1/users", `{"username":"ok","avatar":"javascript:alert(1)"}`, 422, "avatar"},
		{"POST", "/v1/users", `{"username":"ok","roles":["king"]}`, 422, "roles"},
		{"POST", "/v1/users", `{"username":"ok","roles":[null]}`, 422, "roles"},
		{"POST", "/v1/users", `{"username":"ok","roles":"owner"}`, 422, "roles"},
		{"POST", "/v1/users", `{"username":"ok","status":"deleted"}`, 422, "status"},
		{"POST", "/v1/users", `{"username":"ok","identities":{}}`, 422, "identities"},
		{"POST", "/v1/users", `{"username":"ok","identities":[1]}`, 422, "identities[0]"},
		{"POST", "/v1/users", `{"username":"ok","identities":[{"provider":"github"}]}`, 422, "identities[0].subject"},
		{"POST", "/v1/users", `{"username":"ok","identities":[{"provider":"github","subject":"1","x":1}]}`, 422, "identities[0].x"},
		{"POST", "/v1/users", `{"username":"ok","normaliseUsername":1}`, 422, "normaliseUsername"},
		{"POST", "/v1/users", `{"username":"TARGET"}`, 409, "username"},
		{"POST", "/v1/users", `{"username":"ok","email":"OWNER@example.com"}`, 409, "email"},
		{"PATCH", "/v1/users/me", `{"username":null}`, 422, "username"},
		{"PATCH", "/v1/users/me", `{"username":"target"}`, 409, "username"},
		{"PATCH", "/v1/users/me", `{"email":true}`, 422, "email"},
		{"PATCH", "/v1/users/me", `{"language":"not a language"}`, 422, "language"},
		{"PUT", "/v1/users/target/roles", `{}`, 422, "roles"},
		{"PUT", "/v1/users/target/roles", `{"roles":null}`, 422, "roles"},
		{"PUT", "/v1/users/target/roles", `{"roles":[1e999]}`, 422, "roles"},
		{"PUT", "/v1/users/me/password", `{}`, 422, "password"},
		{"PUT", "/v1/users/me/password", `{"password":"x"}`, 422, "oldPassword"},
		{"PUT", "/v1/users/me/password", `{"password":{}}`, 422, "password"},
		{"PATCH", "/v1/users/me/preferences/codimir", `{"theme":"pink"}`, 422, "theme"},
		{"PATCH", "/v1/users/me/preferences/codimir", `{"theme":1e999}`, 422, "theme"},
		{"PATCH", "/v1/users/me/preferences/codimir", `{"timezone":"../../etc/passwd"}`, 422, "timezone"},
		{"PATCH", "/v1/users/me/preferences/codimir", `{"emailNotifications":{"nonsense":true}}`, 422, "emailNotifications.nonsense"},
		{"PATCH", "/v1/users/me/preferences/codimir", `{"emailNotifications":[]}`, 422, "emailNotifications"},
		{"PATCH", "/v1/users/me/preferences/codimir", `{"language":7}`, 422, "language"},
		{"POST", "/v1/users/me/keys", `{"lifetimeSeconds":-1}`, 422, "lifetimeSeconds"},
		{"POST", "/v1/users/me/keys", `{"lifetimeSeconds":0}`, 422, "lifetimeSeconds"},
		{"POST", "/v1/users/me/keys", `{"lifetimeSeconds":1.5}`, 422, "lifetimeSeconds"},
		{"POST", "/v1/users/me/keys", `{"lifetimeSeconds":1e999}`, 422, "lifetimeSeconds"},
		{"POST", "/v1/users/me/keys", `{"lifetimeSeconds":99999999999999999999}`, 422, "lifetimeSeconds"},
		{"POST", "/v1/users/me/keys", `{"lifetimeSeconds":9223372036854775807}`, 422, "lifetimeSeconds"},
		{"POST", "/v1/users/me/keys", `{"lifetimeSeconds":9000000000}`, 422, "lifetimeSeconds"},
		{"POST", "/v1/users/me/keys", `{"scopes":["everything"]}`, 422, "scopes"},
		{"POST", "/v1/users/me/keys", `{"name":"` + long + `"}`, 422, "name"},
	} {
		a := owner.Do(c.method, c.path, nil, c.body)
		require.Equal(t, c.status, a.Status, "%s %s %s: %s", c.method, c.path, cut([]byte(c.body)), cut(a.Body))
		require.Contains(t, string(a.Body), fmt.Sprintf(`"field":%q`, c.field), "%s %s", c.path, cut([]byte(c.body)))
	}
	require.Equal(t, before, headOf(t, s), "nothing was written")
}

// TestWrongRequests has what is wrong outside of bodies.
func TestWrongRequests(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	for _, path := range []string{
		"/v1/users?limit=0", "/v1/users?limit=101", "/v1/users?limit=x", "/v1/users?limit=99999999999999999999", "/v1/users?limit=-1",
		"/v1/users?cursor=nonsense", "/v1/users?cursor=%00", "/v1/users?cursor=%ff", "/v1/users?q=%00", "/v1/users?q=%ff", "/v1/users?q=" + strings.Repeat("x", 300),
		"/v1/users?limit=1&limit=2", "/v1/users?q=%zz", "/v1/users?%00=1",
		"/v1/users/me/activities?limit=0", "/v1/users/me/activities?type=nonsense", "/v1/users/me/activities?cursor=zzz",
		"/v1/users/me/activities?type=ticket,", "/v1/users/me/activities/count?type=%00", "/v1/users/me/statistics?period=day",
	} {
		a := owner.Do("GET", path, nil, nil)
		require.Equal(t, http.StatusBadRequest, a.Status, "%s %s", path, a.Body)
	}
	for _, path := range []string{
		"/v1/users/nobody", "/v1/users/%00", "/v1/users/%ff", "/v1/users/a_b", "/v1/users/" + strings.Repeat("x", 5000), "/v1/users/..",
		"/v1/users/00000000-0000-0000-0000-000000000000", "/v1/users/a%2Fb", "/v1/nonsense", "/v1/users/", "/v1",
		"/v1/users/nobody/keys", "/v1/users/nobody/activities", "/v1/users/nobody/activities/count", "/v1/users/nobody/statistics", "/v1/users/nobody/preferences/codimir",
		"/v1/users/me/preferences/%00",
	} {
		a := owner.Do("GET", path, nil, nil)
		require.Equal(t, http.StatusNotFound, a.Status, "%s %s", path, a.Body)
		require.Equal(t, "application/problem+json", a.Header.Get("Content-Type"), path)
	}
	wrongMethod := owner.Do("PUT", "/v1/users/me", nil, "{}")
	require.Equal(t, http.StatusMethodNotAllowed, wrongMethod.Status)
	require.Equal(t, "GET, HEAD, PATCH, DELETE", wrongMethod.Header.Get("Allow"))
	require.Equal(t, "method-not-allowed", wrongMethod.Map(s)["code"])

	for name, value := range map[string]string{
		"Idempotency-Key": strings.Repeat("k", 256), "Roster-Min-Position": "nonsense",
	} {
		require.Equal(t, http.StatusBadRequest, owner.Do("PATCH", "/v1/users/me", map[string]string{name: value}, "{}").Status, name)
	}
	require.Equal(t, http.StatusBadRequest, owner.Do("GET", "/v1/users/me", map[string]string{"Roster-Min-Position": "r999999"}, nil).Status)
	require.Equal(t, http.StatusBadRequest, owner.Do("GET", "/v1/users/me/activities", map[string]string{"Roster-Min-Position": "a999999"}, nil).Status)
	require.Equal(t, http.StatusUnsupportedMediaType, owner.Do("POST", "/v1/activities", map[string]string{"Content-Type": "text/plain"}, "{}").Status)
	require.Equal(t, http.StatusUnsupportedMediaType, owner.Do("PATCH", "/v1/users/me", map[string]string{"Content-Encoding": "gzip"}, "{}").Status)
	require.Equal(t, http.StatusUnsupportedMediaType,
		owner.Do("POST", "/v1/activities", map[string]string{"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}, "{}").Status)
}

// TestWhoMay is the table of rights as HTTP shows it.
func TestWhoMay(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	admin := owner.NewUser("admin", "user-admin")
	auditor := owner.NewUser("auditor", "auditor")
	member := owner.NewUser("member")
	owner.NewUser("target")
	callers := []*apitest.Session{owner, admin, auditor, member}
	for _, c := range []struct {
		method, path, body string
		want               [4]int // owner, admin, auditor, member
	}{
		{"GET", "/v1/users/target", "", [4]int{200, 200, 200, 404}},
		{"GET", "/v1/users/target/activities", "", [4]int{200, 200, 200, 404}},
		{"GET", "/v1/users/target/activities/count", "", [4]int{200, 200, 200, 404}},
		{"GET", "/v1/users/target/statistics", "", [4]int{200, 200, 200, 404}},
		{"GET", "/v1/users/target/preferences/codimir", "", [4]int{200, 200, 403, 404}},
		{"PATCH", "/v1/users/target/preferences/codimir", `{"theme":"dark"}`, [4]int{200, 200, 403, 404}},
		{"GET", "/v1/users/target/keys", "", [4]int{200, 403, 403, 404}},
		{"POST", "/v1/users/target/keys", `{}`, [4]int{201, 403, 403, 404}},
		{"DELETE", "/v1/users/target/keys/aB3dE6gH9j", ``, [4]int{404, 403, 403, 404}},
		{"PATCH", "/v1/users/target", `{"name":"x"}`, [4]int{200, 200, 403, 404}},
		{"PATCH", "/v1/users/me", `{"name":"x"}`, [4]int{200, 200, 200, 200}},
		{"PUT", "/v1/users/target/roles", `{"roles":["tester"]}`, [4]int{200, 200, 403, 404}}, // for the admin nothing changes any more
		{"PUT", "/v1/users/target/password", `{"password":"a new staple for it 7"}`, [4]int{204, 204, 403, 404}},
		{"PUT", "/v1/users/owner/password", `{"password":"a new staple for it 7","oldPassword":"x"}`, [4]int{422, 403, 403, 404}},
		{"POST", "/v1/users/target/suspend", ``, [4]int{200, 200, 403, 404}},
		{"POST", "/v1/users/target/activate", ``, [4]int{200, 200, 403, 404}},
		{"POST", "/v1/users", `{"username":"%s-made"}`, [4]int{201, 201, 403, 403}},
		{"POST", "/v1/users", `{"username":"%s-owner","roles":["owner"]}`, [4]int{201, 403, 403, 403}},
		{"PATCH", "/v1/users/me", `{"username":"%s-2"}`, [4]int{200, 200, 403, 403}},
		{"DELETE", "/v1/users/target", ``, [4]int{204, 404, 404, 404}},
	} {
		for i, caller := range callers {
			body := strings.ReplaceAll(c.body, "%s", caller.Username)
			var sent any
			if body != "" {
				sent = body
			}
			a := caller.Do(c.method, c.path, nil, sent)
			require.Equal(t, c.want[i], a.Status, "%s %s %s as %s: %s", c.method, c.path, body, caller.Username, a.Body)
		}
	}
	require.Equal(t, http.StatusForbidden, admin.Do("PUT", "/v1/users/member/roles", nil, object{"roles": []string{"auditor"}}).Status)
	for _, w := range append(writes, struct{ method, path string }{"GET", "/v1/users"}) {
		for _, credential := range []string{"", "Bearer nonsense", "Bearer aaaaaaaaaa-bbbbbbbbbbbbbbbbbbbbbb", "Basic b3duZXI6eA=="} {
			headers := map[string]string{}
			if credential != "" {
				headers["Authorization"] = credential
			}
			a := s.Do(w.method, w.path, headers, nil)
			require.Equal(t, http.StatusUnauthorized, a.Status, "%s %s", w.method, w.path)
			require.NotEmpty(t, a.Header.Get("WWW-Authenticate"))
		}
	}
}
