package gate

import (
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

// The limits. Logins follow Coder's 60 a minute. The one per key is a guard
// against a client that runs wild, not a quota: an import provisions thousands
// of users with one key.
const (
	loginsPerAddress  = rate.Limit(1)
	loginAddressBurst = 60
	mailsPerAccount   = rate.Limit(1.0 / 6)
	mailAccountBurst  = 10
	guessesPerAddress = rate.Limit(5)
	guessBurst        = 300
	usesPerKey        = rate.Limit(10_000)
	useBurst          = 10000

	maxBuckets = 20000 // of each kind: what bounds the memory
)

// DefaultCallsPerMinute is what a user may ask of one endpoint of Coder's API.
const DefaultCallsPerMinute = 512

// limits holds all token buckets. A nil *limits limits nothing.
type limits struct {
	addresses, mails, guesses, uses, calls *buckets

	accounts *lockout
}

func newLimits(clock func() time.Time, callsPerMinute int) *limits {
	if callsPerMinute <= 0 {
		callsPerMinute = DefaultCallsPerMinute
	}
	return &limits{
		calls:     newBuckets(clock, rate.Limit(float64(callsPerMinute)/60), callsPerMinute),
		addresses: newBuckets(clock, loginsPerAddress, loginAddressBurst),
		mails:     newBuckets(clock, mailsPerAccount, mailAccountBurst),
		accounts:  newLockout(clock),
		guesses:   newBuckets(clock, guessesPerAddress, guessBurst),
		uses:      newBuckets(clock, usesPerKey, useBurst),
	}
}

// AllowLogin counts one try to sign in (or to make the first user) from the
// request's address and, unless account is empty, at the account from there. Its
// error is *Error with reason RateLimited. TriedLogin is to be told how a try at an
// account ended.
func (g *Gate) AllowLogin(r *http.Request, account string) error {
	l := g.limits
	if l == nil {
		return nil
	}
	if err := l.addresses.take(network(r)); err != nil {
		return err
	}
	if account == "" {
		return nil
	}
	return l.accounts.begin(attempt(account, network(r)))
}

// TriedLogin says how a try ended that AllowLogin let through. One that found no
// answer, because of an overload perhaps, was none.
func (g *Gate) TriedLogin(r *http.Request, account string, err error) {
	if g.limits == nil {
		return
	}
	name := attempt(account, network(r))
	switch code := commands.CodeOf(err); {
	case err == nil:
		g.limits.accounts.succeeded(name)
	case code == "" || code == commands.Unavailable:
		g.limits.accounts.takeBack(name)
	}
}

// AllowMail counts a request from the request's address that sends mail to an account,
// or tries what was mailed, and the account's from everywhere. Its error is *Error with
// reason RateLimited.
func (g *Gate) AllowMail(r *http.Request, account string) error {
	l := g.limits
	if l == nil {
		return nil
	}
	if err := l.addresses.take(network(r)); err != nil {
		return err
	}
	return l.mails.take(strings.ToLower(account))
}

// BypassHeader frees an owner's call from the limit of AllowCall: of load tests
// and scripts.
const BypassHeader = "X-Coder-Bypass-Ratelimit"

// AllowCall counts a call of an endpoint, of its caller or, of nobody known, of
// its address. Its error is *Error with reason RateLimited.
func (g *Gate) AllowCall(r *http.Request, c Caller, endpoint string) error {
	l := g.limits
	if l == nil {
		return nil
	}
	if bypass, err := strconv.ParseBool(r.Header.Get(BypassHeader)); err == nil && bypass && c.HasRole(events.RoleOwner) {
		return nil
	}
	who := c.UserID()
	if who == "" {
		who = network(r)
	}
	return l.calls.take(who + " " + endpoint)
}

// network is the client's address; of IPv6 its /64, since one client has all of it.
func network(r *http.Request) string {
	host := ClientAddress(r)
	a, err := netip.ParseAddr(host)
	if err != nil || a.Unmap().Is4() {
		return host
	}
	p, err := a.WithZone("").Prefix(64)
	if err != nil {
		return host
	}
	return p.String()
}

// use counts a request of a key.
func (l *limits) use(keyID string) error {
	if l == nil {
		return nil
	}
	return l.uses.take(keyID)
}

// guess refuses an address that showed too many worthless tokens.
func (l *limits) guess(r *http.Request) error {
	if l == nil {
		return nil
	}
	return l.guesses.peek(network(r))
}

// guessed counts a worthless token.
func (l *limits) guessed(r *http.Request, err error) {
	if l == nil {
		return
	}
	switch ReasonOf(err) {
	case UnknownKey, WrongSecret:
		_ = l.guesses.take(network(r))
	}
}

// buckets is one kind of token bucket, by name; the least used are forgotten.
type buckets struct {
	clock func() time.Time
	limit rate.Limit
	burst int

	mu    sync.Mutex // get-or-make must be one step
	known *lru.Cache[string, *rate.Limiter]
}

func newBuckets(clock func() time.Time, limit rate.Limit, burst int) *buckets {
	known, err := lru.New[string, *rate.Limiter](maxBuckets)
	if err != nil { // only for a size below 1
		panic(err)
	}
	return &buckets{clock: clock, limit: limit, burst: burst, known: known}
}

func (b *buckets) of(name string) *rate.Limiter {
	if len(name) > 128 {
		name = name[:128]
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	l, ok := b.known.Get(name)
	if !ok {
		l = rate.NewLimiter(b.limit, b.burst)
		b.known.Add(name, l)
	}
	return l
}

func (b *buckets) take(name string) error {
	now := b.clock()
	l := b.of(name)
	if l.AllowN(now, 1) {
		return nil
	}
	return b.refuse(l, now)
}

func (b *buckets) peek(name string) error {
	b.mu.Lock()
	l, ok := b.known.Peek(name)
	b.mu.Unlock()
	if now := b.clock(); ok && l.TokensAt(now) < 1 {
		return b.refuse(l, now)
	}
	return nil
}

func (b *buckets) refuse(l *rate.Limiter, now time.Time) error {
	missing := 1 - l.TokensAt(now)
	wait := time.Duration(missing / float64(b.limit) * float64(time.Second))
	return &Error{Reason: RateLimited, RetryAfter: max(wait, time.Second)}
}
