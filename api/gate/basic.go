package gate

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

// BasicUsers is what HTTP Basic needs of the write side, which knows the newest
// password of each user.
type BasicUsers interface {
	CheckPassword(ctx context.Context, c commands.SignIn) (commands.User, error)
	Find(ctx context.Context, ref commands.UserRef) (commands.User, error)
}

const (
	// rememberedFor is how long a good check spares the hashing: without it, every
	// request would cost 20 ms of a core.
	rememberedFor  = time.Minute
	rememberedMost = 16 << 10
)

// Basic lets in who sends name and password with every request (RFC 7617). It is
// safe for concurrent use.
type Basic struct {
	gate  *Gate
	users BasicUsers
	key   [sha256.Size]byte // of this process: what is remembered tells nothing outside it
	good  *lru.Cache[[sha256.Size]byte, remembered]
}

// remembered is a good check: it holds for a while, as long as the user's password
// hash is the same.
type remembered struct {
	userID, hash string
	until        time.Time
}

// NewBasic makes the door for HTTP Basic beside a gate.
func NewBasic(g *Gate, users BasicUsers) (*Basic, error) {
	good, err := lru.New[[sha256.Size]byte, remembered](rememberedMost)
	if err != nil {
		return nil, fmt.Errorf("make the memory of good checks: %w", err)
	}
	b := &Basic{gate: g, users: users, good: good}
	if _, err := rand.Read(b.key[:]); err != nil {
		return nil, fmt.Errorf("make the key of good checks: %w", err)
	}
	return b, nil
}

// Offered says whether a request carries HTTP Basic.
func (b *Basic) Offered(r *http.Request) bool {
	_, _, ok := r.BasicAuth()
	return ok
}

// Identify finds the caller by user name, uname or e-mail and password; or by a
// token as the name with an empty password. Errors are *Error: of a wrong name
// or password, WrongSecret.
func (b *Basic) Identify(r *http.Request) (Caller, error) {
	name, password, ok := r.BasicAuth()
	if !ok {
		return Caller{}, &Error{Reason: NoCredential}
	}
	if password == "" {
		return b.gate.identifyToken(r, name)
	}
	u, err := b.check(r, name, password)
	if err != nil {
		return Caller{}, err
	}
	if err := b.gate.limits.use("basic " + u.ID); err != nil {
		return Caller{}, err
	}
	found := accountOf(u)
	b.gate.wake(r, &found)
	return callerOf(found), nil
}

// check compares the password, unless it did so within the last minute and
// nothing changed since.
func (b *Basic) check(r *http.Request, name, password string) (commands.User, error) {
	sum := b.sum(name, password, network(r))
	if known, ok := b.good.Get(sum); ok && b.gate.clock().Before(known.until) {
		u, err := b.users.Find(r.Context(), commands.UserRef{ID: known.userID})
		if err == nil && u.PasswordHash == known.hash && u.Confirmed {
			return u, basicSuspended(u)
		}
		b.good.Remove(sum)
		if err != nil && commands.CodeOf(err) != commands.NotFound {
			return commands.User{}, &Error{Reason: Unavailable, Err: err}
		}
	}
	who := signInOf(name, password)
	if err := b.gate.AllowLogin(r, who.Email+who.Username); err != nil { // however the name is written
		return commands.User{}, err
	}
	u, err := b.users.CheckPassword(r.Context(), who)
	b.gate.TriedLogin(r, who.Email+who.Username, err)
	if err != nil {
		return commands.User{}, basicRefusal(err)
	}
	b.good.Add(sum, remembered{userID: u.ID, hash: u.PasswordHash, until: b.gate.clock().Add(rememberedFor)})
	return u, nil
}

// sum names a check. A good one spares the limits, too, so that it helps nobody who
// guesses from elsewhere.
func (b *Basic) sum(name, password, from string) (out [sha256.Size]byte) {
	h := hmac.New(sha256.New, b.key[:])
	_, _ = h.Write([]byte(from))
	_, _ = h.Write([]byte{0})
	_, _ = h.Write([]byte(strings.ToLower(name)))
	_, _ = h.Write([]byte{0})
	_, _ = h.Write([]byte(password))
	h.Sum(out[:0])
	return out
}

// signInOf reads the name as an address when it has an @; else an underscore is
// a hyphen, as in a uname.
func signInOf(name, password string) commands.SignIn {
	if strings.Contains(name, "@") {
		return commands.SignIn{Email: name, Password: password}
	}
	return commands.SignIn{Username: strings.ReplaceAll(name, "_", "-"), Password: password}
}

func basicSuspended(u commands.User) error {
	if u.Status == events.StatusSuspended {
		return &Error{Reason: Suspended}
	}
	return nil
}

func basicRefusal(err error) error {
	refused, ok := commands.AsError(err)
	switch {
	case !ok, refused.Code == commands.Unavailable:
		return &Error{Reason: Unavailable, Err: err}
	case refused.Reason == "suspended":
		return &Error{Reason: Suspended}
	default:
		return &Error{Reason: WrongSecret}
	}
}
