package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/api/crowd"
)

// signInPaths are where each dialect reads a body from anybody.
var signInPaths = []string{ //nolint:gochecknoglobals // a table
	"/v1/users", "/api/v2/users/login", "/api/v3/token/", "/api/account/login", "/api/auth/callback/credentials",
}

// TestExcessIsRefusedInEachForm: the answers are checked against each document.
func TestExcessIsRefusedInEachForm(t *testing.T) {
	t.Parallel()
	c := crowd.New(crowd.Limits{Requests: 1, Patience: time.Millisecond, Bodies: 20 << 10}, nil)
	s := apitest.New(t, apitest.WithCrowd(c))
	owner := s.FirstUser()
	readable := map[string]bool{"/healthz": true, "/readyz": true, "/metrics": true}
	_, place, err := c.Enter(httptest.NewRequest(http.MethodGet, "/", nil))
	require.NoError(t, err)
	for _, path := range append(ownPaths, "/healthz", "/readyz", "/metrics", "/v1/users/me", "/v1/nothing", "/api/nothing") {
		a := owner.Do(http.MethodGet, path, nil, nil)
		if readable[path] {
			require.Equal(t, http.StatusOK, a.Status, "%s: %s", path, a.Body)
			continue
		}
		require.Equal(t, http.StatusServiceUnavailable, a.Status, "%s: %s", path, a.Body)
		require.Equal(t, "1", a.Header.Get("Retry-After"), path)
		require.NotEmpty(t, a.Body, path)
	}
	ready := s.Do(http.MethodGet, "/readyz", nil, nil)
	require.Contains(t, ready.Map(s)["busy"], "1 of 1 are worked at", "it says why")
	place.Leave()
	for _, path := range ownPaths {
		require.Equal(t, http.StatusOK, owner.Do(http.MethodGet, path, nil, nil).Status, path)
	}
	for _, path := range signInPaths {
		a := owner.Do(http.MethodPost, path, nil, `{"email":"`+strings.Repeat("x", 30<<10)+`"}`)
		require.Equal(t, http.StatusServiceUnavailable, a.Status, "%s: %s", path, a.Body)
		require.NotEmpty(t, a.Header.Get("Retry-After"), path)
	}
}
