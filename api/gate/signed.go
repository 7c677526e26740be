package gate

import (
	"context"
	"net/http"

	"github.com/rosterhq/roster/api/bearer"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// Readables finds the user to whom a key leads that can be read again.
type Readables interface {
	UserByReadableKey(ctx context.Context, key string) (commands.User, error)
	Find(ctx context.Context, ref commands.UserRef) (commands.User, error)
}

// identifySigned finds the caller by a signed token. Its signature says who it is,
// and the session that it names whether that is still so.
func (g *Gate) identifySigned(r *http.Request, token string) (Caller, error) {
	if g.tokens == nil {
		return Caller{}, malformed(token)
	}
	if err := g.limits.guess(r); err != nil {
		return Caller{}, err
	}
	claims, err := g.tokens.Verify(token, bearer.PM415, bearer.RunWhenAccess)
	if err != nil || !IsKeyID(claims.SessionID) {
		refused := &Error{Reason: WrongSecret}
		g.limits.guessed(r, refused)
		return Caller{}, refused
	}
	found, err := g.named(r.Context(), claims)
	if err != nil {
		return Caller{}, err
	}
	if err := g.limits.use(found.ID); err != nil {
		return Caller{}, err
	}
	g.wake(r, &found)
	c := callerOf(found)
	c.Claims = &claims
	return c, nil
}

// named returns the session that a token names, if it is that user's and alive.
func (g *Gate) named(ctx context.Context, claims bearer.Claims) (query.Credential, error) {
	found, err := g.credential(ctx, claims.SessionID)
	if err != nil {
		return query.Credential{}, err
	}
	if found.UserID != claims.UserID || found.LoginType == events.LoginToken {
		return query.Credential{}, &Error{Reason: WrongSecret}
	}
	return g.living(ctx, found)
}

// malformed says how a text is no token of the form <id>-<secret>.
func malformed(token string) error {
	_, _, err := ParseToken(token)
	return err
}

// readableLength is the length of the keys that can be read again, which are
// hexadecimal.
const readableLength = 64

func looksReadable(token string) bool {
	if len(token) != readableLength {
		return false
	}
	for i := range len(token) {
		c := token[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// identifyReadable finds the caller by the key that can be read again. The log is
// asked, which knows each change at once.
func (g *Gate) identifyReadable(r *http.Request, key string) (Caller, error) {
	if g.readables == nil {
		return Caller{}, malformed(key)
	}
	if err := g.limits.guess(r); err != nil {
		return Caller{}, err
	}
	u, err := g.readables.UserByReadableKey(r.Context(), key)
	if commands.CodeOf(err) == commands.NotFound {
		refused := &Error{Reason: UnknownKey}
		g.limits.guessed(r, refused)
		return Caller{}, refused
	}
	if err != nil {
		return Caller{}, &Error{Reason: Unavailable, Err: err}
	}
	found := accountOf(u)
	if err := g.alive(found); err != nil {
		return Caller{}, err
	}
	if err := g.limits.use("readable " + u.ID); err != nil {
		return Caller{}, err
	}
	g.wake(r, &found)
	return callerOf(found), nil
}

// accountOf is what a check needs of a user whom the log knows, without a key.
func accountOf(u commands.User) query.Credential {
	return query.Credential{
		Key:   query.Key{UserID: u.ID, LoginType: u.LoginType},
		Epoch: u.Epoch,
		Account: query.Account{
			Status: u.Status, Confirmed: u.Confirmed, Epoch: u.Epoch, Roles: u.Roles, Memberships: u.Memberships,
		},
	}
}
