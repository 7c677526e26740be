package signin_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/signin"
	"github.com/rosterhq/roster/signin/signintest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const callback = "http://roster.example/callback"

func ada() signintest.Claims {
	return signintest.Claims{"sub": "ada-1", "email": "ada@example.com", "preferred_username": "ada", "name": "Ada Lovelace"}
}

func oidcOf(p *signintest.OIDC, change func(*signin.OIDCConfig)) *signin.OIDC {
	c := signin.OIDCConfig{Issuer: p.URL, ClientID: p.ClientID, ClientSecret: p.ClientSecret, AllowSignUps: true}
	if change != nil {
		change(&c)
	}
	return signin.NewOIDC(c)
}

func attempt() signin.Attempt {
	return signin.Attempt{State: signin.NewState(), Verifier: signin.NewVerifier(), Callback: callback}
}

// visit goes to the provider as a browser does, and returns what it brings back.
func visit(t *testing.T, address string) url.Values {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Get(address)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusFound, res.StatusCode)
	back, err := res.Location()
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(back.String(), callback+"?"), back)
	return back.Query()
}

func signIn(t *testing.T, p signin.Provider) (signin.Person, error) {
	t.Helper()
	a := attempt()
	address, err := p.AuthorizeURL(t.Context(), a)
	require.NoError(t, err)
	back := visit(t, address)
	require.Equal(t, a.State, back.Get("state"))
	a.Issuer = back.Get("iss")
	return p.Exchange(t.Context(), a, back.Get("code"))
}

func reason(t *testing.T, err error) signin.Reason {
	t.Helper()
	e, ok := signin.AsError(err)
	require.True(t, ok, "%v", err)
	return e.Reason
}

func TestAPersonIsVouchedFor(t *testing.T) {
	t.Parallel()
	p := signintest.NewOIDC(t)
	info := ada()
	info["name"], info["picture"], info["groups"], info["big"] = "Ada King", "https://example.com/ada.png", []any{"a\x00b", 1}, 12345678901234567
	p.SignsIn(ada(), info)
	got, err := signIn(t, oidcOf(p, nil))
	require.NoError(t, err)
	require.Equal(t, events.Identity{Provider: "oidc", Subject: p.URL + "|ada-1"}, got.Identity)
	require.Equal(t, []string{"ada@example.com", "ada", "Ada King", "https://example.com/ada.png"}, []string{got.Email, got.Username, got.Name, got.Avatar})
	require.NotEmpty(t, got.Token.Access)
	require.NotEmpty(t, got.Token.Refresh)
	require.WithinDuration(t, time.Now().Add(time.Hour), got.Token.ExpiresAt, time.Minute)
	require.Equal(t, "Ada King", got.Claims["name"], "the user info is the newer word")
	require.Equal(t, []any{"ab", got.Claims["groups"].([]any)[1]}, got.Claims["groups"])
	require.EqualValues(t, "12345678901234567", got.Claims["big"])
	require.NotEmpty(t, got.Claims["iss"])
}

