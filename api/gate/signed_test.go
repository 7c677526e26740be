package gate_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/api/bearer"
	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
)

// TestSignedTokensAreSessions shows that a signed token opens what its session
// opens, in every dialect, for as long as that session lives.
func TestSignedTokensAreSessions(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	ada := owner.NewUser("ada")
	signer, err := bearer.New(s.Log.Secret("tokens"), nil)
	require.NoError(t, err)
	session, _, _ := strings.Cut(ada.Token, "-")
	claims := bearer.Claims{UserID: ada.ID, SessionID: session, ExpiresAt: time.Now().Add(time.Hour)}
	sign := func(k bearer.Kind, c bearer.Claims) map[string]string {
		token, err := signer.Sign(k, c)
		require.NoError(t, err)
		return map[string]string{"Authorization": "Bearer " + token}
	}
	places := []string{"/v1/users/me", "/api/user/profile", "/api/v2/users/me", "/api/v1/user.json"}
	for _, kind := range []bearer.Kind{bearer.PM415, bearer.RunWhenAccess} {
		for _, path := range places {
			require.Equal(t, http.StatusOK, s.Do("GET", path, sign(kind, claims), nil).Status, "%s %s", kind, path)
		}
	}
	other := claims
	other.UserID = owner.ID
	nobody := claims
	nobody.SessionID = "aaaaaaaaaa"
	for name, headers := range map[string]map[string]string{
		"a refresh token":      sign(bearer.RunWhenRefresh, claims),
		"a mailed token":       sign(bearer.VerifyEmail, claims),
		"of another user":      sign(bearer.PM415, other),
		"of no session":        sign(bearer.PM415, nobody),
		"without a session":    sign(bearer.PM415, bearer.Claims{UserID: ada.ID, ExpiresAt: claims.ExpiresAt}),
		"with a broken middle": {"Authorization": "Bearer a.b.c"},
	} {
		require.Equal(t, http.StatusUnauthorized, s.Do("GET", "/v1/users/me", headers, nil).Status, name)
	}
	live := sign(bearer.PM415, claims)
	require.Equal(t, http.StatusOK, owner.Do("POST", "/v1/users/ada/suspend", nil, nil).Status)
	require.Equal(t, http.StatusUnauthorized, s.Do("GET", "/v1/users/me", live, nil).Status, "suspended at once")
	require.Equal(t, http.StatusOK, owner.Do("POST", "/v1/users/ada/activate", nil, nil).Status)
	require.Equal(t, http.StatusOK, s.Do("GET", "/v1/users/me", live, nil).Status)
	require.Equal(t, http.StatusOK, s.Do("POST", "/api/v2/users/logout", live, nil).Status, "it can end itself")
	require.Equal(t, http.StatusUnauthorized, s.Do("GET", "/v1/users/me", live, nil).Status)
}

// TestReadableKeysAreCredentials shows the same of the key that can be read again.
func TestReadableKeysAreCredentials(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	ada := owner.NewUser("ada")
	made, err := s.Commands.SetReadableKey(t.Context(), commands.Request{Actor: commands.Actor{UserID: commands.SystemActor}}, ada.ID)
	require.NoError(t, err)
	key := map[string]string{"Authorization": "Bearer " + made.User.ReadableKey}
	for _, path := range []string{"/v1/users/me", "/api/user/profile", "/api/v2/users/me", "/api/v1/user.json"} {
		require.Equal(t, http.StatusOK, s.Do("GET", path, key, nil).Status, path)
	}
	wrong := map[string]string{"Authorization": "Bearer " + strings.Repeat("0", 64)}
	require.Equal(t, http.StatusUnauthorized, s.Do("GET", "/v1/users/me", wrong, nil).Status)
	require.Equal(t, http.StatusOK, owner.Do("POST", "/v1/users/ada/suspend", nil, nil).Status)
	require.Equal(t, http.StatusUnauthorized, s.Do("GET", "/v1/users/me", key, nil).Status)
}

// TestPassesOfOneSession: streams are checked once for all of a credential.
func TestPassesOfOneSession(t *testing.T) {
	t.Parallel()
	now := time.Now()
	claims := bearer.Claims{SessionID: "k123456789", ExpiresAt: now.Add(time.Hour)}
	later := claims
	later.ExpiresAt = now.Add(2 * time.Hour)
	first := gate.PassOfClaims(claims).Within()
	require.Equal(t, first, gate.PassOfClaims(claims).Within())
	require.NotEqual(t, first, gate.PassOfClaims(later).Within(), "another token")
	require.NotEqual(t, first, gate.Pass{}.Within(), "the session's own")
}
