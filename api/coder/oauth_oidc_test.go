package coder_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/signin"
	"github.com/rosterhq/roster/signin/signintest"
)

func TestOIDC_TheWayIn(t *testing.T) {
	t.Parallel()
	s, p := oidcSystem(t, func(c *signin.OIDCConfig) { c.AllowSignUps = false })
	methods := s.Do(http.MethodGet, "/api/v2/users/authmethods", nil, nil).Map(s)
	require.Equal(t, object{"enabled": true, "signInText": "Acme", "iconUrl": "https://acme.example/i.png"}, methods["oidc"])

	p.SignsIn(claimsOf("1", "ada"), nil)
	b := newBrowser(t, s)
	in := b.signIn(oidcCallback + queryOf(url.Values{"redirect": {"https://evil.example/workspaces?filter=a b"}}))
	require.Equal(t, http.StatusTemporaryRedirect, in.Status, "%s", in.Body)
	require.Equal(t, "/workspaces?filter=a%20b", in.Header.Get("Location"), "5.2: the host is stripped")
	require.Contains(t, strings.Join(in.Header.Values("Set-Cookie"), "\n"), "Max-Age=31536000")
	require.Equal(t, []string{"coder_session_token"}, keys(b.cookies), "an attempt leaves nothing behind")

	first := b.session()
	me := first.Do(http.MethodGet, "/api/v2/users/me", nil, nil).Map(s)
	require.Equal(t, []any{object{"name": "owner", "display_name": "Owner"}}, me["roles"], "5.2: the first user becomes owner, though sign-ups are off")
	require.Equal(t, []any{"ada", "ada@example.com", "Name of ada", "https://example.com/ada.png", "active", "oidc"},
		[]any{me["username"], me["email"], me["name"], me["avatar_url"], me["status"], me["login_type"]})
	require.Equal(t, []any{s.Commands.DefaultOrganization()}, me["organization_ids"])
	require.Equal(t, http.StatusOK, s.Do(http.MethodGet, "/api/v2/users/first", nil, nil).Status)

	again := newBrowser(t, s)
	changed := claimsOf("1", "ada")
	changed["preferred_username"], changed["email"], changed["name"] = "countess", "lovelace@example.com", "Countess"
	p.SignsIn(changed, nil)
	second := again.enters(oidcCallback)
	require.Equal(t, first.ID, second.ID, "5.2: by linked id")
	me = second.Do(http.MethodGet, "/api/v2/users/me", nil, nil).Map(s)
	require.Equal(t, []any{"ada", "lovelace@example.com", "Countess"}, []any{me["username"], me["email"], me["name"]}, "never the username")
	require.Equal(t, http.StatusOK, first.Do(http.MethodGet, "/api/v2/users/me", nil, nil).Status, "both sessions live")

	p.SignsIn(claimsOf("2", "eve"), nil)
	status, text := newBrowser(t, s).refusal(oidcCallback)
	require.Equal(t, http.StatusForbidden, status)
	require.Equal(t, "Signups are disabled", text)
}

func keys(m map[string]string) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	return out
}

func TestOIDC_SignUp(t *testing.T) {
	t.Parallel()
	s, p := oidcSystem(t, nil)
	owner := s.FirstUser()
	p.SignsIn(claimsOf("1", "owner"), nil)
	status, text := newBrowser(t, s).refusal(oidcCallback)
	require.Equal(t, http.StatusForbidden, status)
	require.Equal(t, `Incorrect login type, attempting to use "oidc" but user is of login type "password"`, text)

	taken := claimsOf("2", "owner")
	taken["email"] = "other@example.com"
	p.SignsIn(taken, nil)
	other := newBrowser(t, s).enters(oidcCallback)
	require.Regexp(t, `^owner-[a-zA-Z0-9-]+$`, other.Username, "a taken name gets another ending")

	odd := claimsOf("3", "grace")
	odd["preferred_username"] = "grace hopper!@navy.mil"
	p.SignsIn(odd, nil)
	require.Equal(t, "gracehopper", newBrowser(t, s).enters(oidcCallback).Username)

	nameless := claimsOf("4", "mary")
	delete(nameless, "preferred_username")
	p.SignsIn(nameless, nil)
	mary := newBrowser(t, s).enters(oidcCallback)
	require.Equal(t, "mary", mary.Username)
	require.Empty(t, mary.Do(http.MethodGet, "/api/v2/users/me", nil, nil).Map(s)["roles"])

	linked := owner.Do(http.MethodPost, "/api/v2/users", nil, object{
		"email": "Joan@example.com", "username": "joan", "login_type": "oidc", "organization_ids": []string{s.Commands.DefaultOrganization()},
	})
	require.Equal(t, http.StatusCreated, linked.Status, "%s", linked.Body)
	p.SignsIn(claimsOf("5", "joan"), nil)
	joan := newBrowser(t, s).enters(oidcCallback)
	require.Equal(t, linked.Map(s)["id"], joan.ID, "5.2: then by e-mail")
	require.Equal(t, "active", joan.Do(http.MethodGet, "/api/v2/users/me", nil, nil).Map(s)["status"], "the dormant wake")
	p.SignsIn(claimsOf("6", "joan"), nil)
	status, _ = newBrowser(t, s).refusal(oidcCallback)
	require.Equal(t, http.StatusForbidden, status, "an address given to somebody else opens no account")

	require.Equal(t, http.StatusOK, owner.Do(http.MethodPut, "/api/v2/users/joan/status/suspend", nil, nil).Status)
	p.SignsIn(claimsOf("5", "joan"), nil)
	status, text = newBrowser(t, s).refusal(oidcCallback)
	require.Equal(t, http.StatusUnauthorized, status)
	require.Equal(t, "Your account is suspended. Contact an admin to reactivate your account.", text)
}