func TestWhatIsWrongWithAPerson(t *testing.T) {
	t.Parallel()
	with := func(name string, value any) signintest.Claims {
		c := ada()
		if c[name] = value; value == nil {
			delete(c, name)
		}
		return c
	}
	for name, c := range map[string]struct {
		who    signintest.Claims
		faults signintest.Faults
		change func(*signin.OIDCConfig)
		want   signin.Reason
	}{
		"fine":                     {who: ada()},
		"no subject":               {who: with("sub", ""), want: signin.NoSubject},
		"no e-mail":                {who: with("email", nil), want: signin.NoEmail},
		"e-mail is no text":        {who: with("email", 7), want: signin.Unreachable},
		"e-mail is none":           {who: with("email", "Ada <ada@example.com>"), want: signin.NoEmail},
		"username is an address":   {who: signintest.Claims{"sub": "1", "preferred_username": "ada@example.com"}},
		"not verified":             {who: with("email_verified", false), want: signin.NotVerified},
		"not verified, in words":   {who: with("email_verified", "false"), want: signin.NotVerified},
		"verified":                 {who: with("email_verified", true)},
		"verified, in words":       {who: with("email_verified", "true")},
		"not verified, ignored":    {who: with("email_verified", false), change: func(c *signin.OIDCConfig) { c.IgnoreEmailVerified = true }},
		"domain":                   {who: ada(), change: func(c *signin.OIDCConfig) { c.EmailDomains = []string{"@EXAMPLE.com"} }},
		"wrong domain":             {who: ada(), change: func(c *signin.OIDCConfig) { c.EmailDomains = []string{"ample.com"} }, want: signin.WrongDomain},
		"wrong nonce":              {who: ada(), faults: signintest.Faults{Nonce: "another"}, want: signin.BadIDToken},
		"wrong audience":           {who: ada(), faults: signintest.Faults{Audience: "another"}, want: signin.BadIDToken},
		"wrong issuer":             {who: ada(), faults: signintest.Faults{Issuer: "https://evil.example"}, want: signin.BadIDToken},
		"another party":            {who: ada(), faults: signintest.Faults{AuthorizedParty: "another"}, want: signin.BadIDToken},
		"id token ended":           {who: ada(), faults: signintest.Faults{Expired: true}, want: signin.BadIDToken},
		"signed by a stranger":     {who: ada(), faults: signintest.Faults{ForeignKey: true}, want: signin.BadIDToken},
		"signed by the secret":     {who: ada(), faults: signintest.Faults{HS256: true}, want: signin.BadIDToken},
		"another access token":     {who: with("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"), want: signin.BadIDToken},
		"no id token":              {who: ada(), faults: signintest.Faults{NoIDToken: true}, want: signin.NoIDToken},
		"user info of another":     {who: ada(), faults: signintest.Faults{OtherUserInfo: "eve"}, want: signin.BadIDToken},
		"code has expired":         {who: ada(), faults: signintest.Faults{CodesEnd: true}, want: signin.Refused},
		"wrong client secret":      {who: ada(), change: func(c *signin.OIDCConfig) { c.ClientSecret = "wrong-secret" }, want: signin.Refused},
		"claims are too large":     {who: with("groups", strings.Repeat("x", 70<<10)), want: signin.BadIDToken},
		"public client, not known": {who: ada(), change: func(c *signin.OIDCConfig) { c.ClientSecret = "" }, want: signin.Refused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := signintest.NewOIDC(t)
			p.SignsIn(c.who, nil)
			p.Fail(c.faults)
			_, err := signIn(t, oidcOf(p, c.change))
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.Equal(t, c.want, reason(t, err), "%v", err)
			for _, secret := range []string{p.ClientSecret, "code-", "access-", "refresh-", "eyJ", "wrong-secret"} {
				require.NotContains(t, err.Error(), secret)
			}
		})
	}
}

func TestACodeIsOfOneAttempt(t *testing.T) {
	t.Parallel()
	p := signintest.NewOIDC(t)
	p.SignsIn(ada(), nil)
	o := oidcOf(p, nil)
	a := attempt()
	address, err := o.AuthorizeURL(t.Context(), a)
	require.NoError(t, err)
	for _, part := range []string{"code_challenge_method=S256", "code_challenge=", "nonce=", "state=" + a.State, "access_type=offline"} {
		require.Contains(t, address, part)
	}
	require.NotContains(t, address, a.Verifier)

	stolen := visit(t, address).Get("code")
	other := attempt()
	_, err = o.Exchange(t.Context(), other, stolen)
	require.Equal(t, signin.Refused, reason(t, err), "without the verifier a code is worthless")

	back := visit(t, address)
	a.Issuer = "https://evil.example"
	_, err = o.Exchange(t.Context(), a, back.Get("code"))
	require.Equal(t, signin.WrongIssuer, reason(t, err))
	a.Issuer = back.Get("iss")
	_, err = o.Exchange(t.Context(), a, back.Get("code"))
	require.NoError(t, err)
	_, err = o.Exchange(t.Context(), a, back.Get("code"))
	require.Equal(t, signin.Refused, reason(t, err), "a code works once")
	e, _ := signin.AsError(err)
	require.Equal(t, "invalid_grant", e.Code)
}

