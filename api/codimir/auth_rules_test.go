package codimir_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

// owns says whether this dialect answers at a path.
func (w *world) owns(path string) bool {
	recorder := httptest.NewRecorder()
	w.handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, site+path, nil))
	return strings.HasPrefix(recorder.Body.String(), `{"error":{"code":`)
}

func (c *client) token() string { return c.cookies["next-auth.session-token"] }

func whoIsLetIn(t *testing.T, w *world) {
	c := w.enter(t, commands.Register{Name: "In"})
	other := w.enter(t, commands.Register{Name: "Other"})
	good, theirs := c.token(), other.token()
	id, secret, _ := strings.Cut(good, "-")
	tests := []struct {
		name, cookie, authorization string
		in                          string // whose profile, "" for 401
	}{
		{"nothing", "", "", ""},
		{"plain cookie", "next-auth.session-token=" + good, "", "In"},
		{"secure cookie", "__Secure-next-auth.session-token=" + good, "", "In"},
		{"the secure one wins", "next-auth.session-token=" + theirs + "; __Secure-next-auth.session-token=" + good, "", "In"},
		{"bearer", "", "Bearer " + good, "In"},
		{"bearer in another case", "", "bearer " + good, "In"},
		{"cookie wins over bearer", "next-auth.session-token=" + good, "Bearer " + theirs, "In"},
		{"a bad cookie wins too", "next-auth.session-token=nonsense", "Bearer " + good, ""},
		{"an empty cookie does not", "next-auth.session-token=", "Bearer " + good, "In"},
		{"wrong secret", "next-auth.session-token=" + id + "-" + strings.Repeat("x", len(secret)), "", ""},
		{"unknown id", "next-auth.session-token=aaaaaaaaaa-" + secret, "", ""},
		{"no token", "next-auth.session-token=...", "", ""},
		{"hostile", "next-auth.session-token=%00'; drop table keys", "", ""},
		{"another cookie", "session-token=" + good, "", ""},
		{"basic", "", "Basic " + good, ""},
	}
	for _, test := range tests {
		a := w.anonymous()
		if test.cookie != "" {
			a.header.Set("Cookie", test.cookie)
		}
		if test.authorization != "" {
			a.header.Set("Authorization", test.authorization)
		}
		for _, path := range []string{"/api/user/profile", "/api/user/activity", "/api/user/stats", "/api/user/preferences"} {
			got := a.get(t, path)
			if test.in == "" {
				got.requireUnauthorized(t)
				continue
			}
			require.Equal(t, 200, got.status, test.name)
		}
		if test.in != "" {
			require.Equal(t, test.in, a.get(t, "/api/user/profile").at(t, "data.name"), test.name)
			continue
		}
		a.put(t, "/api/user/profile", `{"name":"x"}`).requireUnauthorized(t)
		a.put(t, "/api/user/preferences", `{"theme":"dark"}`).requireUnauthorized(t)
	}
}

func (w *world) key(t testing.TB, owner commands.User, scopes ...string) *client {
	t.Helper()
	r, err := w.commands.CreateKey(context.Background(), system, commands.CreateKey{UserID: owner.ID, Scopes: scopes, Lifetime: time.Hour})
	require.NoError(t, err)
	w.queries.NoteCredentials(owner.ID, r.Position)
	c := w.anonymous()
	c.user = owner
	c.header.Set("Authorization", "Bearer "+r.Token)
	return c
}

func limitedKeys(t *testing.T, w *world) {
	u := w.register(t, commands.Register{})
	all := w.key(t, u, "all")
	require.Equal(t, 200, all.put(t, "/api/user/profile", `{"name":"By key"}`).status)
	require.Equal(t, 200, all.get(t, "/api/user/stats").status)

	records := w.key(t, u, "activities:record")
	for _, path := range []string{"/api/user/profile", "/api/user/activity", "/api/user/stats", "/api/user/preferences"} {
		records.get(t, path).requireFault(t, 403, "FORBIDDEN")
	}
	records.put(t, "/api/user/profile", `{"name":"x"}`).requireFault(t, 403, "FORBIDDEN")
	records.put(t, "/api/user/preferences", `{"theme":"dark"}`).requireFault(t, 403, "FORBIDDEN")

	reads := w.key(t, u, "users:read")
	require.Equal(t, "By key", reads.get(t, "/api/user/profile").at(t, "data.name"))
	reads.put(t, "/api/user/profile", `{"name":"x"}`).requireFault(t, 403, "FORBIDDEN")
	reads.get(t, "/api/user/activity").requireFault(t, 403, "FORBIDDEN")
	require.Equal(t, "By key", all.get(t, "/api/user/profile").at(t, "data.name"))
}

