package gate

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// Reads is what the gate needs of the read side.
type Reads interface {
	Credential(ctx context.Context, keyID string) (query.Credential, error)
	Note(userID string, p events.Position)
	NoteCredentials(userID string, p events.Position)
}

// Config is what a gate is made of.
type Config struct {
	Reads      Reads
	Clock      func() time.Time // nil means time.Now
	RateLimits bool
	Usages     Usages // nil: sessions end when they were given to
}

// Gate finds out who calls. It is safe for concurrent use.
type Gate struct {
	reads  Reads
	clock  func() time.Time
	origin *http.CrossOriginProtection
	limits *limits
	slides *sliding
}

// New makes a gate.
func New(c Config) *Gate {
	clock := c.Clock
	if clock == nil {
		clock = time.Now
	}
	g := &Gate{reads: c.Reads, clock: clock, origin: http.NewCrossOriginProtection(), slides: newSliding(c.Usages, clock)}
	if c.RateLimits {
		g.limits = newLimits(clock)
	}
	return g
}

// Caller is who calls. The zero value is nobody.
type Caller struct {
	Actor      commands.Actor
	Key        query.Key     // the session or key used
	Account    query.Account // as the check found it
	FromCookie bool
}

// Anonymous says that nobody is known.
func (c Caller) Anonymous() bool { return c.Actor.UserID == "" }

// UserID returns the caller's id.
func (c Caller) UserID() string { return c.Actor.UserID }

// Is says whether the caller is this user.
func (c Caller) Is(userID string) bool { return userID != "" && c.Actor.UserID == userID }

// HasRole says whether the caller has a site role.
func (c Caller) HasRole(role events.Role) bool { return slices.Contains(c.Actor.Roles, role) }

// scopeAll is what a session may do: everything that its user may.
const scopeAll = "all"

// Identify finds the caller by the first credential in forms. Errors are *Error.
func (g *Gate) Identify(r *http.Request, forms Forms) (Caller, error) {
	token, fromCookie := forms.Find(r)
	if token == "" {
		return Caller{}, &Error{Reason: NoCredential}
	}
	if fromCookie {
		if err := g.SameOrigin(r); err != nil {
			return Caller{}, err
		}
	}
	id, secret, err := ParseToken(token)
	if err != nil {
		return Caller{}, err
	}
	if err := g.limits.guess(r); err != nil {
		return Caller{}, err
	}
	found, err := g.check(r.Context(), id, secret)
	if err != nil {
		g.limits.guessed(r, err)
		return Caller{}, err
	}
	if err := g.limits.use(id); err != nil {
		return Caller{}, err
	}
	return callerOf(found, fromCookie), nil
}

// SameOrigin refuses a write that a browser sends from another site. Identify
// calls it for credentials from cookies; handlers that set a session cookie
// call it themselves.
func (g *Gate) SameOrigin(r *http.Request) error {
	if err := g.origin.Check(r); err != nil {
		return &Error{Reason: CrossOrigin, Err: err}
	}
	return nil
}

func (g *Gate) check(ctx context.Context, id, secret string) (query.Credential, error) {
	found, err := g.reads.Credential(ctx, id)
	switch {
	case errors.Is(err, query.ErrNotFound):
		return query.Credential{}, &Error{Reason: UnknownKey}
	case errors.Is(err, query.ErrAhead):
		return query.Credential{}, &Error{Reason: Ahead, Err: err}
	case err != nil:
		return query.Credential{}, &Error{Reason: Unavailable, Err: err}
	}
	sum := sha256.Sum256([]byte(secret))
	if subtle.ConstantTimeCompare(sum[:], found.SecretHash) != 1 {
		return query.Credential{}, &Error{Reason: WrongSecret}
	}
	return g.living(ctx, found)
}

// living checks a credential whose secret was right, and lets a session slide.
func (g *Gate) living(ctx context.Context, c query.Credential) (query.Credential, error) {
	if g.slides == nil {
		return c, g.alive(c)
	}
	given := life(c)
	if err := g.slides.apply(ctx, &c); err != nil {
		return query.Credential{}, &Error{Reason: Unavailable, Err: err}
	}
	if err := g.alive(c); err != nil {
		return query.Credential{}, err
	}
	if err := g.slides.use(&c, given); err != nil { // it is alive all the same; the next use tries again
		g.slides.until.Remove(c.ID)
	}
	return c, nil
}

// alive checks key and account, in the order that clients see.
func (g *Gate) alive(c query.Credential) error {
	switch {
	case c.Account.Status == events.StatusDeleted:
		return &Error{Reason: Deleted}
	case c.Epoch < c.Account.Epoch:
		return &Error{Reason: Revoked}
	case !c.ExpiresAt.IsZero() && !g.clock().Before(c.ExpiresAt):
		return &Error{Reason: Expired, ExpiredAt: c.ExpiresAt}
	case !c.Account.Confirmed:
		return &Error{Reason: Unconfirmed}
	case c.Account.Status == events.StatusSuspended:
		return &Error{Reason: Suspended}
	default:
		return nil
	}
}

func callerOf(c query.Credential, fromCookie bool) Caller {
	scopes := c.Scopes
	if c.LoginType != events.LoginToken {
		scopes = []string{scopeAll}
	}
	return Caller{
		Actor:      commands.Actor{UserID: c.UserID, Roles: c.Account.Roles, Scopes: scopes, KeyID: c.ID},
		Key:        c.Key,
		Account:    c.Account,
		FromCookie: fromCookie,
	}
}
