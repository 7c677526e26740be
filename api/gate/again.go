package gate

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"time"

	"github.com/rosterhq/roster/api/bearer"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query/live"
)

// Pass is what is kept of a credential to check it again later: not its secret.
type Pass struct {
	id     string
	sum    [sha256.Size]byte // of the secret, where there is one
	signed *bearer.Claims    // of a signed token, whose signature was checked
	userID string            // of a key that can be read again; "" for other credentials
}

// KeyID tells the credential to live streams, which end with it: the id of a session
// or key, or what stands for a key that can be read again.
func (p Pass) KeyID() string { return p.id }

// PassOfClaims returns the pass of a signed token whose signature was checked. Of a
// token of a kind that Identify does not take, it says whether its session lives.
func PassOfClaims(claims bearer.Claims) Pass { return Pass{id: claims.SessionID, signed: &claims} }

// PassOf returns the pass of a request that Identify has let in as c.
func PassOf(r *http.Request, forms Forms, c Caller) (Pass, error) {
	if c.Claims != nil {
		return Pass{id: c.Claims.SessionID, signed: c.Claims}, nil
	}
	token, _ := forms.Find(r)
	if c.Key.ID == "" && looksReadable(token) {
		return Pass{id: live.ReadableKeyID(token), sum: sha256.Sum256([]byte(token)), userID: c.UserID()}, nil
	}
	if sum := sha256.Sum256([]byte(token)); c.Key.ID != "" && c.Key.ID == commands.ForeignKeyID(sum) {
		return Pass{id: c.Key.ID, sum: sum}, nil
	}
	id, secret, err := ParseToken(token)
	if err != nil {
		return Pass{}, err
	}
	return Pass{id: id, sum: sha256.Sum256([]byte(secret))}, nil
}

// Within tells apart the credentials of one session: signed tokens end before it, at
// times of their own.
func (p Pass) Within() string {
	if p.signed == nil {
		return ""
	}
	return p.signed.ExpiresAt.UTC().Format(time.RFC3339)
}

// Again finds the caller anew, without counting it as a request. Errors are *Error.
func (g *Gate) Again(ctx context.Context, p Pass) (Caller, error) {
	if p.userID != "" {
		return g.againReadable(ctx, p)
	}
	found, err := g.credential(ctx, p.id)
	switch {
	case err != nil:
		return Caller{}, err
	case p.signed != nil && (found.UserID != p.signed.UserID || found.LoginType == events.LoginToken):
		return Caller{}, &Error{Reason: WrongSecret}
	case p.signed != nil && !g.clock().Before(p.signed.ExpiresAt):
		return Caller{}, &Error{Reason: Expired, ExpiredAt: p.signed.ExpiresAt}
	case p.signed == nil && subtle.ConstantTimeCompare(p.sum[:], found.SecretHash) != 1:
		return Caller{}, &Error{Reason: WrongSecret}
	}
	if _, err := g.uses.apply(ctx, &found.Key); err != nil {
		return Caller{}, &Error{Reason: Unavailable, Err: err}
	}
	if err := g.alive(found); err != nil {
		return Caller{}, err
	}
	c := callerOf(found)
	c.Claims = p.signed
	return c, nil
}

// againReadable finds the caller by a key that can be read again: the log is asked,
// as at first.
func (g *Gate) againReadable(ctx context.Context, p Pass) (Caller, error) {
	u, err := g.readables.Find(ctx, commands.UserRef{ID: p.userID})
	if commands.CodeOf(err) == commands.NotFound {
		return Caller{}, &Error{Reason: UnknownKey}
	}
	if err != nil {
		return Caller{}, &Error{Reason: Unavailable, Err: err}
	}
	found := accountOf(u)
	if err := g.alive(found); err != nil {
		return Caller{}, err
	}
	if sum := sha256.Sum256([]byte(u.ReadableKey)); subtle.ConstantTimeCompare(sum[:], p.sum[:]) != 1 {
		return Caller{}, &Error{Reason: WrongSecret}
	}
	return callerOf(found), nil
}
