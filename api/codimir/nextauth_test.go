package codimir

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/gate"

	"github.com/rosterhq/roster/commands"
)

func testCSRF() *csrf {
	return &csrf{hash: func(token string) string { return "h" + token[:min(8, len(token))] }}
}

func TestCSRF(t *testing.T) {
	t.Parallel()
	c := testCSRF()
	w, r := newRecorder(), httptest.NewRequest(http.MethodGet, "http://codimir.test/api/auth/csrf", nil)
	token := c.issue(w, r)
	require.Len(t, token, 64)
	made := w.Result().Cookies()[0]
	require.Equal(t, "next-auth.csrf-token", made.Name)
	require.Contains(t, made.Value, token+"%7C")
	require.True(t, made.HttpOnly)
	require.Equal(t, http.SameSiteLaxMode, made.SameSite)
	require.Equal(t, "/", made.Path)

	again := func(value string) *http.Request {
		r := httptest.NewRequest(http.MethodPost, "http://codimir.test/", nil)
		r.Header.Set("Cookie", "next-auth.csrf-token="+value)
		return r
	}
	w = newRecorder()
	require.Equal(t, token, c.issue(w, again(made.Value)), "a good cookie keeps its token")
	require.Empty(t, w.Result().Cookies())
	require.True(t, c.verified(again(made.Value), token))
	require.True(t, c.verified(again(strings.Replace(made.Value, "%7C", "|", 1)), token), "unescaped, as scripts send it")

	for _, bad := range []string{"", "x", "|", "a|b", token, token + "|", token + "|wrong", "%zz", "%7C"} {
		require.False(t, c.verified(again(bad), token), bad)
		require.NotEqual(t, token, c.issue(newRecorder(), again(bad)))
	}
	require.False(t, c.verified(again(made.Value), ""))
	require.False(t, c.verified(again(made.Value), token+"x"))
	require.False(t, c.verified(httptest.NewRequest(http.MethodPost, "/", nil), ""))
}

func TestCookieNames(t *testing.T) {
	t.Parallel()
	plain := httptest.NewRequest(http.MethodGet, "http://codimir.test/", nil)
	onTLS := httptest.NewRequest(http.MethodGet, "https://codimir.test/", nil)
	require.Equal(t, []string{"next-auth.csrf-token", "next-auth.session-token", "next-auth.callback-url"},
		[]string{site{}.csrfCookie(plain), site{}.sessionCookie(plain), site{}.urlCookie(plain)})
	require.Equal(t, []string{"__Host-next-auth.csrf-token", "__Secure-next-auth.session-token", "__Secure-next-auth.callback-url"},
		[]string{site{}.csrfCookie(onTLS), site{}.sessionCookie(onTLS), site{}.urlCookie(onTLS)})

	// Behind a proxy that ends TLS, the access URL tells.
	behind := site{gate.Settings{AccessURL: "https://users.example.com"}}
	require.Equal(t, "__Secure-next-auth.session-token", behind.sessionCookie(plain))
	require.Equal(t, "https://users.example.com", behind.origin(plain))
	require.Equal(t, "next-auth.session-token", site{gate.Settings{Cookies: gate.CookiesUnguarded}}.sessionCookie(onTLS))

	now := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, r := range []*http.Request{plain, onTLS} {
		w := newRecorder()
		site{}.setSession(w, r, "id-secret", now.Add(sessionLifetime), now)
		c := w.Result().Cookies()[0]
		require.Equal(t, "id-secret", c.Value)
		require.Equal(t, 30*24*3600, c.MaxAge)
		require.Equal(t, now.Add(sessionLifetime), c.Expires)
		require.Equal(t, "/", c.Path)
		require.True(t, c.HttpOnly)
		require.Equal(t, r.TLS != nil, c.Secure)
		require.Equal(t, http.SameSiteLaxMode, c.SameSite)
	}
}

func TestClearSession(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodGet, "http://codimir.test/", nil)
	r.Header.Set("Cookie", "other=1; next-auth.session-token=a; next-auth.session-token.0=b; __Secure-next-auth.session-token=c; next-auth.session-token=d")
	w := newRecorder()
	site{}.clearSession(w, r)
	var names []string
	for _, c := range w.Result().Cookies() {
		names = append(names, c.Name)
		require.Negative(t, c.MaxAge)
		require.Empty(t, c.Value)
		require.Equal(t, strings.HasPrefix(c.Name, "__Secure-"), c.Secure)
	}
	require.Equal(t, []string{"next-auth.session-token", "next-auth.session-token.0", "__Secure-next-auth.session-token"}, names)
}