func TestKeysMayRotate(t *testing.T) {
	t.Parallel()
	p := signintest.NewOIDC(t)
	p.SignsIn(ada(), nil)
	o := oidcOf(p, nil)
	for range 3 {
		_, err := signIn(t, o)
		require.NoError(t, err)
		_, err = signIn(t, o)
		require.NoError(t, err)
		p.Rotate()
	}
	require.Equal(t, 3, p.Calls("/keys"), "keys are asked for when they are new")
	require.Equal(t, 1, p.Calls("/.well-known/openid-configuration"))
}

func TestAProviderMayBeDown(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now := time.Now()
	clock := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}
	pass := func(d time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(d)
	}
	const discovery = "/.well-known/openid-configuration"
	p := signintest.NewOIDC(t)
	p.SignsIn(ada(), nil)
	p.Fail(signintest.Faults{Down: true})
	o := oidcOf(p, func(c *signin.OIDCConfig) { c.Clock = clock })
	for range 3 {
		_, err := o.AuthorizeURL(t.Context(), attempt())
		require.Equal(t, signin.Unreachable, reason(t, err))
	}
	require.Equal(t, 1, p.Calls(discovery), "it is not asked again at once")

	p.Fail(signintest.Faults{Huge: true})
	pass(2 * time.Second)
	_, err := o.AuthorizeURL(t.Context(), attempt())
	require.Equal(t, signin.Unreachable, reason(t, err))
	require.Less(t, len(err.Error()), 500)

	p.Fail(signintest.Faults{})
	pass(2 * time.Second)
	_, err = signIn(t, o)
	require.NoError(t, err)
	p.Fail(signintest.Faults{Down: true})
	pass(7 * time.Hour)
	_, err = o.AuthorizeURL(t.Context(), attempt())
	require.NoError(t, err, "what was known stays known")
	_, err = o.Exchange(t.Context(), attempt(), "code")
	require.Equal(t, signin.Unreachable, reason(t, err))
	_, err = o.Renew(t.Context(), "refresh")
	require.Equal(t, signin.Unreachable, reason(t, err))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = oidcOf(p, nil).AuthorizeURL(ctx, attempt())
	require.Equal(t, signin.Unreachable, reason(t, err))
}

func TestManyWaitForOneDiscovery(t *testing.T) {
	t.Parallel()
	p := signintest.NewOIDC(t)
	o := oidcOf(p, nil)
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if _, err := o.AuthorizeURL(context.Background(), attempt()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	require.Equal(t, 1, p.Calls("/.well-known/openid-configuration"))
}

func TestNobodyIsSentElsewhereWithASecret(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 1)
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.URL.Path }))
	t.Cleanup(thief.Close)
	var provider *httptest.Server
	provider = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			http.Redirect(w, r, thief.URL+"/token", http.StatusTemporaryRedirect)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"issuer":"` + provider.URL + `","authorization_endpoint":"` + provider.URL + `/a","token_endpoint":"` + provider.URL + `/token","jwks_uri":"` + provider.URL + `/keys"}`))
	}))
	t.Cleanup(provider.Close)
	o := signin.NewOIDC(signin.OIDCConfig{Issuer: provider.URL, ClientID: "roster", ClientSecret: "hidden-secret"})
	_, err := o.Exchange(t.Context(), attempt(), "code")
	require.Equal(t, signin.Unreachable, reason(t, err))
	require.Empty(t, asked)
}

func TestTokensAreRenewed(t *testing.T) {
	t.Parallel()
	p := signintest.NewOIDC(t)
	p.SignsIn(ada(), nil)
	o := oidcOf(p, nil)
	person, err := signIn(t, o)
	require.NoError(t, err)
	renewed, err := o.Renew(t.Context(), person.Token.Refresh)
	require.NoError(t, err)
	require.NotEqual(t, person.Token.Access, renewed.Access)
	require.NotEmpty(t, renewed.Refresh)
	_, err = o.Renew(t.Context(), person.Token.Refresh)
	require.Equal(t, signin.Refused, reason(t, err))
	require.NotContains(t, err.Error(), person.Token.Refresh)
	require.False(t, errors.Is(err, signin.ErrExpired))
}
