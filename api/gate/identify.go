package gate

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/rosterhq/roster/api/bearer"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// Reads is what the gate needs of the read side.
type Reads interface {
	Credential(ctx context.Context, keyID string) (query.Credential, error)
	Note(userID string, p events.Position)
	NoteCredentials(userID string, p events.Position)
	NoteAny(p events.Position)
	NoteUse(u events.Usage)
}

// Waker makes a dormant user active.
type Waker interface {
	Wake(ctx context.Context, r commands.Request, userID string) (commands.Result, error)
}

// Providers know whether a provider of identities still vouches for the users
// who signed in by it. It is asked at each use of their sessions.
type Providers interface {
	// Current is nil when it does, having been asked anew where what it gave has
	// ended. Errors other than *Error are trouble that may pass.
	Current(ctx context.Context, userID string, by events.LoginType) error
}

// Config is what a gate is made of.
type Config struct {
	Reads      Reads
	Clock      func() time.Time // nil means time.Now
	RateLimits bool
	// CallsPerMinute bounds what a user may ask of one endpoint, in dialects with
	// such a bound; 0 means DefaultCallsPerMinute.
	CallsPerMinute int
	Usages         Usages    // nil: keys end when they were given to
	FixedLives     bool      // uses are kept, but prolong nothing
	Waker          Waker     // nil: who sleeps is let in asleep
	Providers      Providers // nil: a session does not depend on its provider
	// Tokens checks signed tokens; nil: they are no credentials here.
	Tokens    *bearer.Signer
	Readables Readables // nil: there are no keys that can be read again
}

// Gate finds out who calls. It is safe for concurrent use.
type Gate struct {
	reads     Reads
	clock     func() time.Time
	origin    *http.CrossOriginProtection
	limits    *limits
	uses      *uses
	waker     Waker
	providers Providers
	tokens    *bearer.Signer
	readables Readables
	dialect   string
}

// New makes a gate.
func New(c Config) *Gate {
	clock := c.Clock
	if clock == nil {
		clock = time.Now
	}
	g := &Gate{
		reads: c.Reads, clock: clock, origin: http.NewCrossOriginProtection(),
		uses: newUses(c.Usages, c.FixedLives, clock, c.Reads.NoteUse), waker: c.Waker, providers: c.Providers,
		tokens: c.Tokens, readables: c.Readables,
	}
	if c.RateLimits {
		g.limits = newLimits(clock, c.CallsPerMinute)
	}
	return g
}

// For returns the gate of one dialect, which shares everything with the others.
func (g *Gate) For(dialect string) *Gate {
	own := *g
	own.dialect = dialect
	return &own
}

// Caller is who calls. The zero value is nobody.
type Caller struct {
	Actor   commands.Actor
	Key     query.Key      // the session or key used
	Account query.Account  // as the check found it
	Claims  *bearer.Claims // of a signed token; nil for other credentials
}

// Anonymous says that nobody is known.
func (c Caller) Anonymous() bool { return c.Actor.UserID == "" }

// UserID returns the caller's id.
func (c Caller) UserID() string { return c.Actor.UserID }

// Expires is when the credential ends, unless its use prolongs it: of a signed
// token, no later than it says itself.
func (c Caller) Expires() time.Time {
	ends := c.Key.ExpiresAt
	if c.Claims != nil && (ends.IsZero() || c.Claims.ExpiresAt.Before(ends)) {
		return c.Claims.ExpiresAt
	}
	return ends
}

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
	return g.identifyToken(r, token)
}

// identifyToken finds the caller by a token of one of the forms that are made here.
// What is none of them may be another system's, whose users moved in: it is known
// as it stands then.
func (g *Gate) identifyToken(r *http.Request, token string) (Caller, error) {
	var c Caller
	id, secret, err := ParseToken(token)
	switch {
	case err == nil:
		return g.identifyPair(r, id, sha256.Sum256([]byte(secret)))
	case bearer.Looks(token):
		c, err = g.identifySigned(r, token)
	case looksReadable(token):
		c, err = g.identifyReadable(r, token)
	}
	if err == nil || !unknownHere(err) || !commands.IsForeignKey(token) {
		return c, err
	}
	foreign, foreignErr := g.identifyForeign(r, token)
	if ReasonOf(foreignErr) == UnknownKey {
		return Caller{}, err
	}
	return foreign, foreignErr
}

