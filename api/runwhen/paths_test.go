package runwhen_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
)

// offered are the paths, and the methods of each.
var offered = map[string]string{
	"/token": "POST", "/token/refresh": "POST", "/token/verify": "POST", "/users/login": "POST", "/users/register": "POST", "/users/verify-email": "POST",
	"/users/logout": "POST", "/users/whoami": "GET, HEAD", "/users/get-token": "GET, HEAD", "/users/search": "GET, HEAD", "/users/tokens": "GET, HEAD",
	"/users/tokens/create": "POST", "/users/tokens/00000000-0000-0000-0000-000000000000/revoke": "POST", "/users/tokens/00000000-0000-0000-0000-000000000000": "DELETE",
	"/users": "GET, HEAD", "/users/2": "GET, HEAD, PUT, PATCH, DELETE", "/users/2/activeworkspaces": "GET, HEAD", "/users/2/activities": "GET, HEAD",
	"/users/2/activities/count": "GET, HEAD", "/users/2/activities/stream": "GET, HEAD", "/workspaces": "GET, HEAD",
}

func TestMethods(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for path, allow := range offered {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} {
			if strings.Contains(allow, method) {
				continue
			}
			for _, slash := range []string{"", "/"} {
				a := w.refused(w.ada, method, path+slash, nil, http.StatusMethodNotAllowed, "Method Not Allowed")
				require.Equal(t, allow, a.Header.Get("Allow"), path)
			}
		}
	}
}

func TestUnknownPaths(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, path := range []string{
		"", "/", "/nonsense", "/users//", "/users/2/nonsense", "/users/2/activities/nonsense", "/users/2//activities", "/users/tokens/x/y", "/workspaces/1",
		"/users/2/activities/count/x", "//users", "/USERS", "/users/search/x",
		"/users/2/stream", "/users/2/activity", "/users/2/activities/feed", "/users/2/workspaces",
	} {
		for _, method := range []string{"GET", "POST"} {
			w.refused(w.ada, method, path, nil, http.StatusNotFound, "Not Found")
		}
	}
}

// TestWithoutToken: every path but those by which people come in.
func TestWithoutToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for path, allow := range offered {
		method := strings.Split(allow, ", ")[0]
		if method == "POST" && !strings.Contains(path, "tokens") && path != "/users/logout" {
			continue
		}
		for token, detail := range map[string]string{
			"": "Not authenticated", "Bearer ": "Not authenticated", "Basic YWRhOng=": "Not authenticated", "Bearer nonsense": "Invalid or expired token", "Bearer a.b.c": "Invalid or expired token",
			"Bearer aaaaaaaaaa-bbbbbbbbbbbbbbbbbbbbbb": "Invalid or expired token", "Bearer " + strings.Repeat("x", 5000): "Invalid or expired token",
		} {
			a := w.Do(method, "/api/v3"+path, map[string]string{"Authorization": token}, nil)
			require.Equal(t, http.StatusUnauthorized, a.Status, path)
			require.JSONEq(t, `{"detail":"`+detail+`"}`, string(a.Body), "%s %s", path, token)
			require.Equal(t, "Bearer", a.Header.Get("WWW-Authenticate"))
		}
	}
}

func TestBrokenBodies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	head := w.head()
	for _, call := range [][2]string{
		{"POST", "/token/"},
		{"POST", "/token/refresh/"},
		{"POST", "/token/verify/"},
		{"POST", "/users/login"},
		{"POST", "/users/verify-email"},
		{"PUT", "/users/2"},
		{"PATCH", "/users/2"},
		{"POST", "/users/tokens/create"},
	} {
		for _, body := range []string{``, ` `, `{`, `[]`, `7`, `"x"`, `nil`, `{"a":}`, `{"username":"\u0000","password":"\u0000","token":"\u0000","refresh":"\u0000","email":"\u0000","name":"\u0000"}`, strings.Repeat(`{"a":`, 20_000)} {
			w.as(w.ada, call[0], call[1], body, http.StatusUnprocessableEntity)
		}
		w.refused(w.ada, call[0], call[1], "{\"a\":\"\xff\"}", http.StatusBadRequest, "There was an error parsing the body")
		zipped := w.ada.Do(call[0], "/api/v3"+call[1], map[string]string{"Content-Encoding": "gzip"}, "{}")
		require.Equal(t, http.StatusBadRequest, zipped.Status)
	}
	form := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	for _, body := range []string{"%zz", "username=%FF"} {
		require.Equal(t, http.StatusBadRequest, w.Do("POST", "/api/v3/token/", form, body).Status)
	}
	require.Equal(t, head, w.head(), "nothing was written")
}

func TestRateLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apitest.WithRateLimits())
	for range 100 {
		a := w.Do("POST", "/api/v3/token/", nil, object{"username": "ada", "password": "wrong"})
		if a.Status == http.StatusUnauthorized {
			continue
		}
		require.Equal(t, http.StatusTooManyRequests, a.Status)
		require.NotEmpty(t, a.Header.Get("Retry-After"))
		require.Regexp(t, `^Request was throttled\. Expected available in \d+ seconds\.$`, a.Map(w.System)["detail"])
		return
	}
	t.Fatal("no end of tries")
}
