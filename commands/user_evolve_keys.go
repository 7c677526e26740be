package commands

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/rosterhq/roster/events"
)

func applyKey(u User, e events.Recorded) User {
	switch p := e.Payload.(type) {
	case *events.UserSessionOpened:
		if p.Activated {
			u.Status, u.UpdatedAt = events.StatusActive, e.Time
		}
		return withKey(u, Key{
			ID: p.KeyID, LoginType: p.LoginType, Name: p.Private.Name, Scopes: []string{ScopeAll},
			SecretHash: p.Private.SecretHash, Epoch: p.Epoch, CreatedAt: e.Time, UpdatedAt: e.Time,
			ExpiresAt: p.ExpiresAt, Lifetime: p.ExpiresAt.Sub(e.Time),
		})
	case *events.UserSessionClosed:
		return withoutKey(u, p.KeyID)
	case *events.UserKeyCreated:
		return withKey(u, keyCreated(e, p))
	case *events.UserKeyRegenerated:
		return keyRegenerated(u, e, p)
	case *events.UserKeyExpired:
		return keyExpired(u, e, p)
	case *events.UserKeyDeleted:
		return withoutKey(u, p.KeyID)
	case *events.UserCredentialsSwept:
		return swept(u, p)
	default:
		return applyIdentity(u, e)
	}
}

func keyCreated(e events.Recorded, p *events.UserKeyCreated) Key {
	lifetime := time.Duration(p.Lifetime) * time.Second
	if lifetime <= 0 {
		lifetime = p.ExpiresAt.Sub(e.Time)
	}
	return Key{
		ID: p.KeyID, LoginType: p.LoginType, Name: p.Private.Name, Scopes: list(p.Scopes), AllowList: list(p.AllowList),
		SecretHash: p.Private.SecretHash, Epoch: p.Epoch, CreatedAt: e.Time, UpdatedAt: e.Time,
		ExpiresAt: p.ExpiresAt, Lifetime: lifetime,
	}
}

func keyRegenerated(u User, e events.Recorded, p *events.UserKeyRegenerated) User {
	k, ok := u.Keys[p.KeyID]
	if !ok {
		return u
	}
	k.SecretHash, k.Epoch, k.UpdatedAt = p.Private.SecretHash, p.Epoch, e.Time
	k.ExpiresAt, k.Lifetime = p.ExpiresAt, p.ExpiresAt.Sub(e.Time)
	return withKey(u, k)
}

func keyExpired(u User, e events.Recorded, p *events.UserKeyExpired) User {
	k, ok := u.Keys[p.KeyID]
	if !ok {
		return u
	}
	k.ExpiresAt, k.UpdatedAt = p.ExpiresAt, e.Time
	return withKey(u, k)
}

func withKey(u User, k Key) User {
	u.Keys = with(u.Keys, k.ID, k)
	return u
}

func withoutKey(u User, id string) User {
	if _, ok := u.Keys[id]; ok {
		u.Keys = maps.Clone(u.Keys)
		delete(u.Keys, id)
	}
	return u
}

// dropEnded lets leave the state what ended at or before t: a passcode and sessions
// at once. API keys stay, since their names stay taken and their use may have
// prolonged their life; only where they weigh too much do those leave that ended
// first.
func dropEnded(u User, t time.Time) User {
	if u.Passcode != nil && !u.Passcode.ExpiresAt.After(t) {
		u.Passcode = nil
	}
	var gone, tokens []Key
	weight := 0
	for _, k := range u.Keys {
		ended := !k.ExpiresAt.After(t)
		switch {
		case k.LoginType == events.LoginToken:
			weight += k.weight()
			if ended {
				tokens = append(tokens, k)
			}
		case ended:
			gone = append(gone, k)
		}
	}
	if weight > maxKeys {
		slices.SortFunc(tokens, func(a, b Key) int {
			return cmp.Or(a.ExpiresAt.Compare(b.ExpiresAt), cmp.Compare(a.ID, b.ID))
		})
		for _, k := range tokens {
			if weight <= maxKeys {
				break
			}
			weight -= k.weight()
			gone = append(gone, k)
		}
	}
	if len(gone) == 0 {
		return u
	}
	u.Keys = maps.Clone(u.Keys)
	for _, k := range gone {
		delete(u.Keys, k.ID)
	}
	return u
}

// weight is what a key takes of the room for keys in a state: those with long
// lists take more.
func (k Key) weight() int { return 1 + (len(k.Scopes)+len(k.AllowList))/4 }