func accountEnds(t *testing.T, w *world) {
	ctx := context.Background()
	suspended := w.enter(t, commands.Register{})
	r, err := w.commands.Suspend(ctx, system, suspended.user.ID)
	require.NoError(t, err)
	w.queries.NoteCredentials(suspended.user.ID, r.Position)
	suspended.get(t, "/api/user/profile").requireUnauthorized(t)
	suspended.put(t, "/api/user/profile", `{"name":"x"}`).requireUnauthorized(t)
	suspended.refused(t, suspended.user.Email, password)
	r, err = w.commands.Activate(ctx, system, suspended.user.ID)
	require.NoError(t, err)
	w.queries.NoteCredentials(suspended.user.ID, r.Position)
	require.Equal(t, 200, suspended.get(t, "/api/user/profile").status)

	deleted := w.enter(t, commands.Register{})
	r, err = w.commands.Delete(ctx, system, deleted.user.ID)
	require.NoError(t, err)
	w.queries.NoteCredentials(deleted.user.ID, r.Position)
	deleted.get(t, "/api/user/profile").requireUnauthorized(t)
	require.JSONEq(t, `{}`, deleted.get(t, "/api/auth/session").body)
	deleted.refused(t, deleted.user.Email, password)

	changed := w.enter(t, commands.Register{})
	r, err = w.commands.SetPassword(ctx, system, commands.SetPassword{UserID: changed.user.ID, New: "another horse battery staple", Revoke: true})
	require.NoError(t, err)
	w.queries.NoteCredentials(changed.user.ID, r.Position)
	changed.get(t, "/api/user/profile").requireUnauthorized(t)
	changed.refused(t, changed.user.Email, password)
	changed.signIn(t, changed.user.Email, "another horse battery staple")

	unconfirmed := w.register(t, commands.Register{Unconfirmed: true})
	w.anonymous().refused(t, unconfirmed.Email, password)
}

// refused tries to sign in and expects NextAuth's refusal.
func (c *client) refused(t testing.TB, email, secret string) {
	t.Helper()
	before := c.token()
	a := c.postForm(t, "/api/auth/callback/credentials", url.Values{
		"csrfToken": {c.csrf(t)}, "email": {email}, "password": {secret}, "json": {"true"},
	})
	require.Equal(t, http.StatusUnauthorized, a.status, a.body)
	require.JSONEq(t, `{"url":"`+site+`/api/auth/error?error=CredentialsSignin&provider=credentials"}`, a.body)
	require.NotContains(t, a.set, "next-auth.session-token")
	require.Equal(t, before, c.token())
}

