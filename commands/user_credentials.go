package commands

import (
	"cmp"
	"slices"
	"time"

	"github.com/rosterhq/roster/events"
)

// maxSessions bounds a user's open sessions, and maxKeys the API keys: both lie
// in the state, which must stay far below the limit of a message. One session
// more closes the oldest.
const (
	maxSessions = 500
	maxKeys     = 500
)

// errHashMoved says that the password was checked against a hash that is no
// longer the state's. It never leaves the package: the check is made again.
var errHashMoved = &Error{Code: Conflict, Reason: "hash-moved", Message: "the password changed meanwhile"}

// setPassword is a checked SetPassword.
type setPassword struct {
	verified string // the hash that passwords were compared with
	compared bool
	old      bool // an old password was given
	oldRight bool
	same     bool   // the new one is the old one, which it must not be
	hash     string // of the new one
	revoke   bool
}

func (setPassword) actions(facts) []Action { return []Action{SetUserPassword} }

func (c setPassword) claims(u User) []events.Claim {
	if !c.revoke {
		return nil
	}
	return readableKeyOf(u)
}

func decidePassword(u User, c setPassword, f facts) (decision, *Error) {
	if err := passwordSettable(u, f); err != nil {
		return decision{}, err
	}
	if u.PasswordHash != "" {
		if err := checkOld(u, c, f.actor.UserID == u.ID); err != nil {
			return decision{}, err
		}
	}
	return passwordDecided(u, c.hash, c.revoke, f), nil
}

// passwordSettable says whether this actor may set a password of this user at all.
func passwordSettable(u User, f facts) *Error {
	if forOwnersAlone(u, f.actor) {
		return &Error{Code: Forbidden, Reason: "owner-password", Message: "only owners can change the password of an owner"}
	}
	if u.LoginType != events.LoginPassword {
		return errNoPassword(u)
	}
	return nil
}

// forOwnersAlone says that what opens this user's account is not for this actor, who
// is no owner as the user is.
func forOwnersAlone(u User, a Actor) bool {
	return a.UserID != u.ID && slices.Contains(u.Roles, events.RoleOwner) && a.UserID != SystemActor && !a.has(events.RoleOwner)
}

func errNoPassword(u User) *Error {
	return &Error{
		Code: Precondition, Reason: "login-type",
		Message: "users without password login type cannot change their password",
		Fields:  []FieldError{{Field: "loginType", Rule: "unknown", Detail: string(u.LoginType)}},
	}
}

// passwordDecided sets a password. Where that ends all keys, the readable one ends
// with its claim.
func passwordDecided(u User, hash string, revoke bool, f facts) decision {
	d := decision{events: []events.Payload{&events.UserPasswordSet{
		Sealed: events.Seal(events.UserPasswordPrivate{Hash: hash}), Revoked: revoke,
	}}}
	if !revoke {
		return d
	}
	for _, claim := range readableKeyOf(u) {
		d.claims = append(d.claims, f.release(claim, u.ID)...)
	}
	return d
}

func checkOld(u User, c setPassword, self bool) *Error {
	refuse := func(rule, detail string) *Error {
		return &Error{
			Code: Invalid, Reason: "old-password", Message: detail,
			Fields: []FieldError{{Field: "oldPassword", Rule: rule, Detail: detail}},
		}
	}
	switch {
	case !c.old && self:
		return refuse("required", "the old password is required")
	case c.compared && c.verified != u.PasswordHash:
		return errHashMoved
	case c.old && !c.oldRight:
		return refuse("wrong", "the old password is incorrect")
	case c.same:
		return &Error{
			Code: Invalid, Reason: "same-password", Message: "the new password is the old one",
			Fields: []FieldError{{Field: "password", Rule: "same", Detail: "must not be the old password"}},
		}
	}
	return nil
}

// openSession is a SignIn whose password was compared.
type openSession struct {
	verified   string // the hash that the password was compared with
	right      bool
	closed     bool   // nobody signs in by password here
	rehash     string // the password under newer parameters, or ""
	keyID      string
	secretHash []byte
	lifetime   time.Duration
	ip, agent  string
}

func (openSession) actions(facts) []Action     { return nil } // the password is the right
func (openSession) claims(User) []events.Claim { return nil }

func unauthenticated(reason, message string) *Error {
	return &Error{Code: Unauthenticated, Reason: reason, Message: message}
}

func errCredentials() *Error {
	return unauthenticated("credentials", "incorrect user name or password")
}

func decideOpenSession(u User, c openSession, f facts) (decision, *Error) {
	if c.verified != u.PasswordHash {
		return decision{}, errHashMoved
	}
	if refused := u.admits(c.right, c.closed); refused != nil {
		return decision{}, refused
	}
	var d decision
	if c.rehash != "" {
		d.events = append(d.events, &events.UserPasswordRehashed{
			Sealed: events.Seal(events.UserPasswordPrivate{Hash: c.rehash}),
		})
	}
	d.events = append(d.events, closeOldest(u, f.now)...)
	d.events = append(d.events, &events.UserSessionOpened{
		Sealed: events.Seal(events.UserKeyPrivate{SecretHash: c.secretHash, IP: c.ip, UserAgent: c.agent}),
		KeyID:  c.keyID, LoginType: events.LoginPassword, Epoch: u.Epoch, ExpiresAt: f.now.Add(c.lifetime),
		Activated: u.Status == events.StatusDormant,
	})
	d.key.ID = c.keyID
	return d, nil
}

// sessionsOf returns the live sessions, oldest first.
func sessionsOf(u User, now time.Time) []Key {
	out := make([]Key, 0, len(u.Keys))
	for _, k := range u.Keys {
		if k.LoginType != events.LoginToken && k.ExpiresAt.After(now) {
			out = append(out, k)
		}
	}
	slices.SortFunc(out, func(a, b Key) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// closeSession ends a session, or deletes the API key that signed out.
type closeSession struct {
	keyID string
	past  pastKey // of one that left the state
}

func (closeSession) claims(User) []events.Claim { return nil }

func (c closeSession) actions(f facts) []Action {
	if c.keyID == f.actor.KeyID {
		return []Action{EndOwnSession}
	}
	return []Action{DeleteKeys}
}

// decideCloseSession: one that is gone already has what it wanted. With it go the
// keys by which applications are connected to.
func decideCloseSession(u User, c closeSession) (decision, *Error) {
	k, ok := u.Keys[c.keyID]
	if !ok && !c.past.known {
		return decision{}, nil
	}
	k.ID = c.keyID
	d := decision{key: k}
	if k.LoginType == events.LoginToken {
		d.events = append(d.events, &events.UserKeyDeleted{KeyID: k.ID})
	} else {
		d.events = append(d.events, &events.UserSessionClosed{KeyID: k.ID})
	}
	for _, id := range applicationKeys(u) {
		if id != k.ID {
			d.events = append(d.events, &events.UserKeyDeleted{KeyID: id})
		}
	}
	return d, nil
}