func TestOIDC_Refusals(t *testing.T) {
	t.Parallel()
	s, p := oidcSystem(t, func(c *signin.OIDCConfig) { c.EmailDomains = []string{"example.com", "acme.example"} })
	s.FirstUser()
	without := func(name string) signintest.Claims {
		c := claimsOf("1", "ada")
		delete(c, name)
		return c
	}
	with := func(name string, value any) signintest.Claims {
		c := claimsOf("1", "ada")
		c[name] = value
		return c
	}
	const verify = "Failed to verify OIDC token."
	for _, c := range []struct {
		line   string
		who    signintest.Claims
		faults signintest.Faults
		status int
		text   string
	}{
		{"5.1 #2 provider error", nil, signintest.Faults{Deny: "access_denied"}, 400, "Encountered error in oidc process: access_denied"},
		{"5.1 #5 expired code", nil, signintest.Faults{CodesEnd: true}, 400, "Internal error exchanging Oauth code."},
		{"5.2 no id token", nil, signintest.Faults{NoIDToken: true}, 400, "id_token not found in response payload. Ensure your OIDC callback is configured correctly!"},
		{"5.2 wrong nonce", nil, signintest.Faults{Nonce: "another"}, 400, verify},
		{"5.2 wrong audience", nil, signintest.Faults{Audience: "another"}, 400, verify},
		{"5.2 wrong issuer", nil, signintest.Faults{Issuer: "https://evil.example"}, 400, verify},
		{"5.2 foreign key", nil, signintest.Faults{ForeignKey: true}, 400, verify},
		{"5.2 expired token", nil, signintest.Faults{Expired: true}, 400, verify},
		{"5.2 user info of another", nil, signintest.Faults{OtherUserInfo: "eve"}, 400, verify},
		{"5.2 no subject", with("sub", ""), signintest.Faults{}, 400, "The provider did not say who signed in."},
		{"5.2 no e-mail", without("email"), signintest.Faults{}, 400, "No email found in OIDC payload!"},
		{"5.2 not verified", with("email_verified", false), signintest.Faults{}, 403, `Verify the "ada@example.com" email address on your OIDC provider to authenticate!`},
		{"5.2 wrong domain", with("email", "ada@evil.example"), signintest.Faults{}, 403, `Your email "ada@evil.example" is not in domains ["example.com" "acme.example"]!`},
	} {
		who := c.who
		if who == nil {
			who = claimsOf("1", "ada")
		}
		p.SignsIn(who, nil)
		p.Fail(c.faults)
		status, text := newBrowser(t, s).refusal(oidcCallback)
		require.Equal(t, c.status, status, c.line)
		require.Equal(t, c.text, text, c.line)
	}
	p.Fail(signintest.Faults{Deny: "access_denied"})
	said := newBrowser(t, s).signIn(oidcCallback)
	require.Equal(t, "the person said no", said.Map(s)["detail"])

	p.Fail(signintest.Faults{})
	p.SignsIn(claimsOf("1", "ada"), nil)
	b := newBrowser(t, s)
	back := b.start(oidcCallback)
	p.Fail(signintest.Faults{Down: true})
	down := b.get(back)
	require.Equal(t, http.StatusInternalServerError, down.Status, "5.1 #5 exchange fails")
	require.Equal(t, "Internal error exchanging Oauth code.", message(t, s, down))
	p.Fail(signintest.Faults{})
	p.Rotate()
	b.enters(oidcCallback)
	p.Rotate()
	newBrowser(t, s).enters(oidcCallback)
}

