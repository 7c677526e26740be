package coder_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/signin"
	"github.com/rosterhq/roster/signin/signintest"
)

const gitHubDevice = "/api/v2/users/oauth2/github/device"

func gitHubSystem(t *testing.T, change func(*signin.GitHubConfig)) (*apitest.System, *signintest.GitHub) {
	t.Helper()
	g := signintest.NewGitHub(t)
	c := signin.GitHubConfig{ClientID: g.ClientID, ClientSecret: g.ClientSecret, AllowedOrgs: []string{"acme"}, AllowSignUps: true, BaseURL: g.URL}
	if change != nil {
		change(&c)
	}
	return apitest.New(t, apitest.WithSignIn(signin.Providers{GitHub: signin.NewGitHub(c)})), g
}

func octocat() signintest.Account {
	return signintest.Account{
		ID: 583231, Login: "octo_cat", Name: "The Octocat", AvatarURL: "https://avatars.example/u/583231",
		Emails: []signintest.Address{{Email: "octocat@example.com", Primary: true, Verified: true}}, Orgs: map[string]string{"acme": "active"},
	}
}

func TestGitHub_TheWayIn(t *testing.T) {
	t.Parallel()
	s, g := gitHubSystem(t, nil)
	methods := s.Do(http.MethodGet, "/api/v2/users/authmethods", nil, nil).Map(s)
	require.Equal(t, object{"enabled": true, "default_provider_configured": false}, methods["github"])
	owner := s.FirstUser()
	g.SignsIn(octocat())
	cat := newBrowser(t, s).enters(gitHubCallback + "?redirect=/workspaces")
	me := cat.Do(http.MethodGet, "/api/v2/users/me", nil, nil).Map(s)
	require.Equal(t, []any{"octo-cat", "octocat@example.com", "The Octocat", "github", "active"},
		[]any{me["username"], me["email"], me["name"], me["login_type"], me["status"]})
	found := owner.Do(http.MethodGet, "/api/v2/users?q=github_com_user_id:583231", nil, nil).Map(s)
	require.EqualValues(t, 1, found["count"])

	moved := octocat()
	moved.Login, moved.Emails[0].Email = "renamed", "cat@example.com"
	g.SignsIn(moved)
	require.Equal(t, cat.ID, newBrowser(t, s).enters(gitHubCallback).ID)
	require.Equal(t, "cat@example.com", cat.Do(http.MethodGet, "/api/v2/users/me", nil, nil).Map(s)["email"])

	stranger := octocat()
	stranger.ID, stranger.Orgs = 2, map[string]string{"acme": "pending"}
	g.SignsIn(stranger)
	out := newBrowser(t, s).signIn(gitHubCallback + "?redirect=/x")
	require.Equal(t, http.StatusUnauthorized, out.Status)
	require.Equal(t, "You aren't a member of the authorized Github organizations!", message(t, s, out))
	require.True(t, strings.HasPrefix(out.Header.Get("Location"), "/login?message="), out.Header.Get("Location"))

	hidden := octocat()
	hidden.ID, hidden.Emails[0].Verified = 3, false
	g.SignsIn(hidden)
	status, text := newBrowser(t, s).refusal(gitHubCallback)
	require.Equal(t, http.StatusBadRequest, status)
	require.Equal(t, "Your primary email must be verified on GitHub!", text)

	g.SignsIn(octocat())
	b := newBrowser(t, s)
	back := b.start(gitHubCallback)
	g.Down(true)
	down := b.get(back)
	require.Equal(t, http.StatusInternalServerError, down.Status)
	require.Equal(t, "Internal error exchanging Oauth code.", message(t, s, down))
	device := s.Do(http.MethodGet, gitHubDevice, nil, nil)
	require.Equal(t, http.StatusBadRequest, device.Status)
	require.Equal(t, "Device flow is not enabled for Github OAuth2.", message(t, s, device))
}

func TestGitHub_SignUpsAreDisabled(t *testing.T) {
	t.Parallel()
	s, g := gitHubSystem(t, func(c *signin.GitHubConfig) { c.AllowSignUps = false })
	g.SignsIn(octocat())
	first := newBrowser(t, s).enters(gitHubCallback)
	require.Equal(t, []any{object{"name": "owner", "display_name": "Owner"}}, first.Do(http.MethodGet, "/api/v2/users/me", nil, nil).Map(s)["roles"])
	other := octocat()
	other.ID, other.Login, other.Emails = 7, "other", []signintest.Address{{Email: "other@example.com", Primary: true, Verified: true}}
	g.SignsIn(other)
	status, text := newBrowser(t, s).refusal(gitHubCallback)
	require.Equal(t, http.StatusForbidden, status)
	require.Equal(t, "Signups are disabled", text)
}

func TestGitHub_DeviceFlow(t *testing.T) {
	t.Parallel()
	s, g := gitHubSystem(t, func(c *signin.GitHubConfig) { c.DeviceFlow = true })
	b := newBrowser(t, s)
	begun := b.get(gitHubCallback + "?redirect=/workspaces")
	require.Equal(t, http.StatusTemporaryRedirect, begun.Status)
	page, err := url.Parse(begun.Header.Get("Location"))
	require.NoError(t, err)
	require.Equal(t, "/login/device", page.Path)
	state := page.Query().Get("state")

	device := b.get(gitHubDevice)
	require.Equal(t, http.StatusOK, device.Status, "%s", device.Body)
	d := device.Map(s)
	require.EqualValues(t, 5, d["interval"])
	require.EqualValues(t, 899, d["expires_in"])
	poll := gitHubCallback + queryOf(url.Values{"code": {d["device_code"].(string)}, "state": {state}})
	user := d["user_code"].(string)
	for _, word := range []string{"authorization_pending", "slow_down", "access_denied", "expired_token"} {
		g.Decide(user, word)
		a := b.get(poll)
		require.Equal(t, http.StatusBadRequest, a.Status)
		require.Equal(t, "Internal error exchanging Oauth code.", message(t, s, a))
		require.Equal(t, word, a.Map(s)["detail"], "clients compare this word")
	}
	stranger := s.Do(http.MethodGet, poll, nil, nil)
	require.Equal(t, http.StatusUnauthorized, stranger.Status, "a device code alone opens nothing")

	g.Approve(user, octocat())
	in := b.get(poll)
	require.Equal(t, http.StatusOK, in.Status, "%s", in.Body)
	require.Equal(t, "/workspaces", in.Map(s)["redirect_url"])
	require.Equal(t, "octo-cat", b.session().Username)
	require.Equal(t, http.StatusUnauthorized, b.get(poll).Status, "the attempt is over")

	g.Down(true)
	broken := s.Do(http.MethodGet, gitHubDevice, nil, nil)
	require.Equal(t, http.StatusInternalServerError, broken.Status)
	require.Equal(t, "Failed to authorize device.", message(t, s, broken))
}
