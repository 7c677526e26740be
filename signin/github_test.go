package signin_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/signin"
	"github.com/rosterhq/roster/signin/signintest"
)

func gitHubOf(g *signintest.GitHub, change func(*signin.GitHubConfig)) *signin.GitHub {
	c := signin.GitHubConfig{ClientID: g.ClientID, ClientSecret: g.ClientSecret, AllowedOrgs: []string{"Acme"}, BaseURL: g.URL + "/"}
	if change != nil {
		change(&c)
	}
	return signin.NewGitHub(c)
}

func octocat() signintest.Account {
	return signintest.Account{
		ID: 583231, Login: "octo_cat", Name: "The Octocat", AvatarURL: "https://avatars.example/u/583231",
		Emails: []signintest.Address{
			{Email: "old@example.com", Verified: true}, {Email: "octocat@example.com", Primary: true, Verified: true},
		},
		Orgs: map[string]string{"acme": "active"},
	}
}

func TestAnAccountAtGitHub(t *testing.T) {
	t.Parallel()
	g := signintest.NewGitHub(t)
	g.SignsIn(octocat())
	got, err := signIn(t, gitHubOf(g, nil))
	require.NoError(t, err)
	require.Equal(t, events.Identity{Provider: "github", Subject: "583231"}, got.Identity)
	require.Equal(t, []string{"octocat@example.com", "octo-cat", "The Octocat"}, []string{got.Email, got.Username, got.Name})
	require.Zero(t, got.Token.ExpiresAt)
	g.TokensExpire()
	got, err = signIn(t, gitHubOf(g, nil))
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(8*time.Hour), got.Token.ExpiresAt, time.Minute)
	renewed, err := gitHubOf(g, nil).Renew(t.Context(), got.Token.Refresh)
	require.NoError(t, err)
	require.NotEqual(t, got.Token.Refresh, renewed.Refresh)
	_, err = gitHubOf(g, nil).Renew(t.Context(), got.Token.Refresh)
	require.Equal(t, signin.Refused, reason(t, err))
}

func TestWhoMayNotSignInByGitHub(t *testing.T) {
	t.Parallel()
	many := map[string]string{}
	for i := range 250 {
		many[fmt.Sprintf("org-%03d", i)] = "active"
	}
	for name, c := range map[string]struct {
		account func(*signintest.Account)
		change  func(*signin.GitHubConfig)
		want    signin.Reason
	}{
		"member":            {},
		"no member":         {account: func(a *signintest.Account) { a.Orgs = nil }, want: signin.NotMember},
		"invited":           {account: func(a *signintest.Account) { a.Orgs = map[string]string{"acme": "pending"} }, want: signin.NotMember},
		"on the third page": {account: func(a *signintest.Account) { a.Orgs = many }, change: func(c *signin.GitHubConfig) { c.AllowedOrgs = []string{"ORG-249"} }},
		"everyone":          {account: func(a *signintest.Account) { a.Orgs = nil }, change: func(c *signin.GitHubConfig) { c.AllowedOrgs = nil }},
		"no address":        {account: func(a *signintest.Account) { a.Emails = nil }, want: signin.PrimaryEmail},
		"address not verified": {
			account: func(a *signintest.Account) { a.Emails[1].Verified = false }, want: signin.PrimaryEmail,
		},
		"nobody":       {account: func(a *signintest.Account) { a.ID = 0 }, want: signin.NoSubject},
		"wrong secret": {change: func(c *signin.GitHubConfig) { c.ClientSecret = "wrong-secret" }, want: signin.Refused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := signintest.NewGitHub(t)
			a := octocat()
			if c.account != nil {
				c.account(&a)
			}
			g.SignsIn(a)
			_, err := signIn(t, gitHubOf(g, c.change))
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.Equal(t, c.want, reason(t, err), "%v", err)
			require.NotContains(t, err.Error(), "gho-")
			require.NotContains(t, err.Error(), "wrong-secret")
		})
	}
}

func TestGitHubIsDown(t *testing.T) {
	t.Parallel()
	g := signintest.NewGitHub(t)
	g.SignsIn(octocat())
	g.Down(true)
	_, err := signIn(t, gitHubOf(g, nil))
	require.Equal(t, signin.Unreachable, reason(t, err))
	_, err = gitHubOf(g, func(c *signin.GitHubConfig) { c.DeviceFlow = true }).BeginDevice(t.Context())
	require.Equal(t, signin.Unreachable, reason(t, err))
}

func TestTheDeviceFlow(t *testing.T) {
	t.Parallel()
	g := signintest.NewGitHub(t)
	off := gitHubOf(g, nil)
	_, err := off.BeginDevice(t.Context())
	require.Equal(t, signin.NoDeviceFlow, reason(t, err))
	_, err = off.FinishDevice(t.Context(), "x")
	require.Equal(t, signin.NoDeviceFlow, reason(t, err))

	on := gitHubOf(g, func(c *signin.GitHubConfig) { c.DeviceFlow, c.ClientSecret = true, "" })
	d, err := on.BeginDevice(t.Context())
	require.NoError(t, err)
	require.Equal(t, []int64{899, 5}, []int64{d.ExpiresIn, d.Interval})
	for _, word := range []string{"authorization_pending", "slow_down"} {
		g.Decide(d.UserCode, word)
		_, err = on.FinishDevice(t.Context(), d.DeviceCode)
		e, _ := signin.AsError(err)
		require.Equal(t, signin.Pending, e.Reason)
		require.Equal(t, word, e.Code)
	}
	for _, word := range []string{"expired_token", "access_denied", "device_flow_disabled"} {
		g.Decide(d.UserCode, word)
		_, err = on.FinishDevice(t.Context(), d.DeviceCode)
		e, _ := signin.AsError(err)
		require.Equal(t, signin.Refused, e.Reason)
		require.Equal(t, word, e.Code)
	}
	g.Approve(d.UserCode, octocat())
	got, err := on.FinishDevice(t.Context(), d.DeviceCode)
	require.NoError(t, err)
	require.Equal(t, "583231", got.Identity.Subject)
	_, err = on.FinishDevice(t.Context(), d.DeviceCode)
	require.Equal(t, signin.Refused, reason(t, err))
	require.NotContains(t, err.Error(), d.DeviceCode)
}

func TestProvidersByLoginType(t *testing.T) {
	t.Parallel()
	p := signin.Providers{GitHub: signin.NewGitHub(signin.GitHubConfig{ClientID: "x"})}
	found, ok := p.Of(events.LoginGitHub)
	require.True(t, ok)
	require.Equal(t, events.LoginGitHub, found.LoginType())
	require.False(t, found.SignUps())
	address, err := found.AuthorizeURL(t.Context(), attempt())
	require.NoError(t, err)
	require.Contains(t, address, "https://github.com/login/oauth/authorize?")
	for _, kind := range []events.LoginType{events.LoginOIDC, events.LoginPassword, ""} {
		_, ok = p.Of(kind)
		require.False(t, ok, kind)
	}
	o := signin.NewOIDC(signin.OIDCConfig{SignInText: "Acme", IconURL: "https://a/b.png", AllowSignUps: true})
	require.Equal(t, []string{"Acme", "https://a/b.png"}, []string{o.SignInText(), o.IconURL()})
	require.True(t, o.SignUps())
}