func TestOIDC_StateAndReplay(t *testing.T) {
	t.Parallel()
	s, p := oidcSystem(t, nil)
	p.SignsIn(claimsOf("1", "ada"), nil)
	b := newBrowser(t, s)
	begun := b.get(oidcCallback)
	location, err := url.Parse(begun.Header.Get("Location"))
	require.NoError(t, err)
	q := location.Query()
	require.Equal(t, b.cookies["oauth_state"], q.Get("state"))
	require.Len(t, q.Get("state"), 32)
	require.Equal(t, "S256", q.Get("code_challenge_method"))
	require.Equal(t, "offline", q.Get("access_type"))
	require.Equal(t, s.URL+oidcCallback, q.Get("redirect_uri"))
	_, set := b.cookies["oauth_redirect"]
	require.True(t, set, "5.1 #3: always set, even empty")

	back, err := url.Parse(b.provider(location.String()))
	require.NoError(t, err)
	code, state := back.Query().Get("code"), back.Query().Get("state")
	for line, c := range map[string]struct {
		query  url.Values
		cookie string
		status int
		text   string
	}{
		"5.1 #4 no state":  {url.Values{"code": {code}}, state, 400, "State must be provided."},
		"5.1 #4 no cookie": {url.Values{"code": {code}, "state": {state}}, "", 401, `Cookie "oauth_state" must be provided.`},
		"5.1 #4 differs":   {url.Values{"code": {code}, "state": {state}}, "another", 401, "State mismatched."},
		"5.1 #2 error":     {url.Values{"error": {"x"}, "error_uri": {"https://e.example"}, "code": {code}}, state, 400, "Encountered error in oidc process: x"},
		"5.1 #2 rubbish":   {url.Values{"error": {"a\x00\xff" + strings.Repeat("y", 5000)}}, state, 400, "Encountered error in oidc process: a" + strings.Repeat("y", 297)},
		"RFC 9207":         {url.Values{"code": {code}, "state": {state}, "iss": {"https://evil.example"}}, state, 401, "State mismatched."},
	} {
		headers := map[string]string{}
		if c.cookie != "" {
			headers["Cookie"] = "oauth_state=" + c.cookie + "; oauth_pkce_verifier=" + b.cookies["oauth_pkce_verifier"]
		}
		a := s.Do(http.MethodGet, oidcCallback+queryOf(c.query), headers, nil)
		require.Equal(t, c.status, a.Status, line)
		require.Equal(t, c.text, message(t, s, a), line)
		require.Empty(t, a.Map(s)["session_token"])
	}

	stolen := s.Do(http.MethodGet, back.String(), map[string]string{"Cookie": "oauth_state=" + state}, nil)
	require.Equal(t, http.StatusBadRequest, stolen.Status, "a code without its verifier is worthless")
	replayed := b.header()
	back2 := b.start(oidcCallback)
	require.NotEqual(t, replayed, b.header())
	held := b.header()
	in := b.get(back2)
	require.Equal(t, http.StatusTemporaryRedirect, in.Status, "%s", in.Body)
	again := b.get(back2)
	require.Equal(t, http.StatusUnauthorized, again.Status, "the attempt is over")
	require.Equal(t, `Cookie "oauth_state" must be provided.`, message(t, s, again))
	whole := s.Do(http.MethodGet, back2, held, nil)
	require.Equal(t, http.StatusBadRequest, whole.Status, "a replay of the whole request: the code is used up")
	require.Equal(t, "invalid_grant", whole.Map(s)["detail"])
}

func TestOIDC_WhereItLeads(t *testing.T) {
	t.Parallel()
	s, p := oidcSystem(t, nil)
	p.SignsIn(claimsOf("1", "ada"), nil)
	for wanted, got := range map[string]string{
		"": "/", "/": "/", "/a/b?c=d&e=f#g": "/a/b?c=d&e=f", "//evil.example/x": "/x", "////evil.example/x": "/evil.example/x",
		`/\evil.example`: "/%5Cevil.example", "javascript:alert(1)": "/", "https://evil.example": "/", "x": "/x", "/a;b,c\"d": "/a%3Bb%2Cc%22d",
		"/\x00": "/", "/%0d%0aSet-Cookie:x": "/%0d%0aSet-Cookie:x", "/" + strings.Repeat("x", 3000): "/",
	} {
		b := newBrowser(t, s)
		a := b.signIn(oidcCallback + queryOf(url.Values{"redirect": {wanted}}))
		require.Equal(t, http.StatusTemporaryRedirect, a.Status, wanted)
		require.Equal(t, got, a.Header.Get("Location"), "%.80q", wanted)
	}
	b := newBrowser(t, s)
	back := b.start(oidcCallback)
	b.cookies["oauth_redirect"] = "https://evil.example//x"
	require.Equal(t, "/x", b.get(back).Header.Get("Location"), "the cookie is not believed")
}

