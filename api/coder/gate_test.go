package coder_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
)

const signedOut = "You are signed out or your session has expired. Please sign in again to continue."

// TestTokenForms_1_3: of all places the first one that is not empty counts, even
// when what is there is worthless.
func TestTokenForms_1_3(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	forms := []struct {
		name string
		put  func(headers map[string]string, parameters url.Values, token string)
	}{
		{"cookie", func(h map[string]string, _ url.Values, token string) { h["Cookie"] = "coder_session_token=" + token }},
		{"query", func(_ map[string]string, q url.Values, token string) { q.Set("coder_session_token", token) }},
		{"header", func(h map[string]string, _ url.Values, token string) { h["Coder-Session-Token"] = token }},
		{"bearer", func(h map[string]string, _ url.Values, token string) { h["Authorization"] = "bEARER " + token }},
		{"access_token", func(_ map[string]string, q url.Values, token string) { q.Set("access_token", token) }},
	}
	for i, first := range forms {
		for _, second := range forms[i:] {
			for token, status := range map[string]int{w.ada.Token: 200, "aaaaaaaaaa-bbbbbbbbbbbbbbbbbbbbbb": 401} {
				headers, parameters := map[string]string{}, url.Values{}
				second.put(headers, parameters, w.linus.Token)
				first.put(headers, parameters, token)
				a := w.Do("GET", path("me", "?")+parameters.Encode(), headers, nil)
				require.Equal(t, status, a.Status, "%s before %s", first.name, second.name)
				if status == http.StatusOK {
					require.Equal(t, "ada", a.Map(w.System)["username"], "%s before %s", first.name, second.name)
				}
			}
		}
	}
	for _, other := range []string{"Basic " + w.ada.Token, w.ada.Token, "Bearer", "Bearer "} {
		require.Equal(t, http.StatusUnauthorized, w.Do("GET", path("me", ""), map[string]string{"Authorization": other}, nil).Status, other)
	}
}

func TestUnauthorized_1_3(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, secret, _ := strings.Cut(w.ada.Token, "-")
	ask := func(token string) object {
		a := w.Do("GET", path("me", ""), map[string]string{"Coder-Session-Token": token}, nil)
		require.Equal(t, http.StatusUnauthorized, a.Status)
		require.Equal(t, `Bearer realm="coder", error="invalid_token", error_description="The access token is invalid or has expired", resource_metadata="`+
			w.URL+`/.well-known/oauth-protected-resource"`, a.Header.Get("WWW-Authenticate"))
		return a.Map(w.System)
	}
	for name, c := range map[string]struct{ token, detail string }{
		"none given":     {"", `Cookie "coder_session_token" or query parameter must be provided.`},
		"one part":       {"a", "Invalid API key format: incorrect amount of API key parts, expected 2 got 1"},
		"three parts":    {"a-b-c", "Invalid API key format: incorrect amount of API key parts, expected 2 got 3"},
		"id length":      {"ab-" + secret, "Invalid API key format: invalid API key ID length, expected 10 got 2"},
		"secret length":  {id + "-c", "Invalid API key format: invalid API key secret length, expected 22 got 1"},
		"id unknown":     {"aaaaaaaaaa-" + secret, "API key is invalid."},
		"secret differs": {id + "-" + strings.Repeat("x", 22), "API key secret is invalid."},
		"no characters":  {strings.Repeat("\u00e9", 5) + "-" + secret, ""},
	} {
		got := ask(c.token)
		require.Equal(t, signedOut, got["message"], name)
		if c.detail != "" {
			require.Equal(t, c.detail, got["detail"], name)
		}
	}
	require.Equal(t, http.StatusOK, w.owner.Do("PUT", path("ada", "/status/suspend"), nil, nil).Status)
	got := ask(w.ada.Token)
	require.Equal(t, object{"message": `User is not active (status = "suspended"). Contact an admin to reactivate your account.`}, got)
	require.Equal(t, http.StatusOK, w.owner.Do("PUT", path("ada", "/status/activate"), nil, nil).Status)
	require.Equal(t, http.StatusOK, w.ada.Do("GET", path("me", ""), nil, nil).Status, "2.5 keys work again")
	require.Equal(t, http.StatusOK, w.owner.Do("DELETE", path("ada", ""), nil, nil).Status)
	require.Equal(t, "API key is invalid.", ask(w.ada.Token)["detail"])
}

