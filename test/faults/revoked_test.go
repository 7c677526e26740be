package faults_test

import (
	"fmt"
	"net/http"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestARevokedKeyStaysRevoked revokes a key while nothing is projected, and kills the
// process that answered: its successor knows the revocation from the log alone.
func TestARevokedKeyStaysRevoked(t *testing.T) {
	settingsOf(t)
	s := newStack(t, newDir(t), 1, 1)
	require.NoError(t, s.start(t.Context()))
	s.owner = s.enter(t)
	s.register(t, "somebody", 1)
	c := newClient(s.apis[0])
	defer c.http.CloseIdleConnections()
	made, err := c.do(t.Context(), call{method: http.MethodPost, path: "/v1/users/somebody-0/keys", token: s.owner, body: `{"name":"k"}`})
	require.NoError(t, err)
	require.Equal(t, http.StatusCreated, made.status, "%v", made.body)
	use := call{method: http.MethodGet, path: "/v1/users/me", token: made.text("token")}
	used, err := c.do(t.Context(), use)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, used.status, "%v", used.body)
	s.settled(t)

	projector, api := s.projectors[0], s.apis[0]
	require.NoError(t, projector.signal(syscall.SIGSTOP))
	gone, err := c.do(t.Context(), call{method: http.MethodDelete, path: fmt.Sprintf("/v1/users/somebody-0/keys/%s", made.text("id")), token: s.owner})
	require.NoError(t, err)
	require.Equal(t, http.StatusNoContent, gone.status, "%v", gone.body)
	for _, who := range []string{"the process that answered", "the one after it"} {
		used, err = c.do(t.Context(), use)
		require.NoError(t, err)
		require.NotEqual(t, http.StatusOK, used.status, "it works for %s", who)
		api.kill()
		require.NoError(t, api.start(t.Context()))
	}
	require.NoError(t, projector.signal(syscall.SIGCONT))
	require.NoError(t, s.recovered(t.Context()))
	used, err = c.do(t.Context(), use)
	require.NoError(t, err)
	require.Equal(t, http.StatusUnauthorized, used.status)
}