func TestOIDC_NotConfigured(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	for _, path := range []string{oidcCallback, gitHubCallback} {
		a := s.Do(http.MethodGet, path, nil, nil)
		require.Equal(t, http.StatusBadRequest, a.Status)
		require.Equal(t, "The oauth2 method requested is not configured!", message(t, s, a))
		require.Equal(t, http.StatusMethodNotAllowed, s.Do(http.MethodPost, path, nil, nil).Status)
		require.Equal(t, http.StatusNotFound, s.Do(http.MethodGet, path+"/", nil, nil).Status)
	}
	device := s.Do(http.MethodGet, "/api/v2/users/oauth2/github/device", nil, nil)
	require.Equal(t, http.StatusBadRequest, device.Status)
	require.Equal(t, "Github OAuth2 is not enabled.", message(t, s, device))
}

func TestOIDC_ProviderIsDownAtStart(t *testing.T) {
	t.Parallel()
	s, p := oidcSystem(t, nil)
	p.Fail(signintest.Faults{Down: true})
	s.FirstUser()
	a := s.Do(http.MethodGet, oidcCallback, nil, nil)
	require.Equal(t, http.StatusServiceUnavailable, a.Status)
	require.Equal(t, "OpenID Connect can not be reached. Please try again.", message(t, s, a))
	require.Empty(t, a.Header.Values("Set-Cookie"))
}

func TestOIDC_Claims(t *testing.T) {
	t.Parallel()
	s, p := oidcSystem(t, nil)
	owner := s.FirstUser()
	a := owner.Do(http.MethodGet, oidcClaims, nil, nil)
	require.Equal(t, http.StatusBadRequest, a.Status)
	require.Equal(t, "User is not an OIDC user.", message(t, s, a))
	require.Equal(t, http.StatusUnauthorized, s.Do(http.MethodGet, oidcClaims, nil, nil).Status)

	info := claimsOf("1", "ada")
	info["groups"], info["name"] = []string{"dev", "ops"}, "Ada King"
	p.SignsIn(claimsOf("1", "ada"), info)
	ada := newBrowser(t, s).enters(oidcCallback)
	claims := ada.Do(http.MethodGet, oidcClaims, nil, nil).Map(s)["claims"].(object)
	require.Equal(t, []any{"dev", "ops"}, claims["groups"])
	require.Equal(t, "Ada King", claims["name"], "the user info is over the id token")
	require.Equal(t, p.URL, claims["iss"])

	p.SignsIn(claimsOf("1", "ada"), nil)
	newBrowser(t, s).enters(oidcCallback)
	claims = ada.Do(http.MethodGet, oidcClaims, nil, nil).Map(s)["claims"].(object)
	require.NotContains(t, claims, "groups", "those of the last sign-in")

	records, err := s.Log.Read(t.Context(), events.Aggregate{Kind: events.User, ID: ada.ID}, 0)
	require.NoError(t, err)
	answered := 0
	for _, r := range records {
		if p, ok := r.Payload.(*events.UserProviderAnswered); ok {
			answered++
			require.Equal(t, "oidc", p.Provider)
		}
	}
	require.Equal(t, 2, answered, "what was said is in the user's history")

	made := owner.Do(http.MethodPost, "/api/v2/users", nil, object{
		"email": "joan@example.com", "username": "joan", "login_type": "oidc", "organization_ids": []string{s.Commands.DefaultOrganization()},
	})
	require.Equal(t, http.StatusCreated, made.Status, "%s", made.Body)
	key := owner.Do(http.MethodPost, "/api/v2/users/joan/keys", nil, nil)
	require.Equal(t, http.StatusCreated, key.Status, "%s", key.Body)
	joan := &apitest.Session{System: s, Token: key.Map(s)["key"].(string)}
	missing := joan.Do(http.MethodGet, oidcClaims, nil, nil)
	require.Equal(t, http.StatusInternalServerError, missing.Status)
	require.Equal(t, "Failed to get user link.", message(t, s, missing))
}

func TestOIDC_LoginsAreLimited(t *testing.T) {
	t.Parallel()
	s, _ := oidcSystem(t, nil, apitest.WithRateLimits())
	for range 60 {
		require.Equal(t, http.StatusTemporaryRedirect, s.Do(http.MethodGet, oidcCallback, nil, nil).Status)
	}
	a := s.Do(http.MethodGet, oidcCallback, nil, nil)
	require.Equal(t, http.StatusTooManyRequests, a.Status)
	require.True(t, strings.HasPrefix(message(t, s, a), "You've been rate limited for sending"))
}
