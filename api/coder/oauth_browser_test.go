package coder_test

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/signin"
	"github.com/rosterhq/roster/signin/signintest"
)

const (
	oidcCallback   = "/api/v2/users/oidc/callback"
	gitHubCallback = "/api/v2/users/oauth2/github/callback"
	oidcClaims     = "/api/v2/users/oidc-claims"
)

// browser keeps cookies and follows people through a sign-in.
type browser struct {
	t       *testing.T
	s       *apitest.System
	cookies map[string]string
}

func newBrowser(t *testing.T, s *apitest.System) *browser {
	t.Helper()
	return &browser{t: t, s: s, cookies: map[string]string{}}
}

func (b *browser) header() map[string]string {
	pairs := make([]string, 0, len(b.cookies))
	for _, name := range slices.Sorted(maps.Keys(b.cookies)) {
		pairs = append(pairs, name+"="+b.cookies[name])
	}
	if len(pairs) == 0 {
		return nil
	}
	return map[string]string{"Cookie": strings.Join(pairs, "; ")}
}

// get asks Roster and keeps the cookies that it sets, after a look at their form.
func (b *browser) get(path string) apitest.Answer {
	b.t.Helper()
	a := b.s.Do(http.MethodGet, path, b.header(), nil)
	b.keep(a)
	return a
}

func (b *browser) keep(a apitest.Answer) {
	b.t.Helper()
	for _, c := range (&http.Response{Header: a.Header}).Cookies() {
		if strings.HasPrefix(c.Name, "csrf") {
			continue
		}
		require.True(b.t, c.HttpOnly && c.Path == "/" && c.SameSite == http.SameSiteLaxMode && !c.Secure, c)
		if b.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
}

// start begins a sign-in and returns where the provider sends the browser back
// to, as a path here.
func (b *browser) start(path string) string {
	b.t.Helper()
	a := b.get(path)
	require.Equal(b.t, http.StatusTemporaryRedirect, a.Status, "%s", a.Body)
	return b.provider(a.Header.Get("Location"))
}

func (b *browser) provider(address string) string {
	b.t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Get(address)
	require.NoError(b.t, err)
	require.NoError(b.t, res.Body.Close())
	require.Equal(b.t, http.StatusFound, res.StatusCode, address)
	back, ok := strings.CutPrefix(res.Header.Get("Location"), b.s.URL)
	require.True(b.t, ok, res.Header.Get("Location"))
	return back
}

// signIn goes the whole way and returns the last answer.
func (b *browser) signIn(path string) apitest.Answer {
	b.t.Helper()
	return b.get(b.start(path))
}

// session is who the browser is signed in as.
func (b *browser) session() *apitest.Session {
	b.t.Helper()
	token := b.cookies["coder_session_token"]
	require.NotEmpty(b.t, token)
	c := &apitest.Session{System: b.s, Token: token}
	me := c.Do(http.MethodGet, "/api/v2/users/me", nil, nil)
	require.Equal(b.t, http.StatusOK, me.Status, "%s", me.Body)
	m := me.Map(b.s)
	c.ID, c.Username, c.Email = m["id"].(string), m["username"].(string), m["email"].(string)
	return c
}

// enters signs in and wants it to go well.
func (b *browser) enters(path string) *apitest.Session {
	b.t.Helper()
	a := b.signIn(path)
	require.Equal(b.t, http.StatusTemporaryRedirect, a.Status, "%s", a.Body)
	require.NotEmpty(b.t, a.Header.Get("Roster-Position"))
	return b.session()
}

// refusal signs in and wants it to fail.
func (b *browser) refusal(path string) (status int, text string) {
	b.t.Helper()
	a := b.signIn(path)
	require.GreaterOrEqual(b.t, a.Status, 400)
	require.Empty(b.t, b.cookies["coder_session_token"])
	require.NotContains(b.t, string(a.Body), "code-")
	return a.Status, message(b.t, b.s, a)
}

func oidcSystem(t *testing.T, change func(*signin.OIDCConfig), options ...apitest.Option) (*apitest.System, *signintest.OIDC) {
	t.Helper()
	p := signintest.NewOIDC(t)
	c := signin.OIDCConfig{
		Issuer: p.URL, ClientID: p.ClientID, ClientSecret: p.ClientSecret, AllowSignUps: true, SignInText: "Acme", IconURL: "https://acme.example/i.png",
	}
	if change != nil {
		change(&c)
	}
	options = append(options, apitest.WithSignIn(signin.Providers{OIDC: signin.NewOIDC(c)}))
	return apitest.New(t, options...), p
}

func claimsOf(subject, username string) signintest.Claims {
	return signintest.Claims{
		"sub": subject, "email": username + "@example.com", "email_verified": true, "preferred_username": username, "name": "Name of " + username,
		"picture": "https://example.com/" + username + ".png",
	}
}

func queryOf(values url.Values) string { return "?" + values.Encode() }