func signIn(t *testing.T, w *world) {
	u := w.register(t, commands.Register{Name: "Signed In"})
	for field, value := range map[string]string{"email": u.Email, "username": u.Username} {
		for _, value := range []string{value, strings.ToUpper(value)} {
			c := w.anonymous()
			a := c.postForm(t, "/api/auth/callback/credentials", url.Values{
				"csrfToken": {c.csrf(t)}, field: {value}, "password": {password}, "json": {"true"}, "callbackUrl": {"/projects?a=b"},
			})
			require.Equal(t, 200, a.status, "%s=%s: %s", field, value, a.body)
			require.JSONEq(t, `{"url":"`+site+`/projects?a=b"}`, a.body)
			cookie := a.set["next-auth.session-token"]
			require.NotNil(t, cookie)
			require.True(t, cookie.HttpOnly)
			require.False(t, cookie.Secure)
			require.Equal(t, http.SameSiteLaxMode, cookie.SameSite)
			require.Equal(t, "/", cookie.Path)
			require.InDelta(t, 30*24*3600, cookie.MaxAge, 60)
			require.WithinDuration(t, time.Now().Add(30*24*time.Hour), cookie.Expires, time.Minute)
			require.Equal(t, "Signed In", c.get(t, "/api/user/profile").at(t, "data.name"), "a session works at once")
		}
	}

	c := w.anonymous()
	body, err := json.Marshal(map[string]any{"csrfToken": c.csrf(t), "email": u.Email, "password": password, "json": "true", "redirect": false})
	require.NoError(t, err)
	require.Equal(t, 200, c.do(t, http.MethodPost, "/api/auth/callback/credentials", "application/json", body).status)

	c = w.anonymous()
	a := c.postForm(t, "/api/auth/callback/credentials", url.Values{"csrfToken": {c.csrf(t)}, "email": {u.Email}, "password": {password}})
	require.Equal(t, http.StatusFound, a.status)
	require.Equal(t, site, a.header.Get("Location"))
	require.Empty(t, a.body)
	require.NotEmpty(t, c.token())

	c = w.anonymous()
	a = c.postForm(t, "/api/auth/callback/credentials", url.Values{
		"csrfToken": {c.csrf(t)}, "email": {u.Email}, "password": {password}, "json": {"true"}, "callbackUrl": {"https://evil.example/"},
	})
	require.JSONEq(t, `{"url":"`+site+`"}`, a.body, "nobody is sent elsewhere")

	// Two sessions live side by side.
	one, two := w.anonymous(), w.anonymous()
	one.header.Set("Idempotency-Key", "same")
	two.header.Set("Idempotency-Key", "same")
	one.signIn(t, u.Email, password)
	two.signIn(t, u.Email, password)
	require.NotEqual(t, one.token(), two.token())
	require.Equal(t, 200, one.get(t, "/api/user/profile").status)
	require.Equal(t, 200, two.get(t, "/api/user/profile").status)
}

func signInRefused(t *testing.T, w *world) {
	u := w.register(t, commands.Register{})
	none := w.register(t, commands.Register{LoginType: events.LoginNone})
	for _, try := range [][2]string{
		{u.Email, "wrong"},
		{u.Email, ""},
		{"", password},
		{"", ""},
		{"nobody@example.com", password},
		{"nobody", password},
		{none.Email, password},
		{u.Email + "\x00", password},
		{u.Email, password + "\x00"},
		{"not an address@", password},
		{u.Email, strings.Repeat("x", 10000)},
		{strings.Repeat("a", 5000) + "@example.com", password},
		{u.Username + "'--", password},
	} {
		w.anonymous().refused(t, try[0], try[1])
	}
	c := w.anonymous()
	a := c.postForm(t, "/api/auth/callback/credentials", url.Values{"csrfToken": {c.csrf(t)}, "email": {u.Email}, "password": {"wrong"}})
	require.Equal(t, http.StatusFound, a.status)
	require.Equal(t, site+"/api/auth/error?error=CredentialsSignin&provider=credentials", a.header.Get("Location"))

	const form = "application/x-www-form-urlencoded"
	path := "/api/auth/callback/credentials"
	c.do(t, http.MethodPost, path, form, []byte("a="+strings.Repeat("b", 70000))).requireFault(t, 413, "PAYLOAD_TOO_LARGE")
	c.do(t, http.MethodPost, path, form, []byte("email=%zz")).requireFault(t, 400, "BAD_REQUEST")
	c.do(t, http.MethodPost, path, form, []byte("email=\xff")).requireFault(t, 400, "BAD_REQUEST")
	c.do(t, http.MethodPost, path, "application/json", []byte("{")).requireFault(t, 400, "BAD_REQUEST")
	invalid := c.do(t, http.MethodPost, path, form, []byte("csrfToken="+c.csrf(t)+"&email=%ff%fe&password=%ff&json=true"))
	require.Equal(t, http.StatusUnauthorized, invalid.status, invalid.body)
}

