package coder_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/signin"
)

func convertPath(user string) string { return "/api/v2/users/" + user + "/convert-login" }

// convert proves the password and returns a browser that is ready to go to the provider.
func convert(t *testing.T, c *apitest.Session) (b *browser, path string) {
	t.Helper()
	a := c.Do(http.MethodPost, convertPath("me"), nil, object{"to_type": "oidc", "password": apitest.Password})
	require.Equal(t, http.StatusCreated, a.Status, "%s", a.Body)
	require.Contains(t, a.Header.Get("Set-Cookie"), "Max-Age=300")
	b = newBrowser(t, c.System)
	b.keep(a)
	return b, oidcCallback + queryOf(url.Values{"oidc_merge_state": {a.Map(c.System)["state_string"].(string)}, "redirect": {"/settings"}})
}

func TestConvertLogin(t *testing.T) {
	t.Parallel()
	s, p := oidcSystem(t, nil)
	owner := s.FirstUser()
	ada := owner.NewUser("ada")
	path := convertPath("ada")
	valid := object{"to_type": "oidc", "password": apitest.Password}
	for _, c := range []struct {
		line   string
		by     *apitest.Session
		path   string
		body   any
		status int
		text   string
	}{
		{"unknown user", ada, convertPath("nobody"), valid, 404, "Resource not found or you do not have access to this resource"},
		{"unreadable user", ada, convertPath("owner"), valid, 404, "Resource not found or you do not have access to this resource"},
		{"another user", owner, path, valid, 403, "Forbidden."},
		{"no body", ada, path, "", 400, "Request body must be valid JSON."},
		{"wrong type", ada, path, object{"to_type": 7, "password": "x"}, 400, "Request body must be valid JSON."},
		{"missing", ada, path, object{}, 400, "Validation failed."},
		{"unknown type", ada, path, object{"to_type": "saml", "password": apitest.Password}, 400, `Login type "saml" is not a valid login type.`},
		{"not convertible", ada, path, object{"to_type": "none", "password": apitest.Password}, 400, `Cannot convert to login type "none".`},
		{"not configured", ada, path, object{"to_type": "github", "password": apitest.Password}, 400, "The oauth2 method requested is not configured!"},
		{"wrong password", ada, path, object{"to_type": "oidc", "password": "wrong"}, 401, "Incorrect email or password."},
	} {
		a := c.by.Do(http.MethodPost, c.path, nil, c.body)
		require.Equal(t, c.status, a.Status, "%s: %s", c.line, a.Body)
		require.Equal(t, c.text, message(t, s, a), c.line)
		require.NotContains(t, strings.Join(a.Header.Values("Set-Cookie"), ""), "convert", c.line)
	}
	require.Equal(t, http.StatusUnauthorized, s.Do(http.MethodPost, path, nil, valid).Status)

	made := ada.Do(http.MethodPost, path, nil, valid).Map(s)
	require.Equal(t, ada.ID, made["user_id"])
	require.Equal(t, "oidc", made["to_type"])
	require.True(t, strings.HasPrefix(made["state_string"].(string), "convert-"))

	p.SignsIn(claimsOf("9", "eve"), nil)
	b, start := convert(t, ada)
	status, text := b.refusal(start)
	require.Equal(t, http.StatusForbidden, status)
	require.Equal(t, "Your account at the provider does not belong to the user who wanted to sign in by it.", text)

	p.SignsIn(claimsOf("1", "ada"), nil)
	status, _ = newBrowser(t, s).refusal(oidcCallback)
	require.Equal(t, http.StatusForbidden, status, "not without having proved the password")

	b, start = convert(t, ada)
	in := b.signIn(start)
	require.Equal(t, http.StatusTemporaryRedirect, in.Status, "%s", in.Body)
	require.Equal(t, "/settings", in.Header.Get("Location"))
	require.Equal(t, []string{"coder_session_token"}, keys(b.cookies))
	converted := b.session()
	require.Equal(t, ada.ID, converted.ID)
	require.Equal(t, "oidc", converted.Do(http.MethodGet, "/api/v2/users/me/login-type", nil, nil).Map(s)["login_type"])
	require.Equal(t, http.StatusUnauthorized, s.Do(http.MethodPost, login, nil, object{"email": ada.Email, "password": apitest.Password}).Status, "the password is gone")
	require.Equal(t, ada.ID, newBrowser(t, s).enters(oidcCallback).ID)
	again := converted.Do(http.MethodPost, convertPath("me"), nil, valid)
	require.Equal(t, http.StatusUnauthorized, again.Status, "%s", again.Body)
}

func TestConvertLogin_TheProofCounts(t *testing.T) {
	t.Parallel()
	clock := newHand()
	s, p := oidcSystem(t, func(c *signin.OIDCConfig) { c.Clock = clock.Now }, apitest.WithClock(clock.Now))
	owner := s.FirstUser()
	p.SignsIn(claimsOf("1", "owner"), nil)

	invented := s.Do(http.MethodGet, oidcCallback+"?oidc_merge_state=known", nil, nil)
	require.Equal(t, http.StatusBadRequest, invented.Status, "nobody else chooses the state of a sign-in")

	b, start := convert(t, owner)
	back := b.start(start)
	kept := b.cookies["coder_oauth_convert_jwt"]
	delete(b.cookies, "coder_oauth_convert_jwt")
	a := b.get(back)
	require.Equal(t, http.StatusBadRequest, a.Status)
	require.Contains(t, message(t, s, a), "Convert to oauth cookie not found.")

	for name, forged := range map[string]string{
		"changed": "x" + kept, "cut": kept[:len(kept)-2], "empty": ".", "no mac": strings.Split(kept, ".")[0], "of another state": kept,
	} {
		b, start := convert(t, owner)
		back := b.start(start)
		b.cookies["coder_oauth_convert_jwt"] = forged
		a := b.get(back)
		require.Equal(t, http.StatusBadRequest, a.Status, name)
		require.Contains(t, message(t, s, a), "is not valid or has expired", name)
	}

	b, start = convert(t, owner)
	back = b.start(start)
	clock.pass(6 * time.Minute)
	a = b.get(back)
	require.Equal(t, http.StatusBadRequest, a.Status, "five minutes")
	require.Equal(t, "password", owner.Do(http.MethodGet, "/api/v2/users/me/login-type", nil, nil).Map(s)["login_type"])
}
