package pm415_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
)

// writes are all calls that read a body, with a good enough path.
var writes = []struct{ method, path string }{
	{"PUT", "/api/user"},
	{"POST", "/api/account/login"},
	{"POST", "/api/account/register"},
	{"POST", "/api/account/forgotpassword"},
	{"POST", "/api/account/changepassword"},
	{"POST", "/api/org"},
	{"PUT", "/api/org/1"},
	{"POST", "/api/org/1/users/remove"},
	{"POST", "/api/org/1/invitelink"},
	{"PUT", "/api/org/1/admin/grant"},
	{"PUT", "/api/org/1/admin/revoke"},
	{"PUT", "/api/org/1/admin/resetpassword"},
}

func TestBadBodies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.login(w.owner.Email, apitest.Password)
	head := w.v1("GET", "/v1/users/me", nil, http.StatusOK)
	for _, c := range writes {
		for body, status := range map[string]int{
			`{`: 400, `{"email":}`: 400, `{"email":"a"}x`: 400, `null`: 400, `true`: 400, `7`: 400, `"x"`: 400, `[]`: 400, ` `: 400,
			`{"email":"a","email":"b"}`: 400, `{"email":"a\u0000b"}`: 400, "{\"email\":\"\xff\"}": 400, `{"em\u0000ail":"a"}`: 400,
			strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40): 400,
			`{"email":"` + strings.Repeat("x", 2<<20) + `"}`:            413,
			`{"__proto__":{}}`: 400, `{"email":{"$gt":""},"name":{},"usersId":{},"token":{}}`: 400,
		} {
			a := owner.ask(c.method, c.path, body, status)
			require.NotContains(t, a["message"], "\x00")
		}
	}
	require.Equal(t, head, w.v1("GET", "/v1/users/me", nil, http.StatusOK), "nothing was written")
	require.Zero(t, w.post.count())
}

func TestUnknownPathsAndMethods(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, path := range []string{
		"/api", "/api/", "/api/users", "/api/nothing/here", "/api/account", "/api/account/nothing", "/api/user/apikey/x", "/api/user/orgs/1",
		"/api/org/1/nothing", "/api/org/1/users/x/y", "/api/org//users", "/api/org/1/admin", "/api/v4/users", "/api/backlogs/1",
		"/api/org/1/%00/x", "/api/%ff",
	} {
		require.Equal(t, "Not Found", w.ask("GET", path, nil, http.StatusNotFound)["message"], path)
	}
	for path, allow := range map[string]string{
		"/api/user": "GET, HEAD, PUT", "/api/user/apikey": "GET, HEAD, POST", "/api/user/orgs": "GET, HEAD", "/api/account/login": "POST",
		"/api/account/verify": "GET, HEAD", "/api/org": "GET, HEAD, POST", "/api/org/1": "PUT, DELETE", "/api/org/1/users": "GET, HEAD",
		"/api/org/1/admin/grant": "PUT", "/api/user/apikey/": "GET, HEAD, POST",
	} {
		for _, method := range []string{"PATCH", "DELETE", "OPTIONS", "TRACE", "POST"} {
			if strings.Contains(allow, method) {
				continue
			}
			a := w.Do(method, path, nil, nil)
			require.Equal(t, http.StatusMethodNotAllowed, a.Status, "%s %s", method, path)
			require.Equal(t, allow, a.Header.Get("Allow"), path)
			require.Equal(t, object{
				"statusCode": 405.0, "error": "Method Not Allowed", "message": "Method Not Allowed", "success": false,
			}, a.Map(w.System))
		}
	}
}

// Slashes at the end change nothing, as in Express; /api/user/ alone is another
// dialect's.
func TestSlashesAtTheEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.person("ada")
	for _, path := range []string{"/api/user/apikey/", "/api/user/orgs/", "/api/org/", "/api/org/1/users/"} {
		ada.ok("GET", path, nil)
	}
	w.ask("POST", "/api/account/login/", object{"email": ada.email, "password": ada.password}, http.StatusOK)
	a := w.Do("GET", "/api/user/", bearer(ada.token), nil)
	require.Equal(t, http.StatusNotFound, a.Status)
	require.Contains(t, a.Map(w.System)["error"], "code")
}

func TestHead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.person("ada")
	a := w.Do("HEAD", "/api/user", bearer(ada.token), nil)
	require.Equal(t, http.StatusOK, a.Status)
	require.Empty(t, a.Body)
}

func TestBadHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.person("ada")
	for name, value := range map[string]string{"Idempotency-Key": strings.Repeat("x", 300), "Roster-Min-Position": "nonsense"} {
		w.askWith("PUT", "/api/user", with2(bearer(ada.token), name, value), object{"email": ada.email}, http.StatusBadRequest)
	}
	w.askWith("GET", "/api/user", with2(bearer(ada.token), "Roster-Min-Position", "r99999999"), nil, http.StatusBadRequest)
	w.askWith("PUT", "/api/user", with2(bearer(ada.token), "Content-Encoding", "gzip"), "x", http.StatusBadRequest)
}
