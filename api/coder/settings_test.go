package coder_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/api/gate"
)

func TestHostPrefixCookie_4(t *testing.T) {
	t.Parallel()
	s := apitest.New(t, apitest.WithSettings(func(c *gate.Settings) { c.HostCookies = true }))
	owner := s.FirstUser()
	in := s.Do("POST", login, nil, object{"email": owner.Email, "password": apitest.Password})
	token := in.Map(s)["session_token"].(string)
	cookie := in.Header.Get("Set-Cookie")
	for _, part := range []string{"__Host-coder_session_token=" + token, "Path=/", "Secure", "HttpOnly", "SameSite=Lax"} {
		require.Contains(t, cookie, part)
	}
	require.NotContains(t, cookie, "Domain")
	for _, at := range []string{path("me", ""), "/v1/users/me"} {
		for sent, status := range map[string]int{
			"__Host-coder_session_token=" + token:                                        http.StatusOK,
			"a=b; __Host-coder_session_token=" + token + "; coder_session_token=planted": http.StatusOK,
			"coder_session_token=" + token:                                               http.StatusUnauthorized,
		} {
			require.Equal(t, status, s.Do("GET", at, map[string]string{"Cookie": sent}, nil).Status, "%s with %s", at, sent)
		}
	}
	forged := s.Do("POST", logout, map[string]string{"Cookie": "__Host-coder_session_token=" + token}, nil)
	require.Equal(t, http.StatusBadRequest, forged.Status, "1.4 counts for it, too")
	out := s.Do("POST", logout, map[string]string{"Cookie": "__Host-coder_session_token=" + token, "Coder-Session-Token": token}, nil)
	require.Equal(t, http.StatusOK, out.Status)
	require.Contains(t, strings.Join(out.Header.Values("Set-Cookie"), "\n"), "__Host-coder_session_token=; Path=/; Max-Age=0")
}

func TestSameSiteNone_4(t *testing.T) {
	t.Parallel()
	s := apitest.New(t, apitest.WithSettings(func(c *gate.Settings) { c.CookiesAcrossSites = true }))
	owner := s.FirstUser()
	cookie := s.Do("POST", login, nil, object{"email": owner.Email, "password": apitest.Password}).Header.Get("Set-Cookie")
	require.Contains(t, cookie, "SameSite=None")
	require.Contains(t, cookie, "Secure", "browsers take no other")
}

func TestTermsOfService_3_3(t *testing.T) {
	t.Parallel()
	s := apitest.New(t, apitest.WithSettings(func(c *gate.Settings) { c.TermsURL = "https://example.com/terms" }))
	methods := s.Do("GET", users+"/authmethods", nil, nil).Map(s)
	require.Equal(t, object{
		"terms_of_service_url": "https://example.com/terms", "password": object{"enabled": true},
		"github": object{"enabled": false, "default_provider_configured": false}, "oidc": object{"enabled": false, "signInText": "", "iconUrl": ""},
	}, methods)
	without := newWorld(t)
	require.NotContains(t, without.Do("GET", users+"/authmethods", nil, nil).Map(without.System), "terms_of_service_url")
}

// TestNoSliding_1_3: where refreshing is off, uses are kept, but prolong nothing.
func TestNoSliding_1_3(t *testing.T) {
	t.Parallel()
	l := newLater(t, apitest.WithSettings(func(c *gate.Settings) { c.FixedLives = true }))
	user := l.bearer(l.ada, l.token(l.ada, "me", object{"lifetime": 24 * hour}))
	made := l.now()
	for _, pass := range []time.Duration{0, 10 * time.Hour, 13 * time.Hour} {
		l.pass(pass)
		key := l.get(user, path("me", "/keys/"+keyID(user.Token)))
		require.Equal(t, made.Add(24*time.Hour), moment(t, key["expires_at"]))
		require.Equal(t, l.now(), moment(t, key["last_used"]))
	}
	l.pass(time.Hour + time.Second)
	require.Equal(t, http.StatusUnauthorized, user.Do(http.MethodGet, path("me", ""), nil, nil).Status)
}
