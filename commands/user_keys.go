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
		loginType  events.LoginType
		name       string
		scopes     []string          // normalised
		allowList  []events.Resource // normalised
		lifetime   time.Duration     // 0: the usual time, which no cap is for
		limits     lifetimes
		ip, agent  string
	}
	regenerateKey struct {
		id         string
		secretHash []byte
		lifetime   time.Duration
		limits     lifetimes
		usage      events.Usage
		ip, agent  string
	}
	// expireKey and deleteKey reach keys that ended and left the state, too: past is
	// what the log knows of such a one, usage how its use prolonged its life.
	expireKey struct {
		id    string
		past  pastKey
		usage events.Usage
	}
	deleteKey struct {
		id   string
		past pastKey
	}
)

// pastKey is what the log knows of a key that left the state.
type pastKey struct {
	Key
	known bool
}

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

// mayMake refuses a key of wider reach than the one that makes it.
func mayMake(actor Actor, scopes []string, allowList []events.Resource) *Error {
	if actor.UserID == SystemActor || covers(actor.Scopes, scopes) && coversList(actor.AllowList, allowList) {
		return nil
	}
	return errWiderScope()
}

// alive says whether a key can be used, given how its use prolonged its life. A
// use from before the key changed prolongs nothing any more.
func (k Key) alive(now time.Time, u events.Usage) bool {
	return k.ExpiresAt.After(now) || !k.endedByHand() && u.ExpiresAt.After(now) && !u.LastUsed.Before(k.UpdatedAt)
}

// endedByHand says that a command ended the key: nothing prolongs its life.
func (k Key) endedByHand() bool { return !k.ExpiresAt.After(k.UpdatedAt) }

// weightOfTokens is what the API keys that did not end weigh together.
func weightOfTokens(u User, now time.Time) int {
	weight := 0
	for _, k := range u.Keys {
		if k.LoginType == events.LoginToken && k.ExpiresAt.After(now) {
			weight += k.weight()
		}
	}
	return weight
}

func decideCreateKey(u User, c createKey, f facts) (decision, *Error) {
	if err := mayMake(f.actor, c.scopes, c.allowList); err != nil {
		return decision{}, err
	}
	lifetime, err := c.limits.choose(c.lifetime, u)
	if err != nil {
		return decision{}, err
	}
	made := Key{ID: c.id, Scopes: c.scopes, AllowList: c.allowList}
	d := decision{key: Key{ID: c.id}}
	if c.loginType == events.LoginToken {
		if err := roomForToken(u, c.name, made.weight(), f.now); err != nil {
			return decision{}, err
		}
	} else {
		d.events = append(d.events, closeOldest(u, f.now)...)
	}
	d.events = append(d.events, &events.UserKeyCreated{
		Sealed: events.Seal(events.UserKeyPrivate{SecretHash: c.secretHash, Name: c.name, IP: c.ip, UserAgent: c.agent}),
		KeyID:  c.id, LoginType: c.loginType, Scopes: c.scopes, AllowList: c.allowList, Epoch: u.Epoch,
		ExpiresAt: f.now.Add(lifetime), Lifetime: int64(lifetime / time.Second),
	})
	return d, nil
}

// roomForToken refuses a name that another API key in the state has. One that
// ended keeps its name as long as it is there: its use may have prolonged its
// life, and it is listed still.
func roomForToken(u User, name string, weight int, now time.Time) *Error {
	for _, k := range u.Keys {
		if name != "" && k.LoginType == events.LoginToken && k.Name == name {
			return &Error{
				Code: Conflict, Reason: "key-name", Message: "a key with this name exists already",
				Fields: []FieldError{{Field: "name", Rule: "taken", Detail: "this name is already in use"}},
			}
		}
	}
	if weightOfTokens(u, now)+weight > maxKeys {
		return &Error{Code: Precondition, Reason: "too-many-keys", Message: "this user has too many keys"}
	}
	return nil
}

// closeOldest makes room for one session more.
func closeOldest(u User, now time.Time) []events.Payload {
	sessions := sessionsOf(u, now)
	if len(sessions) < maxSessions {
		return nil
	}
	return []events.Payload{&events.UserSessionClosed{KeyID: sessions[0].ID}}
}

func decideRegenerateKey(u User, c regenerateKey, f facts) (decision, *Error) {
	k, ok := u.Keys[c.id]
	if !ok || k.LoginType != events.LoginToken || !k.alive(f.now, c.usage) {
		return decision{}, errNoKey()
	}
	if err := mayMake(f.actor, k.Scopes, k.AllowList); err != nil {
		return decision{}, err
	}
	lifetime, err := c.limits.choose(c.lifetime, u)
	if err != nil {
		return decision{}, err
	}
	return decision{
		events: []events.Payload{&events.UserKeyRegenerated{
			Sealed: events.Seal(events.UserKeyPrivate{SecretHash: c.secretHash, Name: k.Name, IP: c.ip, UserAgent: c.agent}),
			KeyID:  k.ID, Epoch: u.Epoch, ExpiresAt: f.now.Add(lifetime),
		}},
		key: k,
	}, nil
}

func decideExpireKey(u User, c expireKey, f facts) (decision, *Error) {
	k, ok := u.Keys[c.id]
	if !ok {
		if !c.past.known {
			return decision{}, errNoKey()
		}
		k = c.past.Key
	}
	if !k.alive(f.now, c.usage) { // ended before: its time does not move
		return decision{key: k}, nil
	}
	k.ExpiresAt, k.UpdatedAt = f.now, f.now
	return decision{events: []events.Payload{&events.UserKeyExpired{KeyID: k.ID, ExpiresAt: f.now}}, key: k}, nil
}

func decideDeleteKey(u User, c deleteKey) (decision, *Error) {
	k, ok := u.Keys[c.id]
	if !ok && !c.past.known {
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

// applicationKeys are the keys with which applications are connected to, by id:
// a sign-out ends them all.
func applicationKeys(u User) []string {
	var out []string
	for id, k := range u.Keys {
		if k.LoginType == events.LoginToken && slices.Contains(k.Scopes, ScopeApplicationConnect) {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}
