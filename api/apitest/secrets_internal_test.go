package apitest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
)

// TestSecretsInALogAreFound plants one of each kind.
func TestSecretsInALogAreFound(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	s := &secrets{sent: map[string]struct{}{}, paths: map[string]struct{}{}, next: http.DefaultTransport}
	logger := s.over(zap.NewNop())
	client := &http.Client{Transport: s}
	defer client.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/v1/users/a-text-of-a-path?access_token=planted-in-a-query",
		strings.NewReader(`{"new_password":"planted-in-a-body","users":[{"refreshToken":"planted-in-a-list"}],"token":"a-text-of-a-path","name":"Ann Example"}`))
	require.NoError(t, err)
	r.SetBasicAuth("ann", "planted-in-a-header")
	r.AddCookie(&http.Cookie{Name: "session_token", Value: "planted-in-a-cookie"})
	res, err := client.Do(r)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Empty(t, s.leaked())
	planted := []string{"planted-in-a-body", "planted-in-a-cookie", "planted-in-a-header", "planted-in-a-list", "planted-in-a-query"}
	for i, one := range planted {
		logger.Debug("request of Ann Example", zap.String("error", "no such thing as "+one+", a-text-of-a-path"))
		require.Equal(t, planted[:i+1], s.leaked())
	}
}
