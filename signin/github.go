package signin

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/rosterhq/roster/events"
)

// GitHubConfig is what an operator says of GitHub.
type GitHubConfig struct {
	ClientID     string
	ClientSecret string
	AllowedOrgs  []string // members of one of them may sign in; none means everybody
	AllowSignUps bool
	DeviceFlow   bool
	BaseURL      string // of an enterprise server; "" means github.com

	Clock     func() time.Time  // nil means time.Now
	Transport http.RoundTripper // nil means the usual one
}

// GitHub signs people in by their account there.
type GitHub struct {
	config GitHubConfig
	client *http.Client
	oauth  oauth2.Config
	device string // where the device flow begins
	api    string
}

var _ Provider = (*GitHub)(nil)

// NewGitHub makes the provider.
func NewGitHub(c GitHubConfig) *GitHub {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	web, api := "https://github.com", "https://api.github.com"
	if c.BaseURL != "" {
		web = strings.TrimRight(c.BaseURL, "/")
		api = web + "/api/v3"
	}
	return &GitHub{
		config: c, client: newClient(c.Transport), api: api, device: web + "/login/device/code",
		oauth: oauth2.Config{
			ClientID: c.ClientID, ClientSecret: c.ClientSecret, Scopes: []string{"read:user", "read:org", "user:email"},
			Endpoint: oauth2.Endpoint{
				AuthURL: web + "/login/oauth/authorize", TokenURL: web + "/login/oauth/access_token", AuthStyle: oauth2.AuthStyleInParams,
			},
		},
	}
}

// LoginType implements Provider.
func (g *GitHub) LoginType() events.LoginType { return events.LoginGitHub }

// SignUps implements Provider.
func (g *GitHub) SignUps() bool { return g.config.AllowSignUps }

// DeviceFlow says that people sign in with a code that they type at GitHub.
func (g *GitHub) DeviceFlow() bool { return g.config.DeviceFlow }

func (g *GitHub) at(callback string) *oauth2.Config {
	c := g.oauth
	c.RedirectURL = callback
	return &c
}

// AuthorizeURL implements Provider.
func (g *GitHub) AuthorizeURL(_ context.Context, a Attempt) (string, error) {
	return g.at(a.Callback).AuthCodeURL(a.State, a.challenge()), nil
}

// Exchange implements Provider.
func (g *GitHub) Exchange(ctx context.Context, a Attempt, code string) (Person, error) {
	token, err := g.at(a.Callback).Exchange(g.context(ctx), code, oauth2.VerifierOption(a.Verifier))
	if err != nil {
		return Person{}, failed(err, code, a.Verifier, g.config.ClientSecret)
	}
	return g.person(ctx, tokenOf(token, g.config.Clock()))
}

// Renew implements Provider.
func (g *GitHub) Renew(ctx context.Context, refreshToken string) (Token, error) {
	return renew(g.context(ctx), g.at(""), refreshToken, g.config.Clock)
}

func (g *GitHub) context(ctx context.Context) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, g.client)
}

func (g *GitHub) person(ctx context.Context, t Token) (Person, error) {
	if err := g.checkMember(ctx, t); err != nil {
		return Person{}, err
	}
	var account struct {
		ID        int64  `json:"id"`
		Login     string `json:"login"`
		Name      string `json:"name"`
		AvatarURL string `json:"avatar_url"`
	}
	if _, err := g.get(ctx, t, "/user", &account); err != nil {
		return Person{}, err
	}
	if account.ID <= 0 {
		return Person{}, &Error{Reason: NoSubject}
	}
	email, err := g.primaryEmail(ctx, t)
	if err != nil {
		return Person{}, err
	}
	return Person{
		Identity: events.Identity{Provider: string(events.LoginGitHub), Subject: strconv.FormatInt(account.ID, 10)},
		Email:    email, Username: strings.ReplaceAll(account.Login, "_", "-"), Name: nameOf(account.Name),
		Avatar: avatarOf(account.AvatarURL), Token: t,
	}, nil
}

// primaryEmail returns the primary address, which must be a verified one.
func (g *GitHub) primaryEmail(ctx context.Context, t Token) (string, error) {
	for page := 1; page <= maxPages; page++ {
		var addresses []struct {
			Email    string `json:"email"`
			Primary  bool   `json:"primary"`
			Verified bool   `json:"verified"`
		}
		more, err := g.get(ctx, t, "/user/emails?per_page=100&page="+strconv.Itoa(page), &addresses)
		if err != nil {
			return "", err
		}
		for _, a := range addresses {
			if a.Primary && a.Verified && isEmail(a.Email) {
				return a.Email, nil
			}
		}
		if !more {
			break
		}
	}
	return "", &Error{Reason: PrimaryEmail}
}

// checkMember wants an active membership in an allowed organization.
func (g *GitHub) checkMember(ctx context.Context, t Token) error {
	if len(g.config.AllowedOrgs) == 0 {
		return nil
	}
	for page := 1; page <= maxPages; page++ {
		var memberships []struct {
			State        string `json:"state"`
			Organization struct {
				Login string `json:"login"`
			} `json:"organization"`
		}
		more, err := g.get(ctx, t, "/user/memberships/orgs?state=active&per_page=100&page="+strconv.Itoa(page), &memberships)
		if err != nil {
			return err
		}
		for _, m := range memberships {
			allowed := func(org string) bool { return strings.EqualFold(org, m.Organization.Login) }
			if m.State == "active" && slices.ContainsFunc(g.config.AllowedOrgs, allowed) {
				return nil
			}
		}
		if !more {
			break
		}
	}
	return &Error{Reason: NotMember}
}
