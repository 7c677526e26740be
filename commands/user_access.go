package commands

import (
	"slices"
	"time"

	"github.com/rosterhq/roster/events"
)

// The commands on how a user comes in, beside sign-ins and keys.
type (
	confirmUser    struct{}
	refreshSession struct {
		keyID      string
		generation int64
		lifetime   time.Duration
	}
	setReadableKey struct{ key string }
)

func (confirmUser) actions(facts) []Action    { return []Action{ChangeStatus} }
func (refreshSession) actions(facts) []Action { return nil } // the token is the right
func (setReadableKey) actions(facts) []Action { return []Action{CreateKeys} }

func (confirmUser) claims(User) []events.Claim    { return nil }
func (refreshSession) claims(User) []events.Claim { return nil }

func (c setReadableKey) claims(u User) []events.Claim {
	return append(readableKeyOf(u), readableKeyClaim(c.key))
}

// readableKeyOf is the claim of the readable key that a user has, if any.
func readableKeyOf(u User) []events.Claim {
	if u.ReadableKey == "" {
		return nil
	}
	return []events.Claim{readableKeyClaim(u.ReadableKey)}
}

func readableKeyClaim(key string) events.Claim {
	return events.Claim{Kind: claimReadableKey, Value: key}
}

func decideConfirm(u User) (decision, *Error) {
	if u.Confirmed {
		return decision{}, nil
	}
	return decided(&events.UserConfirmed{})
}

// decideRefresh prolongs a session. Whoever shows the token of an older generation
// ends the session: that token, or the one after it, is in wrong hands.
func decideRefresh(u User, c refreshSession, f facts) (decision, *Error) {
	k, ok := u.Keys[c.keyID]
	switch {
	case !ok || k.LoginType == events.LoginToken || !k.ExpiresAt.After(f.now) || k.Epoch < u.Epoch || !u.Confirmed:
		return decision{}, errCredentials()
	case u.Status == events.StatusSuspended:
		return decision{}, unauthenticated("suspended", "this account is suspended")
	case c.generation > k.Generation:
		return decision{}, errCredentials()
	case c.generation < k.Generation:
		return decided(&events.UserSessionClosed{KeyID: k.ID})
	}
	return decision{
		events: []events.Payload{&events.UserSessionRefreshed{
			KeyID: k.ID, Generation: k.Generation + 1, ExpiresAt: f.now.Add(c.lifetime),
		}},
		key: k,
	}, nil
}

// decideReadableKey: the key opens everything, so that no limited one may make it.
func decideReadableKey(u User, c setReadableKey, f facts) (decision, *Error) {
	if f.actor.UserID != SystemActor && (!slices.Contains(f.actor.Scopes, ScopeAll) || len(f.actor.AllowList) > 0) {
		return decision{}, errWiderScope()
	}
	claims := []events.ClaimChange{f.take(readableKeyClaim(c.key), u.ID)}
	for _, claim := range readableKeyOf(u) {
		claims = append(claims, f.release(claim, u.ID)...)
	}
	return decision{
		events: []events.Payload{&events.UserReadableKeySet{Sealed: events.Seal(events.UserReadableKeyPrivate{Key: c.key})}},
		claims: claims,
	}, nil
}

// applyAccess folds the events of this file.
func applyAccess(u User, e events.Recorded) User {
	switch p := e.Payload.(type) {
	case *events.UserConfirmed:
		u.Confirmed, u.UpdatedAt = true, e.Time
	case *events.UserSessionRefreshed:
		k, ok := u.Keys[p.KeyID]
		if !ok {
			return u
		}
		k.Generation, k.ExpiresAt, k.UpdatedAt, k.Lifetime = p.Generation, p.ExpiresAt, e.Time, p.ExpiresAt.Sub(e.Time)
		return withKey(u, k)
	case *events.UserReadableKeySet:
		u.ReadableKey = p.Private.Key
	}
	return u
}
