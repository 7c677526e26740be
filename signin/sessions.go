package signin

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"github.com/rosterhq/roster/events"
)

// What can be wrong with a session that a provider vouched for.
var (
	ErrNoLink  = errors.New("the user is not tied to the provider any more")
	ErrExpired = errors.New("the provider's token has ended and could not be renewed")
)

// Keeper keeps the tokens of users.
type Keeper interface {
	// Tokens returns the newest token, or ErrNoLink.
	Tokens(ctx context.Context, userID string, t events.LoginType) (Token, error)
	// Keep replaces it.
	Keep(ctx context.Context, userID string, t events.LoginType, token Token) error
}

const (
	knownUsers = 16 << 10
	// knownFor bounds how long a token is believed to live without a look: another
	// sign-in may have brought one of shorter life.
	knownFor = 15 * time.Minute
	// refusedFor is how long a provider is not asked again with the same token.
	refusedFor = 30 * time.Second
	renewLimit = callLimit + 5*time.Second
)

// Sessions watches over the sessions that providers vouched for: they last while
// the provider's token lives or can be renewed. It is safe for concurrent use.
type Sessions struct {
	providers Providers
	keeper    Keeper
	clock     func() time.Time
	flight    singleflight.Group
	alive     *lru.Cache[holder, time.Time] // until when no look is needed
	refused   *lru.Cache[holder, refusal]
	unkept    *lru.Cache[holder, renewal] // not written down yet
}

type holder struct {
	userID string
	kind   events.LoginType
}

type renewal struct {
	token Token
	from  string // the refresh token that it was made of
}

type refusal struct {
	token [sha256.Size]byte
	until time.Time
}

// NewSessions makes the watch; a nil clock means time.Now.
func NewSessions(p Providers, k Keeper, clock func() time.Time) (*Sessions, error) {
	if clock == nil {
		clock = time.Now
	}
	s := &Sessions{providers: p, keeper: k, clock: clock}
	var errs [3]error
	s.alive, errs[0] = lru.New[holder, time.Time](knownUsers)
	s.refused, errs[1] = lru.New[holder, refusal](knownUsers)
	s.unkept, errs[2] = lru.New[holder, renewal](knownUsers)
	return s, errors.Join(errs[:]...)
}

// Current makes sure that the provider's token of a user lives. While it is known
// to live the answer costs a look into memory. Errors are ErrNoLink, ErrExpired, or
// say that nobody could find out.
func (s *Sessions) Current(ctx context.Context, userID string, t events.LoginType) error {
	h := holder{userID, t}
	if until, ok := s.alive.Get(h); ok && s.clock().Before(until) {
		return nil
	}
	done := s.flight.DoChan(userID+"/"+string(t), func() (any, error) {
		// A renewal that has begun is brought to its end: the old token may be
		// worthless already.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), renewLimit)
		defer cancel()
		return nil, s.look(ctx, h)
	})
	select {
	case <-ctx.Done():
		return ctx.Err()
	case res := <-done:
		return res.Err
	}
}

func (s *Sessions) look(ctx context.Context, h holder) error {
	token, err := s.keeper.Tokens(ctx, h.userID, h.kind)
	if err != nil {
		return err
	}
	if r, ok := s.unkept.Get(h); ok && r.from == token.Refresh {
		return s.keep(ctx, h, r)
	}
	if s.lives(h, token) {
		return nil
	}
	return s.renew(ctx, h, token)
}

// lives says whether a token needs no renewal. Without a refresh token there is
// none to be had: the session then lasts for its own time.
func (s *Sessions) lives(h holder, token Token) bool {
	now := s.clock()
	until := now.Add(knownFor)
	if !token.ExpiresAt.IsZero() && token.Refresh != "" {
		if !now.Before(token.ExpiresAt) {
			return false
		}
		if token.ExpiresAt.Before(until) {
			until = token.ExpiresAt
		}
	}
	s.alive.Add(h, until)
	return true
}

func (s *Sessions) renew(ctx context.Context, h holder, old Token) error {
	sum := sha256.Sum256([]byte(old.Refresh))
	if r, ok := s.refused.Get(h); ok && r.token == sum && s.clock().Before(r.until) {
		return ErrExpired
	}
	provider, ok := s.providers.Of(h.kind)
	if !ok {
		return ErrExpired
	}
	token, err := provider.Renew(ctx, old.Refresh)
	if err != nil {
		return s.lost(ctx, h, old, err)
	}
	if token.Refresh == "" {
		token.Refresh = old.Refresh
	}
	return s.keep(ctx, h, renewal{token: token, from: old.Refresh})
}

// keep writes down a renewed token. One that is lost can not be renewed by
// anybody, so it stays in memory until it is written.
func (s *Sessions) keep(ctx context.Context, h holder, r renewal) error {
	s.unkept.Add(h, r)
	if err := s.keeper.Keep(ctx, h.userID, h.kind, r.token); err != nil {
		return err
	}
	s.unkept.Remove(h)
	s.lives(h, r.token)
	return nil
}

// lost looks whether another process was first, whose renewal made the old token
// worthless.
func (s *Sessions) lost(ctx context.Context, h holder, old Token, cause error) error {
	token, err := s.keeper.Tokens(ctx, h.userID, h.kind)
	if err != nil {
		return err
	}
	if token.Refresh != old.Refresh && s.lives(h, token) {
		return nil
	}
	s.refused.Add(h, refusal{token: sha256.Sum256([]byte(old.Refresh)), until: s.clock().Add(refusedFor)})
	return errors.Join(ErrExpired, cause)
}
