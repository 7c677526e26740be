package commands

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
	passwordvalidator "github.com/wagslane/go-password-validator"
)

// PasswordParams are the costs of one password hash.
type PasswordParams struct {
	MemoryKiB   uint32
	Iterations  uint32
	Parallelism uint8
}

// DefaultPasswordParams are the least that OWASP advises for argon2id.
var DefaultPasswordParams = PasswordParams{MemoryKiB: 19 * 1024, Iterations: 2, Parallelism: 1}

// maxWaitingHashes bounds who waits for a turn at hashing: at 20 to 40 ms each this
// is more than anybody waits for a sign-in.
const maxWaitingHashes = 128

// hashesAtOnce leaves half of the cores to everything else: reads go on however many
// want to sign in.
func hashesAtOnce(cores int) int { return (cores + 1) / 2 }

// passwords hashes and compares passwords. Each takes megabytes, so that few run
// at once and not many wait.
type passwords struct {
	params  *argon2id.Params
	turns   chan struct{}
	waiting atomic.Int64
	room    int64  // for who waits
	dummy   string // for users that have no password: the work is the same
}

// room is how many may wait for a turn, maxWaitingHashes at most; 0 means that many.
func newPasswords(p PasswordParams, room int) (*passwords, error) {
	if p == (PasswordParams{}) {
		p = DefaultPasswordParams
	}
	if room <= 0 {
		room = maxWaitingHashes
	}
	room = min(room, maxWaitingHashes)
	h := &passwords{
		room: int64(room),
		params: &argon2id.Params{
			Memory: p.MemoryKiB, Iterations: p.Iterations, Parallelism: p.Parallelism, SaltLength: 16, KeyLength: 32,
		},
		turns: make(chan struct{}, hashesAtOnce(runtime.GOMAXPROCS(0))),
	}
	var err error
	if h.dummy, err = argon2id.CreateHash("no such password", h.params); err != nil {
		return nil, fmt.Errorf("hash password: %w", err)
	}
	return h, nil
}

func (h *passwords) turn(ctx context.Context) (done func(), err error) {
	if h.waiting.Add(1) > h.room {
		h.waiting.Add(-1)
		return nil, &Error{Code: Unavailable, Reason: "busy", Message: "too many sign-ins at once, try again"}
	}
	defer h.waiting.Add(-1)
	select {
	case h.turns <- struct{}{}:
		return func() { <-h.turns }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for password hashing: %w", ctx.Err())
	}
}

// hash returns a password's hash, with its parameters in it.
func (h *passwords) hash(ctx context.Context, password string) (string, error) {
	done, err := h.turn(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	hash, err := argon2id.CreateHash(password, h.params)
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return hash, nil
}

// compare says whether the password is right, and whether its hash was made
// with other parameters than today's. An empty hash matches nothing and takes
// the same work.
func (h *passwords) compare(ctx context.Context, password, hash string) (right, outdated bool, err error) {
	done, err := h.turn(ctx)
	if err != nil {
		return false, false, err
	}
	defer done()
	against := hash
	if against == "" {
		against = h.dummy
	}
	parsed, err := parseHash(against)
	if err != nil {
		return false, false, fmt.Errorf("read password hash: %w", err)
	}
	if right, err = parsed.matches(password); err != nil {
		return false, false, fmt.Errorf("compare password: %w", err)
	}
	return right && hash != "", h.outdated(parsed), nil
}

// outdated says whether a hash was made otherwise than today's are.
func (h *passwords) outdated(parsed passwordHash) bool {
	ours, ok := parsed.(argonHash)
	return !ok || ours.params != *h.params
}

// maxStrengthLength is the most characters a password may have where its
// strength counts: the estimate means nothing beyond.
const maxStrengthLength = 64

// CheckStrength refuses a password of less than minEntropy bits, or of more than
// 64 characters. The detail says what would make it stronger.
func CheckStrength(password string, minEntropy float64) *Error {
	var p problems
	p.strength("password", password, minEntropy, maxStrengthLength)
	return p.err()
}

func (p *problems) strength(field, password string, minEntropy float64, limit int) {
	if limit > 0 && utf8.RuneCountInString(password) > limit {
		p.add(field, "too-long", fmt.Sprintf("password must be no more than %d characters", limit))
		return
	}
	if minEntropy <= 0 {
		return
	}
	if err := passwordvalidator.Validate(password, minEntropy); err != nil {
		p.add(field, "weak", err.Error())
	}
}
