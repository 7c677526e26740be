package gate

import (
	"context"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// Usages is where the life of sessions is kept that their use prolongs. The
// event log has it.
type Usages interface {
	Usage(ctx context.Context, keyID string) (events.Usage, error)
	KeepUsage(u events.Usage) error
}

const (
	// slideStep is how much of its life a session must have lost before a use
	// gives it back: one write for each session and hour, whatever the traffic.
	slideStep = time.Hour
	slidKept  = 16 << 10 // sessions whose prolonged life is in memory
)

// sliding prolongs sessions by their use: a session lives for as long as it was
// given at sign-in, counted from its last use. API keys do not slide here.
type sliding struct {
	usages Usages
	clock  func() time.Time
	until  *lru.Cache[string, time.Time]
}

func newSliding(u Usages, clock func() time.Time) *sliding {
	if u == nil {
		return nil
	}
	cache, err := lru.New[string, time.Time](slidKept)
	if err != nil {
		panic("gate: " + err.Error()) // only for a size below 1
	}
	return &sliding{usages: u, clock: clock, until: cache}
}

// life is what a session was given at sign-in; 0 for what does not slide.
func life(c query.Credential) time.Duration {
	if c.LoginType == events.LoginToken || c.ExpiresAt.IsZero() {
		return 0
	}
	return c.ExpiresAt.Sub(c.UpdatedAt)
}

// apply sets until when a session lives by its uses so far. A session used
// within its first step has not slid, and costs no look.
func (s *sliding) apply(ctx context.Context, c *query.Credential) error {
	now := s.clock()
	given := life(*c)
	if given <= slideStep || now.Sub(c.UpdatedAt) < slideStep {
		return nil
	}
	until, known := s.until.Get(c.ID)
	if !known || until.Sub(now) <= given-slideStep { // due: another process may have been here
		u, err := s.usages.Usage(ctx, c.ID)
		if err != nil {
			return err
		}
		until = u.ExpiresAt
		s.until.Add(c.ID, until)
	}
	if until.After(c.ExpiresAt) {
		c.ExpiresAt = until
	}
	return nil
}

// use prolongs a live session that has lost a step of its life.
func (s *sliding) use(c *query.Credential, given time.Duration) error {
	now := s.clock()
	if given <= slideStep || c.ExpiresAt.Sub(now) > given-slideStep {
		return nil
	}
	c.ExpiresAt = now.Add(given).UTC().Truncate(time.Microsecond)
	s.until.Add(c.ID, c.ExpiresAt)
	return s.usages.KeepUsage(events.Usage{KeyID: c.ID, UserID: c.UserID, LastUsed: now, ExpiresAt: c.ExpiresAt})
}
