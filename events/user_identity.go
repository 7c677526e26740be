package events

import (
	"encoding/json"
	"time"
)

// UserIdentityLinked ties a user to an account at a provider of identities. It
// travels with the identity's claim.
type UserIdentityLinked struct {
	Sealed[Identity]
}

// EventType implements Payload.
func (*UserIdentityLinked) EventType() Type { return "roster.user.identity-linked.v1" }

// UserProviderAnswered keeps what a provider said at a sign-in, and the tokens by
// which it can be asked again.
type UserProviderAnswered struct {
	Sealed[UserProviderPrivate]
	Provider string `json:"provider"` // which provider
	// TokenExpiresAt is when the provider's access token ends; zero: never.
	TokenExpiresAt time.Time `json:"tokenExpiresAt,omitzero"`
}

// UserProviderPrivate is the sealed part of UserProviderAnswered.
type UserProviderPrivate struct {
	Claims       json.RawMessage `json:"claims,omitempty"`                     // an object: those of the id token and of the user info
	AccessToken  string          `json:"accessToken,omitempty" secret:"true"`  // by which the provider can be asked
	RefreshToken string          `json:"refreshToken,omitempty" secret:"true"` // by which a new access token is got
}

// EventType implements Payload.
func (*UserProviderAnswered) EventType() Type { return "roster.user.provider-answered.v1" }

// UserLoginTypeChanged makes another way the one by which a user signs in. Away
// from password, it ends the password.
type UserLoginTypeChanged struct {
	LoginType LoginType `json:"loginType"` // the way from now on
}

// EventType implements Payload.
func (*UserLoginTypeChanged) EventType() Type { return "roster.user.login-type-changed.v1" }

// UserPasscodeRequested makes a one-time passcode, which stands in for the old
// password once. A new one, or any new password, ends it.
type UserPasscodeRequested struct {
	Sealed[UserPasscodePrivate]
	ExpiresAt time.Time `json:"expiresAt"` // until when the passcode can be used
}

// UserPasscodePrivate is the sealed part of UserPasscodeRequested.
type UserPasscodePrivate struct {
	Hash []byte `json:"hash" secret:"true"` // SHA-256 of the passcode, which is random and long
}

// EventType implements Payload.
func (*UserPasscodeRequested) EventType() Type { return "roster.user.passcode-requested.v1" }

func registerIdentities(c *Catalogue) {
	Register[UserIdentityLinked](c, Roster, "A user was tied to an account at a provider of identities.")
	Register[UserProviderAnswered](c, Roster, "A provider of identities told about a user at a sign-in.")
	Register[UserLoginTypeChanged](c, Roster, "A user signs in another way from now on.")
	Register[UserPasscodeRequested](c, Roster, "A one-time passcode was made for a user who lost the password.")
}