func signInAsksForTheToken(t *testing.T, w *world) {
	u := w.register(t, commands.Register{})
	c := w.anonymous()
	token := c.csrf(t)
	require.Equal(t, token, c.csrf(t), "the cookie keeps its token")
	require.Equal(t, "no-store", strings.Fields(c.get(t, "/api/auth/csrf").header.Get("Cache-Control"))[2])
	try := func(c *client, token string) answer {
		return c.postForm(t, "/api/auth/callback/credentials", url.Values{"csrfToken": {token}, "email": {u.Email}, "password": {password}, "json": {"true"}})
	}
	stranger := w.anonymous()
	forged := w.anonymous()
	forged.cookies["next-auth.csrf-token"] = token + "%7C" + strings.Repeat("0", 64)
	for _, a := range []answer{try(c, ""), try(c, "wrong"), try(c, strings.Repeat("0", 64)), try(stranger, token), try(forged, token)} {
		require.Equal(t, 200, a.status)
		require.JSONEq(t, `{"url":"`+site+`/api/auth/signin?csrf=true"}`, a.body)
		require.NotContains(t, a.set, "next-auth.session-token")
	}
	require.NotEmpty(t, stranger.cookies["next-auth.csrf-token"], "who has no token gets one")
	a := stranger.postForm(t, "/api/auth/callback/credentials", url.Values{"csrfToken": {"wrong"}})
	require.Equal(t, http.StatusFound, a.status)
	require.Equal(t, site+"/api/auth/signin?csrf=true", a.header.Get("Location"))
	require.Equal(t, 200, try(c, token).status)
	require.NotEmpty(t, c.token())
}

func sessionOfAUser(t *testing.T, w *world) {
	require.Equal(t, `{}`, w.anonymous().get(t, "/api/auth/session").body)

	c := w.enter(t, commands.Register{Name: "John Doe", Avatar: "https://example.com/a.png"})
	a := c.get(t, "/api/auth/session")
	require.Equal(t, 200, a.status)
	require.Equal(t, map[string]any{"name": "John Doe", "email": c.user.Email, "image": "https://example.com/a.png"}, a.at(t, "user"))
	text, _ := a.at(t, "expires").(string)
	expires, err := time.Parse(time.RFC3339, text)
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(30*24*time.Hour), expires, time.Minute)
	require.Equal(t, c.token(), a.set["next-auth.session-token"].Value)

	bare := w.enter(t, commands.Register{FirstName: "F", LastName: "L"})
	require.Equal(t, map[string]any{"name": "F L", "email": bare.user.Email}, bare.get(t, "/api/auth/session").at(t, "user"))

	bearer := w.anonymous()
	bearer.header.Set("Authorization", "Bearer "+c.token())
	a = bearer.get(t, "/api/auth/session")
	require.Equal(t, "John Doe", a.at(t, "user.name"))
	require.Empty(t, a.set)

	bad := w.anonymous()
	bad.cookies["next-auth.session-token"] = "aaaaaaaaaa-bbbbbbbbbbbbbbbbbbbbbb"
	a = bad.get(t, "/api/auth/session")
	require.Equal(t, `{}`, a.body)
	require.Negative(t, a.set["next-auth.session-token"].MaxAge)

	a = w.anonymous().get(t, "/api/auth/providers")
	require.JSONEq(t, `{"credentials":{"id":"credentials","name":"Credentials","type":"credentials",
		"signinUrl":"`+site+`/api/auth/signin/credentials","callbackUrl":"`+site+`/api/auth/callback/credentials"}}`, a.body)
}

func signOut(t *testing.T, w *world) {
	c := w.enter(t, commands.Register{})
	other := w.anonymous()
	other.signIn(t, c.user.Email, password)
	token := c.token()

	a := c.postForm(t, "/api/auth/signout", url.Values{"csrfToken": {"wrong"}, "json": {"true"}})
	require.JSONEq(t, `{"url":"`+site+`/api/auth/signout?csrf=true"}`, a.body)
	require.Equal(t, 200, c.get(t, "/api/user/profile").status)

	a = c.postForm(t, "/api/auth/signout", url.Values{"csrfToken": {c.csrf(t)}, "json": {"true"}, "callbackUrl": {"/bye"}})
	require.Equal(t, 200, a.status, a.body)
	require.JSONEq(t, `{"url":"`+site+`/bye"}`, a.body)
	require.Negative(t, a.set["next-auth.session-token"].MaxAge)
	require.Equal(t, "/", a.set["next-auth.session-token"].Path)
	require.Empty(t, c.token())
	stolen := w.anonymous()
	stolen.cookies["next-auth.session-token"] = token
	stolen.get(t, "/api/user/profile").requireUnauthorized(t)
	require.Equal(t, 200, other.get(t, "/api/user/profile").status, "other sessions live on")

	a = c.postForm(t, "/api/auth/signout", url.Values{"csrfToken": {c.csrf(t)}, "json": {"true"}})
	require.Equal(t, 200, a.status, "who is signed out is told the same")
	a = other.postForm(t, "/api/auth/signout", url.Values{"csrfToken": {other.csrf(t)}})
	require.Equal(t, http.StatusFound, a.status)
	require.Equal(t, site, a.header.Get("Location"))
	require.Equal(t, `{}`, other.get(t, "/api/auth/session").body)

	// An API key in the cookie is not ended by signing out.
	key := w.key(t, c.user, "all")
	browser := w.anonymous()
	browser.cookies["next-auth.session-token"] = strings.TrimPrefix(key.header.Get("Authorization"), "Bearer ")
	require.Equal(t, 200, browser.get(t, "/api/user/profile").status)
	require.Equal(t, 200, browser.postForm(t, "/api/auth/signout", url.Values{"csrfToken": {browser.csrf(t)}, "json": {"true"}}).status)
	require.Empty(t, browser.token())
	require.Equal(t, 200, key.get(t, "/api/user/profile").status)
}