func TestCSRF_1_4(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	session := "coder_session_token=" + w.ada.Token
	offered := w.Do("GET", path("me", ""), map[string]string{"Cookie": session}, nil)
	require.Equal(t, http.StatusOK, offered.Status, "reads need no token")
	cookie := offered.Header.Get("Set-Cookie")
	require.Contains(t, cookie, "; Path=/; ")
	require.Contains(t, cookie, "SameSite=Lax")
	pair, _, _ := strings.Cut(cookie, ";")
	value, ok := strings.CutPrefix(pair, "csrf_token=")
	require.True(t, ok, cookie)
	known, masked := maskedToken()
	for _, c := range []struct {
		name    string
		method  string
		headers map[string]string
		query   string
		status  int
	}{
		{"cookie alone", "PUT", map[string]string{"Cookie": session}, "", 400},
		{"token without its cookie", "PUT", map[string]string{"Cookie": session, "X-CSRF-TOKEN": value}, "", 400},
		{"cookie without the header", "PUT", map[string]string{"Cookie": session + "; " + pair}, "", 400},
		{"another token", "PUT", map[string]string{"Cookie": session + "; " + pair, "X-CSRF-TOKEN": known}, "", 400},
		{"empty tokens", "PUT", map[string]string{"Cookie": session + "; csrf_token=", "X-CSRF-TOKEN": ""}, "", 400},
		{"short tokens", "PUT", map[string]string{"Cookie": session + "; csrf_token=AAAA", "X-CSRF-TOKEN": "AAAA"}, "", 400},
		{"another session in the header", "PUT", map[string]string{"Cookie": session, "Coder-Session-Token": w.linus.Token}, "", 400},
		{"a session that is not known", "PUT", map[string]string{"Cookie": "coder_session_token=x"}, "", 400},
		{"DELETE as well", "DELETE", map[string]string{"Cookie": session}, "", 400},
		{"NextAuth's cookie as well", "PUT", map[string]string{"Cookie": "next-auth.session-token=" + w.ada.Token}, "", 400},
		{"matching", "PUT", map[string]string{"Cookie": session + "; " + pair, "X-CSRF-TOKEN": value}, "", 200},
		{"matching, masked", "PUT", map[string]string{"Cookie": session + "; csrf_token=" + known, "X-CSRF-TOKEN": masked}, "", 200},
		{"the same in the header", "PUT", map[string]string{"Cookie": session, "Coder-Session-Token": w.ada.Token}, "", 200},
		{"the same in the query", "PUT", map[string]string{"Cookie": session}, "?coder_session_token=" + w.ada.Token, 200},
		{"no cookie", "PUT", map[string]string{"Coder-Session-Token": w.ada.Token}, "", 200},
		{"matching, but from another site", "PUT", map[string]string{"Cookie": session + "; " + pair, "X-CSRF-TOKEN": value, "Sec-Fetch-Site": "cross-site"}, "", 403},
	} {
		a := w.Do(c.method, path("me", "/appearance"+c.query), c.headers, object{"theme_preference": "dark", "terminal_font": "fira-code"})
		if c.method == "DELETE" {
			a = w.Do(c.method, path("me", "/keys/aaaaaaaaaa"), c.headers, nil)
		}
		require.Equal(t, c.status, a.Status, "1.4 %s: %s", c.name, a.Body)
		if c.status == http.StatusBadRequest {
			require.Equal(t, "text/plain; charset=utf-8", a.Header.Get("Content-Type"), c.name)
			require.NotEmpty(t, a.Header.Get("X-Coder-Build-Version"))
		}
	}
	first := w.Do("POST", users+"/first", map[string]string{"Cookie": session}, object{"email": "a@example.com", "username": "a", "password": strong})
	require.Equal(t, http.StatusConflict, first.Status, "1.4 /users/first is exempt")
	require.Empty(t, w.ada.Do("GET", path("me", ""), nil, nil).Header.Values("Set-Cookie"), "who sends no cookie gets none")
}

