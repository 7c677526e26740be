package commands

import (
	"slices"
	"time"

	"github.com/rosterhq/roster/events"
)

// The commands on API keys.
type (
	createKey struct {
		id         string
		secretHash []byte
		name       string
		scopes     []string // normalised
		lifetime   time.Duration
	}
	regenerateKey struct {
		id         string
		secretHash []byte
		lifetime   time.Duration
	}
	// expireKey and deleteKey reach keys that ended and left the state, too:
	// past says that the log knows such a one.
	expireKey struct {
		id   string
		past bool
	}
	deleteKey struct {
		id   string
		past bool
	}
)

func (createKey) actions(facts) []Action     { return []Action{CreateKeys} }
func (regenerateKey) actions(facts) []Action { return []Action{UpdateKeys} }
func (expireKey) actions(facts) []Action     { return []Action{UpdateKeys} }
func (deleteKey) actions(facts) []Action     { return []Action{DeleteKeys} }

func (createKey) claims(User) []events.Claim     { return nil }
func (regenerateKey) claims(User) []events.Claim { return nil }
func (expireKey) claims(User) []events.Claim     { return nil }
func (deleteKey) claims(User) []events.Claim     { return nil }

func errNoKey() *Error {
	return &Error{Code: NotFound, Reason: "key", Message: "there is no such key"}
}

func errWiderScope() *Error {
	return &Error{Code: Forbidden, Reason: "scope", Message: "a key can not make a key of wider scope than its own"}
}

// liveTokens are the API keys that can be used now.
func liveTokens(u User, now time.Time) []Key {
	var out []Key
	for _, k := range u.Keys {
		if k.LoginType == events.LoginToken && k.ExpiresAt.After(now) {
			out = append(out, k)
		}
	}
	return out
}

func decideCreateKey(u User, c createKey, f facts) (decision, *Error) {
	if f.actor.UserID != SystemActor && !covers(f.actor.Scopes, c.scopes) {
		return decision{}, errWiderScope()
	}
	live := liveTokens(u, f.now)
	if c.name != "" && slices.ContainsFunc(live, func(k Key) bool { return k.Name == c.name }) {
		return decision{}, &Error{
			Code: Conflict, Reason: "key-name", Message: "a key with this name exists already",
			Fields: []FieldError{{Field: "name", Rule: "taken", Detail: "this name is already in use"}},
		}
	}
	if len(live) >= maxKeys {
		return decision{}, &Error{Code: Precondition, Reason: "too-many-keys", Message: "this user has too many keys"}
	}
	return decision{
		events: []events.Payload{&events.UserKeyCreated{
			Sealed: events.Seal(events.UserKeyPrivate{SecretHash: c.secretHash, Name: c.name}),
			KeyID:  c.id, LoginType: events.LoginToken, Scopes: c.scopes, Epoch: u.Epoch,
			ExpiresAt: f.now.Add(c.lifetime), Lifetime: int64(c.lifetime / time.Second),
		}},
		key: Key{ID: c.id},
	}, nil
}

func decideRegenerateKey(u User, c regenerateKey, f facts) (decision, *Error) {
	k, ok := u.Keys[c.id]
	if !ok || k.LoginType != events.LoginToken || !k.ExpiresAt.After(f.now) {
		return decision{}, errNoKey()
	}
	if f.actor.UserID != SystemActor && !covers(f.actor.Scopes, k.Scopes) {
		return decision{}, errWiderScope()
	}
	return decision{
		events: []events.Payload{&events.UserKeyRegenerated{
			Sealed: events.Seal(events.UserKeyPrivate{SecretHash: c.secretHash, Name: k.Name}),
			KeyID:  k.ID, Epoch: u.Epoch, ExpiresAt: f.now.Add(c.lifetime),
		}},
		key: k,
	}, nil
}

func decideExpireKey(u User, c expireKey, f facts) (decision, *Error) {
	k, ok := u.Keys[c.id]
	switch {
	case !ok && !c.past:
		return decision{}, errNoKey()
	case !ok || !k.ExpiresAt.After(f.now): // ended before: its time does not move
		return decision{key: Key{ID: c.id, ExpiresAt: k.ExpiresAt}}, nil
	}
	k.ExpiresAt, k.UpdatedAt = f.now, f.now
	return decision{events: []events.Payload{&events.UserKeyExpired{KeyID: k.ID, ExpiresAt: f.now}}, key: k}, nil
}

func decideDeleteKey(u User, c deleteKey) (decision, *Error) {
	k, ok := u.Keys[c.id]
	if !ok && !c.past {
		return decision{}, errNoKey()
	}
	if !ok {
		k = Key{ID: c.id}
	}
	if ok && k.LoginType != events.LoginToken {
		return decision{events: []events.Payload{&events.UserSessionClosed{KeyID: k.ID}}, key: k}, nil
	}
	return decision{events: []events.Payload{&events.UserKeyDeleted{KeyID: k.ID}}, key: k}, nil
}
