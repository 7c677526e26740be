package events

import "time"

// UserConfirmed says that a user proved to own the e-mail address. An account that
// was made by its user is closed until then.
type UserConfirmed struct{}

// EventType implements Payload.
func (*UserConfirmed) EventType() Type { return "roster.user.confirmed.v1" }

// UserSessionRefreshed prolongs a session by a refresh token. The token of an
// older generation is worth nothing; whoever shows one has stolen it, or was
// stolen from: the session closes.
type UserSessionRefreshed struct {
	KeyID      string    `json:"keyId"`      // public id of the session
	Generation int64     `json:"generation"` // from 1; a session that was never refreshed has 0
	ExpiresAt  time.Time `json:"expiresAt"`  // when it ends now
}

// EventType implements Payload.
func (*UserSessionRefreshed) EventType() Type { return "roster.user.session-refreshed.v1" }

// UserReadableKeySet gives a user the one API key that can be read again, and ends
// the one before. It travels with the claims of both, by which a key leads to its
// user.
type UserReadableKeySet struct {
	Sealed[UserReadableKeyPrivate]
}

// UserReadableKeyPrivate is the sealed part of UserReadableKeySet.
type UserReadableKeyPrivate struct {
	Key string `json:"key" secret:"true"` // the key itself
}

// EventType implements Payload.
func (*UserReadableKeySet) EventType() Type { return "roster.user.readable-key-set.v1" }

// UserCredentialsSwept says that sessions and keys whose lives had ended long ago were
// taken off the user's lists. Nobody did it: nothing that could be used went.
type UserCredentialsSwept struct {
	KeyIDs []string `json:"keyIds"` // public ids of the sessions and keys
}

// EventType implements Payload.
func (*UserCredentialsSwept) EventType() Type { return "roster.user.credentials-swept.v1" }

func registerAccess(c *Catalogue) {
	Register[UserConfirmed](c, Roster, "A user proved to own the e-mail address.")
	Register[UserSessionRefreshed](c, Roster, "A session was prolonged by its refresh token.")
	Register[UserCredentialsSwept](c, Roster, "Sessions and keys that had ended long ago were taken off a user's lists.")
	Register[UserReadableKeySet](c, Roster, "A user got the API key that can be read again.")
}