func TestCallbackURLStaysHere(t *testing.T) {
	t.Parallel()
	const here = "http://codimir.test:8080"
	tests := map[string]string{
		"":                                    here,
		"/":                                   here + "/",
		"/projects?a=1#x":                     here + "/projects?a=1#x",
		here:                                  here,
		here + "/tickets":                     here + "/tickets",
		"//evil.test":                         here + "//evil.test", // a path of ours
		"https://evil.test/":                  here,
		"http://codimir.test/":                here, // another port
		"http://codimir.test:8080@evil.test/": here,
		"http://user@codimir.test:8080/":      here,
		"https://codimir.test:8080/":          here,
		"javascript:alert(1)":                 here,
		"projects":                            here,
		"/a\r\nSet-Cookie: x=y":               here,
		"/\\evil.test":                        here,
		"/%zz":                                here,
		"http://codimir.test:8080.evil.test/": here,
	}
	for wanted, want := range tests {
		r := httptest.NewRequest(http.MethodPost, here+"/api/auth/callback/credentials", nil)
		require.Equal(t, want, site{}.callbackURL(r, form{"callbackUrl": wanted}), wanted)
	}
	r := httptest.NewRequest(http.MethodPost, here+"/?callbackUrl=%2Ffrom-query", nil)
	require.Equal(t, here+"/from-query", site{}.callbackURL(r, form{}))
	w := newRecorder()
	r = httptest.NewRequest(http.MethodPost, here+"/", nil)
	site{}.rememberURL(w, r, here+"/kept?a=1+2")
	r.AddCookie(w.Result().Cookies()[0])
	require.Equal(t, here+"/kept?a=1+2", site{}.callbackURL(r, form{}))
	r = httptest.NewRequest(http.MethodPost, "https://codimir.test/", nil)
	r.TLS = &tls.ConnectionState{}
	require.Equal(t, "https://codimir.test/x", site{}.callbackURL(r, form{"callbackUrl": "/x"}))
}

func TestWhoSignsIn(t *testing.T) {
	t.Parallel()
	tests := []struct {
		form form
		want commands.SignIn
	}{
		{form{"email": "a@b", "password": "p"}, commands.SignIn{Email: "a@b", Password: "p", Lifetime: sessionLifetime}},
		{form{"email": "john", "password": "p"}, commands.SignIn{Username: "john", Password: "p", Lifetime: sessionLifetime}},
		{form{"username": "john"}, commands.SignIn{Username: "john", Lifetime: sessionLifetime}},
		{form{"username": "a@b"}, commands.SignIn{Email: "a@b", Lifetime: sessionLifetime}},
		{form{"username": "x", "email": "a@b"}, commands.SignIn{Email: "a@b", Lifetime: sessionLifetime}},
		{form{}, commands.SignIn{Lifetime: sessionLifetime}},
	}
	for _, test := range tests {
		require.Equal(t, test.want, test.form.account())
	}
}

func FuzzForm(f *testing.F) {
	f.Add("csrfToken=a&email=b%40c&password=d&json=true", "/x")
	f.Add("%zz", "//evil")
	f.Add("a=1&a=2;b", "http://codimir.test/\x00")
	f.Fuzz(func(t *testing.T, raw, callback string) {
		if _, err := parseForm(raw); err != nil {
			require.Equal(t, 400, faultOf(err).status)
		}
		if _, err := parseJSONForm([]byte(raw)); err != nil {
			require.Contains(t, []int{400, 422}, faultOf(err).status)
		}
		r := httptest.NewRequest(http.MethodPost, "http://codimir.test/", nil)
		target := site{}.callbackURL(r, form{"callbackUrl": callback})
		require.True(t, target == "http://codimir.test" || strings.HasPrefix(target, "http://codimir.test/") ||
			strings.HasPrefix(target, "http://codimir.test?") || strings.HasPrefix(target, "http://codimir.test#"), target)
	})
}