// maskedToken is a pair in the form of nosurf: the cookie's value, and the same
// behind a one-time pad that stands before it.
func maskedToken() (plain, masked string) {
	var token, pad [32]byte
	for i := range token {
		token[i], pad[i] = byte(i), byte(7*i)
	}
	plain = base64.StdEncoding.EncodeToString(token[:])
	for i := range token {
		token[i] ^= pad[i]
	}
	return plain, base64.StdEncoding.EncodeToString(append(pad[:], token[:]...))
}

func TestLogin_3_6(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	wrong := says("Incorrect email or password.")
	w.make("sso", object{"login_type": "github", "password": ""})
	require.Equal(t, http.StatusOK, w.owner.Do("PUT", path("linus", "/status/suspend"), nil, nil).Status)
	w.check([]line{
		{"3.6 no e-mail", nil, "POST", login, object{"password": strong}, 400, invalid("email", tag("required", ""))},
		{"3.6 empty password", nil, "POST", login, object{"email": w.ada.Email, "password": ""}, 400, invalid("password", tag("required", ""))},
		{"3.6 no address", nil, "POST", login, object{"email": "ada", "password": strong}, 400, invalid("email", tag("email", "ada"))},
		{"3.6 username", nil, "POST", login, object{"username": "ada", "password": apitestPassword}, 400, invalid("email", tag("required", ""))},
		{"3.6 unknown e-mail", nil, "POST", login, object{"email": "nobody@example.com", "password": strong}, 401, wrong},
		{"3.6 wrong password", nil, "POST", login, object{"email": w.ada.Email, "password": "wrong"}, 401, wrong},
		{"3.6 user without password", nil, "POST", login, object{"email": "sso@example.com", "password": strong}, 401, wrong},
		{"3.6 suspended, wrong password", nil, "POST", login, object{"email": w.linus.Email, "password": "wrong"}, 401, wrong},
		{"3.6 suspended", nil, "POST", login, object{"email": w.linus.Email, "password": apitestPassword}, 401, says("Your account is suspended. Contact an admin to reactivate your account.")},
		{"3.6 ignoring case", nil, "POST", login, object{"email": strings.ToUpper(w.ada.Email), "password": apitestPassword}, 201, nil},
	})
	require.Equal(t, "dormant", w.make("sleeper", nil)["status"])
	sleeper := w.Login("sleeper@example.com", strong)
	require.Equal(t, "active", w.get(sleeper, path("me", ""))["status"], "2.5 a login wakes")
	key := w.get(sleeper, path("me", "/keys/"+keyID(sleeper.Token)))
	require.Equal(t, "password", key["login_type"])
	require.EqualValues(t, 24*3600, key["lifetime_seconds"])
}

func TestPasswordAuthDisabled_3_6(t *testing.T) {
	t.Parallel()
	s := apitest.New(t, apitest.WithCommands(func(c *commands.Config) { c.NoPasswords = true }),
		apitest.WithSettings(func(c *gate.Settings) { c.PasswordLoginDisabled = true }))
	w := world{System: s, t: t}
	require.Equal(t, http.StatusCreated, s.Do("POST", first, nil, object{"email": "owner@example.com", "username": "owner", "password": strong}).Status)
	w.check([]line{
		{"3.6 disabled, wrong password", nil, "POST", login, object{"email": "owner@example.com", "password": "wrong"}, 401, says("Incorrect email or password.")},
		{"3.6 disabled, right password", nil, "POST", login, object{"email": "owner@example.com", "password": strong}, 403, says("Password authentication is disabled.")},
	})
}