func anotherSite(t *testing.T, w *world) {
	c := w.enter(t, commands.Register{Name: "Kept"})
	c.header.Set("Sec-Fetch-Site", "cross-site")
	c.put(t, "/api/user/profile", `{"name":"x"}`).requireFault(t, 403, "FORBIDDEN")
	c.put(t, "/api/user/preferences", `{"theme":"dark"}`).requireFault(t, 403, "FORBIDDEN")
	form := url.Values{"csrfToken": {c.csrf(t)}, "json": {"true"}}
	c.postForm(t, "/api/auth/signout", form).requireFault(t, 403, "FORBIDDEN")
	c.postForm(t, "/api/auth/callback/credentials", form).requireFault(t, 403, "FORBIDDEN")
	require.Equal(t, "Kept", c.get(t, "/api/user/profile").at(t, "data.name"), "reads are not stopped")
}

func onTLS(t *testing.T, w *world) {
	u := w.register(t, commands.Register{})
	send := func(method, path, body string, cookies []*http.Cookie) *http.Response {
		r := httptest.NewRequest(method, "https://codimir.test"+path, strings.NewReader(body))
		r.TLS = &tls.ConnectionState{}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for _, c := range cookies {
			r.AddCookie(c)
		}
		recorder := httptest.NewRecorder()
		w.handler.ServeHTTP(recorder, r)
		return recorder.Result()
	}
	csrf := send(http.MethodGet, "/api/auth/csrf", "", nil)
	cookies := csrf.Cookies()
	require.Len(t, cookies, 1)
	require.Equal(t, "__Host-next-auth.csrf-token", cookies[0].Name)
	require.True(t, cookies[0].Secure)
	token, _, _ := strings.Cut(cookies[0].Value, "%7C")
	form := url.Values{"csrfToken": {token}, "email": {u.Email}, "password": {password}, "json": {"true"}}
	in := send(http.MethodPost, "/api/auth/callback/credentials", form.Encode(), cookies)
	require.Equal(t, 200, in.StatusCode)
	var session *http.Cookie
	for _, c := range in.Cookies() {
		if c.Name == "__Secure-next-auth.session-token" {
			session = c
		}
	}
	require.NotNil(t, session)
	require.True(t, session.Secure && session.HttpOnly)
	require.Equal(t, 200, send(http.MethodGet, "/api/user/profile", "", []*http.Cookie{session}).StatusCode)
}

// TestLoginsAreLimited has limits on, and so a world of its own.
func TestLoginsAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apitest.WithRateLimits())
	c := w.anonymous()
	token := c.csrf(t)
	form := url.Values{"csrfToken": {token}, "email": {"nobody@example.com"}, "password": {"x"}, "json": {"true"}}
	for range 200 {
		a := c.postForm(t, "/api/auth/callback/credentials", form)
		if a.status == http.StatusUnauthorized {
			continue
		}
		a.requireFault(t, 429, "RATE_LIMITED")
		require.Regexp(t, `^[1-9]\d*$`, a.header.Get("Retry-After"))
		return
	}
	t.Fatal("logins are not limited")
}
