// Package signin asks providers of identities who somebody is: OpenID Connect
// providers and GitHub. It knows the protocols and nothing of users.
//
// What is promised:
//   - A provider that is down stops nothing but its own sign-ins: what must be
//     known of it is asked when it is first needed, and again after a failure.
//   - Every call to a provider has an end (10 s), and a limit to what is read of
//     its answer (1 MiB).
//   - Errors are *Error with a closed set of reasons. Neither they nor anything
//     else in this package shows a client secret, code or token.
//   - What a provider says is cleaned: it holds no NUL character, no number that
//     a reader can not hold, and texts fit the limits of a user's members.
package signin

import (
	"context"
	"time"

	"github.com/rosterhq/roster/events"
)

// Provider vouches for people.
type Provider interface {
	// LoginType is the way of sign-in that the provider stands for.
	LoginType() events.LoginType
	// AuthorizeURL is where a browser goes to sign in there.
	AuthorizeURL(ctx context.Context, a Attempt) (string, error)
	// Exchange turns the code that the browser brought back into a person.
	Exchange(ctx context.Context, a Attempt, code string) (Person, error)
	// Renew asks for a new access token.
	Renew(ctx context.Context, refreshToken string) (Token, error)
	// SignUps says that the provider's people may become users by signing in.
	SignUps() bool
}

// Providers are those that are configured; nil for one that is not.
type Providers struct {
	OIDC   *OIDC
	GitHub *GitHub
}

// Of returns the provider behind a way of sign-in.
func (p Providers) Of(t events.LoginType) (Provider, bool) {
	switch {
	case t == events.LoginOIDC && p.OIDC != nil:
		return p.OIDC, true
	case t == events.LoginGitHub && p.GitHub != nil:
		return p.GitHub, true
	default:
		return nil, false
	}
}

// Person is somebody as a provider knows them.
type Person struct {
	Identity events.Identity
	Email    string
	Username string // wanted; not a valid one necessarily
	Name     string
	Avatar   string
	Claims   map[string]any // what the provider said; nil where it makes no claims
	Token    Token
	// Roles are all site roles, where the provider rules them (OIDCConfig.Roles).
	Roles []events.Role
}

// Token lets a provider be asked on behalf of a person.
type Token struct {
	Access    string
	Refresh   string    // "" when the provider gave none
	ExpiresAt time.Time // of Access; zero: never
}