func TestLogout_3_7(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	application := w.token(w.ada, "me", object{"scope": "application_connect"})
	ci := w.token(w.ada, "me", object{"token_name": "ci"})
	other := w.Login(w.ada.Email, apitest.Password)
	out := w.ada.Do("POST", logout, nil, nil)
	require.Equal(t, http.StatusOK, out.Status)
	require.JSONEq(t, `{"message":"Logged out!"}`, string(out.Body))
	require.Contains(t, out.Header.Get("Set-Cookie"), "coder_session_token=; Path=/; Max-Age=0")
	for token, status := range map[string]int{w.ada.Token: 401, application: 401, ci: 200, other.Token: 200} {
		require.Equal(t, status, w.bearer(w.ada, token).Do("GET", path("me", "/keys/tokens"), nil, nil).Status)
	}
}

func TestCookies_4(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*gate.Settings)
		secure bool
	}{
		"plain":               {func(*gate.Settings) {}, false},
		"always":              {func(s *gate.Settings) { s.Cookies = gate.CookiesSecure }, true},
		"https access URL":    {func(s *gate.Settings) { s.AccessURL = "https://users.example.com" }, true},
		"never, though https": {func(s *gate.Settings) { s.AccessURL, s.Cookies = "https://users.example.com", gate.CookiesUnguarded }, false},
	} {
		s := apitest.New(t, apitest.WithSettings(c.change))
		s.FirstUser()
		in := s.Do("POST", login, nil, object{"email": "owner@example.com", "password": apitest.Password})
		cookie := in.Header.Get("Set-Cookie")
		for _, part := range []string{"coder_session_token=", "Path=/", "Max-Age=31536000", "HttpOnly", "SameSite=Lax"} {
			require.Contains(t, cookie, part)
		}
		require.Equal(t, c.secure, strings.Contains(cookie, "Secure"), name)
	}
}

func TestRateLimits_1_6(t *testing.T) {
	t.Parallel()
	at := time.Now()
	s := apitest.New(t, apitest.WithCallsPerMinute(6), apitest.WithOneClock(func() time.Time { return at }))
	owner := s.FirstUser()
	ada := owner.NewUser("ada")
	bypass := map[string]string{"X-Coder-Bypass-Ratelimit": "true"}
	for range 6 {
		require.Equal(t, http.StatusOK, ada.Do("GET", path("me", ""), nil, nil).Status)
		require.Equal(t, http.StatusOK, owner.Do("GET", path("me", ""), nil, nil).Status)
	}
	limited := ada.Do("GET", path("me", ""), nil, nil)
	require.Equal(t, http.StatusTooManyRequests, limited.Status)
	require.True(t, strings.HasPrefix(limited.Map(s)["message"].(string), "You've been rate limited for sending"))
	require.Equal(t, "10", limited.Header.Get("Retry-After"))
	require.Equal(t, http.StatusTooManyRequests, ada.Do("GET", path("me", ""), bypass, nil).Status, "owners alone may")
	require.Equal(t, http.StatusTooManyRequests, ada.Do("GET", path("ada", ""), nil, nil).Status, "it is the same endpoint")
	require.Equal(t, http.StatusOK, ada.Do("GET", path("me", "/keys/tokens"), nil, nil).Status, "another endpoint")
	require.Equal(t, http.StatusTooManyRequests, owner.Do("GET", path("me", ""), nil, nil).Status)
	require.Equal(t, http.StatusTooManyRequests, owner.Do("GET", path("me", ""), map[string]string{"X-Coder-Bypass-Ratelimit": "no"}, nil).Status)
	require.Equal(t, http.StatusOK, owner.Do("GET", path("me", ""), bypass, nil).Status)
	for range 6 {
		require.Equal(t, http.StatusOK, s.Do("GET", "/api/v2/buildinfo", nil, nil).Status)
	}
	require.Equal(t, http.StatusTooManyRequests, s.Do("GET", "/api/v2/buildinfo", nil, nil).Status, "of nobody known, by address")
	at = at.Add(10 * time.Second)
	require.Equal(t, http.StatusOK, ada.Do("GET", path("me", ""), nil, nil).Status)
}
