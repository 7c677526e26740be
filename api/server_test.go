package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/rosterhq/roster/api"
	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// TestOwners: whatever goes wrong at a path is answered in its dialect's form.
func TestOwners(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	for _, c := range []struct {
		method, path string
		status       int
		member, text string
	}{
		{"GET", "/nonsense", 404, "code", "not-found"},
		{"GET", "/v1/nonsense", 404, "code", "not-found"},
		{"GET", "/v1//users", 404, "code", "not-found"},
		{"POST", "/healthz", 405, "code", "method-not-allowed"},
		{"POST", "/docs", 405, "code", "method-not-allowed"},
		{"BREW", "/v1/users", 405, "code", "method-not-allowed"},
		{"OPTIONS", "/v1/users", 405, "code", "method-not-allowed"},
		{"GET", "/api/v2/nonsense", 404, "message", "Route not found."},
		{"GET", "/api/v2/../v1/users", 404, "message", "Route not found."},
		{"PUT", "/api/v2/users/login", 405, "message", "Method not allowed."},
		{"GET", "/api/experimental/x", 404, "message", "Route not found."},
		{"GET", "/api", 404, "message", "Not Found"},
		{"GET", "/api/v1/users", 404, "message", "Error 404. Resource not found!"},
		{"GET", "/api/v1/", 404, "message", "Error 404. Resource not found!"},
		{"GET", "/api/v3/users", 401, "detail", "Not authenticated"},
		{"GET", "/api/v3/nonsense", 404, "detail", "Not Found"},
		{"GET", "/api/user", 401, "message", "Authentication required"},
		{"GET", "/api/user/apikey", 401, "message", "Authentication required"},
		{"GET", "/api/user/orgs", 401, "message", "Authentication required"},
		{"GET", "/api/v22", 404, "message", "Not Found"},
	} {
		a := s.Do(c.method, c.path, nil, nil)
		require.Equal(t, c.status, a.Status, "%s %s: %s", c.method, c.path, a.Body)
		require.Equal(t, c.text, a.Map(s)[c.member], "%s %s: %s", c.method, c.path, a.Body)
	}
	for path, status := range map[string]int{"/api/user/nonsense": 404, "/api/auth/nonsense": 404} {
		a := s.Do("GET", path, nil, nil)
		require.Equal(t, status, a.Status)
		require.Equal(t, "NOT_FOUND", a.Map(s)["error"].(map[string]any)["code"], "%s", a.Body)
	}
	off := apitest.New(t, apitest.WithDialects("coder"))
	require.Equal(t, "there is nothing at this path", off.Do("GET", "/api/user/profile", nil, nil).Map(off)["error"])
}

func TestUnknownDialect(t *testing.T) {
	t.Parallel()
	_, err := api.New(api.Config{Dialects: []string{"coder", "klingon"}})
	require.ErrorContains(t, err, `"klingon"`)
	require.ErrorContains(t, err, "codimir, coder")
}

func TestHealth(t *testing.T) {
	t.Parallel()
	broken := errors.New("projection users_v1 is 12000 events behind")
	s := apitest.New(t, apitest.WithReady(func(context.Context) error { return broken }))
	require.Equal(t, map[string]any{"status": "ok"}, s.Do("GET", "/healthz", nil, nil).Map(s))
	unready := do(s.Handler, http.MethodGet, "/readyz", nil)
	require.Equal(t, http.StatusServiceUnavailable, unready.Code)
	require.Contains(t, unready.Body.String(), broken.Error())

	ready := apitest.New(t)
	require.Equal(t, "ready", ready.Do("GET", "/readyz", nil, nil).Map(ready)["status"])
	ready.Do("GET", "/v1/users/someone", nil, nil)
	metrics := string(ready.Do("GET", "/metrics", nil, nil).Body)
	require.Contains(t, metrics, `roster_http_request_duration_seconds_count{method="GET",route="/v1/users/{user}",status="4xx"} 1`)
	require.NotContains(t, metrics, "someone")
}

func do(h http.Handler, method, path string, headers map[string]string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestDocs(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	page := s.Do("GET", "/docs", nil, nil)
	require.Contains(t, page.Header.Get("Content-Type"), "text/html")
	require.Contains(t, page.Header.Get("Content-Security-Policy"), "script-src 'self'")
	require.NotContains(t, string(page.Body), "http", "nothing comes from elsewhere")
	for _, file := range []string{"/docs/docs.js", "/docs/docs.css", "/v1/openapi.yaml"} {
		require.Equal(t, http.StatusOK, s.Do("GET", file, nil, nil).Status, file)
	}
	var list []struct{ Name, Title, JSON string }
	s.Do("GET", "/docs/documents.json", nil, nil).JSON(s, &list)
	require.Len(t, list, len(api.Dialects())+1, "and the own one")
	require.Equal(t, "v1", list[0].Name)
	for _, d := range list {
		require.NotEmpty(t, d.Title)
		var doc struct{ Paths map[string]any }
		s.Do("GET", d.JSON, nil, nil).JSON(s, &doc)
		require.NotEmpty(t, doc.Paths, d.Name)
	}
	require.Equal(t, "/docs", s.Do("GET", "/", map[string]string{"Accept": "text/html"}, nil).Header.Get("Location"))
	require.Equal(t, "/docs", s.Do("GET", "/", nil, nil).Map(s)["docs"])
}

func TestHead(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	for _, path := range []string{"/healthz", "/v1/users/me", "/api/v2/users/first", "/docs"} {
		a := owner.Do("HEAD", path, nil, nil)
		require.Equal(t, http.StatusOK, a.Status, path)
		require.Empty(t, a.Body)
	}
}

func TestHeadersAndLog(t *testing.T) {
	t.Parallel()
	core, logs := observer.New(zap.InfoLevel)
	s := apitest.New(t, apitest.WithLogger(zap.New(core)))
	owner := s.FirstUser()
	a := s.Do("POST", "/api/v2/users/logout?coder_session_token="+owner.Token, map[string]string{"X-Request-Id": "mine-1"}, nil)
	require.Equal(t, http.StatusOK, a.Status)
	require.Equal(t, "mine-1", a.Header.Get("X-Request-Id"))
	for _, name := range []string{"X-Content-Type-Options", "Content-Security-Policy", "Referrer-Policy", "Cache-Control", "X-Frame-Options"} {
		require.NotEmpty(t, a.Header.Get(name), name)
	}
	require.Empty(t, a.Header.Get("Access-Control-Allow-Origin"))
	s.Do("GET", "/v1/users/"+owner.Token, nil, nil)
	s.Do("GET", "/nonsense/"+owner.Token+"%0a%ff", nil, nil)
	found := false
	for _, entry := range logs.All() {
		raw, err := json.Marshal(entry.ContextMap())
		require.NoError(t, err)
		require.NotContains(t, string(raw)+entry.Message, owner.Token)
		require.NotContains(t, string(raw)+entry.Message, strings.Split(owner.Token, "-")[1])
		require.NotContains(t, string(raw), apitest.Password)
		found = found || entry.ContextMap()["request_id"] == "mine-1" && entry.ContextMap()["route"] == "/api/v2/users/logout"
	}
	require.True(t, found, "the log tells of the request under its id")
}
