package api

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/rosterhq/roster/api/coder"
	"github.com/rosterhq/roster/api/gate"
	v1 "github.com/rosterhq/roster/api/v1"
)

func bare(t *testing.T) *surface {
	t.Helper()
	m, err := newMeter(nil)
	require.NoError(t, err)
	return &surface{
		dialects: map[string]gate.Dialect{v1.Name: v1.New(gate.Deps{Logger: zap.NewNop()}), coderName: coder.New(gate.Deps{})},
		logger:   zap.NewNop(), meter: m, clock: time.Now,
	}
}

// TestPanics never reach a client.
func TestPanics(t *testing.T) {
	t.Parallel()
	s := bare(t)
	for path, content := range map[string]string{
		"/v1/users": "application/problem+json", "/api/v2/x": "application/json; charset=utf-8", "/api/other": "application/json",
	} {
		w := httptest.NewRecorder()
		s.observe(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("secret detail") })).
			ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		require.Equal(t, http.StatusInternalServerError, w.Code)
		require.Equal(t, content, w.Header().Get("Content-Type"))
		require.NotContains(t, w.Body.String(), "secret")
	}
	require.PanicsWithValue(t, http.ErrAbortHandler, func() {
		s.observe(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("half"))
			panic("too late")
		})).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/v1/users", nil))
	}, "a half answer is broken off")
}

func TestRedact(t *testing.T) {
	t.Parallel()
	require.Equal(t, "/v1/users/me/keys/<redacted>", redact("/v1/users/me/keys/aB3dE6gH9j-aB3dE6gH9jaB3dE6gH9jaB"))
	require.Equal(t, "/v1/users/a-b", redact("/v1/users/a-b"))
	require.LessOrEqual(t, len(redact("/"+string(make([]byte, 5000)))), maxLoggedPath)
}

func FuzzOwner(f *testing.F) {
	for _, path := range []string{"/", "/api/v2/users", "/api/user/orgs", "//", "/api/user/", "*"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		if name := owner(path); name != v1.Name && !slices.Contains(Dialects(), name) {
			t.Fatalf("%q belongs to %q", path, name)
		}
	})
}