// unknownHere says that a token leads to nobody by the forms that are made here.
func unknownHere(err error) bool {
	reason := ReasonOf(err)
	return reason == Malformed || reason == UnknownKey || reason == WrongSecret
}

// identifyForeign finds the caller by a key that moved in with its user.
func (g *Gate) identifyForeign(r *http.Request, token string) (Caller, error) {
	sum := sha256.Sum256([]byte(token))
	return g.identifyPair(r, commands.ForeignKeyID(sum), sum)
}

// identifyPair finds the caller by the id of a key or session and the hash of its
// secret.
func (g *Gate) identifyPair(r *http.Request, id string, sum [sha256.Size]byte) (Caller, error) {
	if err := g.limits.guess(r); err != nil {
		return Caller{}, err
	}
	found, err := g.check(r.Context(), id, sum)
	if err != nil {
		g.limits.guessed(r, err)
		return Caller{}, err
	}
	if err := g.limits.use(id); err != nil {
		return Caller{}, err
	}
	g.wake(r, &found)
	return callerOf(found), nil
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

func (g *Gate) check(ctx context.Context, id string, sum [sha256.Size]byte) (query.Credential, error) {
	found, err := g.credential(ctx, id)
	if err != nil {
		return query.Credential{}, err
	}
	if subtle.ConstantTimeCompare(sum[:], found.SecretHash) != 1 {
		return query.Credential{}, &Error{Reason: WrongSecret}
	}
	return g.living(ctx, found)
}

// credential reads a key or session by its id.
func (g *Gate) credential(ctx context.Context, id string) (query.Credential, error) {
	found, err := g.reads.Credential(ctx, id)
	switch {
	case errors.Is(err, query.ErrNotFound):
		return query.Credential{}, &Error{Reason: UnknownKey}
	case errors.Is(err, query.ErrAhead):
		return query.Credential{}, &Error{Reason: Ahead, Err: err}
	case err != nil:
		return query.Credential{}, &Error{Reason: Unavailable, Err: err}
	}
	return found, nil
}

// living checks a credential whose secret was right, and keeps its use.
func (g *Gate) living(ctx context.Context, c query.Credential) (query.Credential, error) {
	before, err := g.uses.apply(ctx, &c.Key)
	if err != nil {
		return query.Credential{}, &Error{Reason: Unavailable, Err: err}
	}
	if err := g.alive(c); err != nil {
		return query.Credential{}, err
	}
	if err := g.vouched(ctx, c.Key); err != nil {
		return query.Credential{}, err
	}
	g.uses.keep(&c.Key, before)
	return c, nil
}

// vouched asks the provider by which a session was opened.
func (g *Gate) vouched(ctx context.Context, k query.Key) error {
	if g.providers == nil || k.LoginType != events.LoginOIDC && k.LoginType != events.LoginGitHub {
		return nil
	}
	err := g.providers.Current(ctx, k.UserID, k.LoginType)
	if err == nil || ReasonOf(err) != "" {
		return err
	}
	return &Error{Reason: Unavailable, Err: err}
}

// wake makes a dormant user active by this request. A log out of reach keeps
// nobody out: the next request tries again.
func (g *Gate) wake(r *http.Request, c *query.Credential) {
	if g.waker == nil || c.Account.Status != events.StatusDormant {
		return
	}
	request := Request(r, callerOf(*c), g.dialect)
	request.IdempotencyKey, request.RequestHash = "", "" // they are the handler's
	res, err := g.waker.Wake(r.Context(), request, c.UserID)
	if err != nil {
		return
	}
	g.reads.NoteCredentials(c.UserID, res.Position)
	c.Account.Status = res.User.Status
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

func callerOf(c query.Credential) Caller {
	scopes := c.Scopes
	if c.LoginType != events.LoginToken && len(scopes) == 0 {
		scopes = []string{scopeAll}
	}
	return Caller{
		Actor: commands.Actor{
			UserID: c.UserID, Roles: c.Account.Roles, Scopes: scopes, KeyID: c.ID,
			AllowList: c.AllowList, Memberships: c.Account.Memberships,
		},
		Key:     c.Key,
		Account: c.Account,
	}
}
