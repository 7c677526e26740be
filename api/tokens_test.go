package api_test

import (
	"encoding/base64"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/api/bearer"
	"github.com/rosterhq/roster/commands"
)

// signed is one user's tokens of every kind, which differ in their kind alone: each
// names the same living session and says what every purpose asks for.
type signed struct {
	*apitest.System
	owner  *apitest.Session
	ada    *apitest.Session
	tokens map[bearer.Kind]string
}

var everyKind = []bearer.Kind{
	bearer.PM415, bearer.RunWhenAccess, bearer.RunWhenRefresh, bearer.VerifyEmail, bearer.Invitation, bearer.PasswordReset,
}

func newSigned(t *testing.T) *signed {
	t.Helper()
	s := apitest.New(t)
	k := &signed{System: s, owner: s.FirstUser(), tokens: map[bearer.Kind]string{}}
	k.ada = k.owner.NewUser("ada")
	signer, err := bearer.New(s.Log.Secret("tokens"), nil)
	require.NoError(t, err)
	a := s.Do("POST", "/api/v3/token/", nil, object{"username": "ada", "password": apitest.Password})
	require.Equal(t, http.StatusOK, a.Status, "%s", a.Body)
	claims, err := signer.Verify(a.Map(s)["refresh"].(string), bearer.RunWhenRefresh)
	require.NoError(t, err)
	state, err := s.Commands.Find(t.Context(), commands.UserRef{ID: k.ada.ID})
	require.NoError(t, err)
	made := k.owner.Do("POST", "/api/org", nil, object{"name": "Bar"})
	require.Equal(t, http.StatusOK, made.Status, "%s", made.Body)
	bar, err := s.Commands.FindOrganization(t.Context(), "bar")
	require.NoError(t, err)
	claims.ExpiresAt = time.Now().Add(time.Hour)
	claims.Extra = map[string]string{"email": state.Email, "organization": bar.ID, "mark": commands.PasswordMark(state)}
	for _, kind := range everyKind {
		k.tokens[kind], err = signer.Sign(kind, claims)
		require.NoError(t, err)
	}
	return k
}

// TestWhichTokenIsASession tries each kind of signed token in each place and form in
// which a session is shown: those that are mailed, and those that renew a session,
// are none.
func TestWhichTokenIsASession(t *testing.T) {
	t.Parallel()
	k := newSigned(t)
	sessions := []bearer.Kind{bearer.PM415, bearer.RunWhenAccess}
	places := map[string]string{
		"/v1": "/v1/users/me", "PM415": "/api/user", "RunWhen": "/api/v3/users/whoami", "Coder": "/api/v2/users/me",
		"Codimir": "/api/user/profile", "ABF": "/api/v1/user.json",
	}
	forms := map[string]func(token string) map[string]string{
		"bearer":        func(s string) map[string]string { return map[string]string{"Authorization": "Bearer " + s} },
		"header":        func(s string) map[string]string { return map[string]string{"Coder-Session-Token": s} },
		"cookie":        func(s string) map[string]string { return map[string]string{"Cookie": "coder_session_token=" + s} },
		"NextAuth":      func(s string) map[string]string { return map[string]string{"Cookie": "next-auth.session-token=" + s} },
		"name of Basic": func(s string) map[string]string { return basicOf(s + ":") },
		"password":      func(s string) map[string]string { return basicOf("ada:" + s) },
	}
	for _, kind := range everyKind {
		session := slices.Contains(sessions, kind)
		for place, path := range places {
			for form, headers := range forms {
				a := k.Do("GET", path, headers(k.tokens[kind]), nil)
				switch {
				case session && form == "bearer":
					require.Equal(t, http.StatusOK, a.Status, "%s as %s at %s: %s", kind, form, place, a.Body)
				case !session:
					require.Equal(t, http.StatusUnauthorized, a.Status, "%s as %s at %s: %s", kind, form, place, a.Body)
				}
			}
		}
		for path, allowed := range map[string]bool{
			"/api/v3/users/2/activities/stream?access_token=": session, // there alone a token may be in the address
			"/api/v2/users/me?access_token=":                  session, // and on Coder's own paths
			"/api/v3/users/whoami?access_token=":              false,
			"/api/user?access_token=":                         false,
			"/api/v1/user.json?authentication_token=":         false,
			"/v1/users/me?access_token=":                      false,
		} {
			a := k.Do("GET", path+k.tokens[kind], map[string]string{"Accept": "application/json"}, nil)
			want := http.StatusUnauthorized
			if allowed {
				want = http.StatusOK
			}
			require.Equal(t, want, a.Status, "%s at %s: %s", kind, path, a.Body)
		}
	}
}

func basicOf(credentials string) map[string]string {
	return map[string]string{"Authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))}
}

// TestWhatATokenIsGoodFor tries each kind of signed token for each purpose that takes
// one: it is good for its own alone.
func TestWhatATokenIsGoodFor(t *testing.T) {
	t.Parallel()
	k := newSigned(t)
	for _, purpose := range []struct { // the last two use their token up
		name    string
		ask     func(token string) apitest.Answer
		good    []bearer.Kind
		status  int
		refusal int
	}{
		{"RunWhen's check of a token", func(token string) apitest.Answer {
			return k.Do("POST", "/api/v3/token/verify/", nil, object{"token": token})
		}, []bearer.Kind{bearer.PM415, bearer.RunWhenAccess, bearer.RunWhenRefresh}, http.StatusOK, http.StatusUnauthorized},
		{"RunWhen's confirmation", func(token string) apitest.Answer {
			return k.Do("POST", "/api/v3/users/verify-email", nil, object{"token": token})
		}, []bearer.Kind{bearer.VerifyEmail}, http.StatusOK, http.StatusBadRequest},
		{"PM415's invitation, looked at", func(token string) apitest.Answer {
			return k.Do("GET", "/api/org/invite?token="+token, nil, nil)
		}, []bearer.Kind{bearer.Invitation}, http.StatusOK, http.StatusUnprocessableEntity},
		{"PM415's invitation, accepted", func(token string) apitest.Answer {
			return k.Do("POST", "/api/account/login", nil, object{"email": k.ada.Email, "password": apitest.Password, "token": token})
		}, []bearer.Kind{bearer.Invitation}, http.StatusOK, http.StatusUnprocessableEntity},
		{"RunWhen's new tokens", func(token string) apitest.Answer {
			return k.Do("POST", "/api/v3/token/refresh/", nil, object{"refresh": token})
		}, []bearer.Kind{bearer.RunWhenRefresh}, http.StatusOK, http.StatusUnauthorized},
		{"PM415's new password", func(token string) apitest.Answer {
			return k.Do("POST", "/api/account/changepassword", nil, object{"token": token, "password": "4444", "confirmation": "4444"})
		}, []bearer.Kind{bearer.PasswordReset}, http.StatusOK, http.StatusUnprocessableEntity},
	} {
		for _, kind := range everyKind {
			want := purpose.refusal
			if slices.Contains(purpose.good, kind) {
				want = purpose.status
			}
			a := purpose.ask(k.tokens[kind])
			require.Equal(t, want, a.Status, "%s for %s: %s", kind, purpose.name, a.Body)
		}
	}
	for _, kind := range everyKind { // PM415 says so with status 200
		a := k.Do("GET", "/api/account/verify?token="+k.tokens[kind], nil, nil)
		require.Equal(t, http.StatusOK, a.Status)
		require.Equal(t, kind == bearer.VerifyEmail, a.Map(k.System)["success"], kind)
	}
}
