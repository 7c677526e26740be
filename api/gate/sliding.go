package gate

import (
	"context"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// Usages is where the last use of keys is kept, and how far it prolonged their
// lives. The event log has it.
type Usages interface {
	Usage(ctx context.Context, keyID string) (events.Usage, error)
	KeepUsage(u events.Usage) error
}

const (
	// useStep is how old the last use must be, or how much of its life a key must
	// have lost, before a use is kept: one write for each key and hour, whatever
	// the traffic.
	useStep  = time.Hour
	usesKept = 32 << 10 // keys whose last use is in memory
)

// uses keeps the last use of sessions and keys, and prolongs their lives by it: a
// key lives for as long as it was given, counted from its last use.
type uses struct {
	usages Usages
	fixed  bool // they prolong nothing
	clock  func() time.Time
	noted  func(events.Usage) // is told of each use that is kept
	last   *lru.Cache[string, events.Usage]
}

func newUses(u Usages, fixed bool, clock func() time.Time, noted func(events.Usage)) *uses {
	if u == nil {
		return nil
	}
	cache, err := lru.New[string, events.Usage](usesKept)
	if err != nil {
		panic("gate: " + err.Error()) // only for a size below 1
	}
	return &uses{usages: u, fixed: fixed, clock: clock, noted: noted, last: cache}
}

// known is what is known of a key's life before a use of it.
type known struct {
	last  time.Time     // its last use; zero for none
	gives time.Duration // what a use gives it; 0 where uses give nothing
}

// due says that a use must be kept.
func (k known) due(ends, now time.Time) bool {
	return now.Sub(k.last) >= useStep || k.slides(ends, now)
}

// slides says that the key has lost a step of its life. One that was given no more
// than a step never slides.
func (k known) slides(ends, now time.Time) bool {
	return k.gives > useStep && ends.Sub(now) <= k.gives-useStep
}

// life is what a key was given when it was made or made anew.
func life(k query.Key) time.Duration {
	if k.Lifetime > 0 {
		return k.Lifetime
	}
	return k.ExpiresAt.Sub(k.UpdatedAt)
}

// gives is what a use gives a key.
func (u *uses) gives(k query.Key) time.Duration {
	if u.fixed {
		return 0
	}
	return life(k)
}

// endedByHand says that somebody ended a key early. No use brings it back.
func endedByHand(k query.Key) bool { return !k.ExpiresAt.After(k.UpdatedAt) }

// apply sets until when a key lives by its uses so far. A key made within the
// last step has not slid, and costs no look.
func (u *uses) apply(ctx context.Context, k *query.Key) (known, error) {
	if u == nil || endedByHand(*k) {
		return known{}, nil
	}
	now, gives := u.clock(), u.gives(*k)
	last, have := u.last.Get(k.ID)
	fresh := !have && now.Sub(k.UpdatedAt) < useStep
	if fresh || have && !(known{last.LastUsed, gives}).due(prolonged(*k, last), now) {
		return u.lived(k, last, gives), nil
	}
	found, err := u.usages.Usage(ctx, k.ID) // another process may have been here
	switch {
	case err != nil && !now.Before(prolonged(*k, last)): // whether it lives can not be told
		return known{}, err
	case err == nil && found.LastUsed.After(last.LastUsed):
		last = found
		u.last.Add(k.ID, last)
	}
	return u.lived(k, last, gives), nil
}

// lived moves the end of a key's life to where its last use put it.
func (*uses) lived(k *query.Key, last events.Usage, gives time.Duration) known {
	if last.LastUsed.Before(k.UpdatedAt) { // a use of the secret before this one, or none
		return known{gives: gives}
	}
	k.ExpiresAt = prolonged(*k, last)
	return known{last: last.LastUsed, gives: gives}
}

// prolonged is when a key ends, by its last use.
func prolonged(k query.Key, last events.Usage) time.Time {
	if last.ExpiresAt.After(k.ExpiresAt) && !last.LastUsed.Before(k.UpdatedAt) {
		return last.ExpiresAt
	}
	return k.ExpiresAt
}

// keep keeps the use of a live key, where it is due.
func (u *uses) keep(k *query.Key, before known) {
	if u == nil {
		return
	}
	now := u.clock().UTC().Truncate(time.Microsecond)
	if !before.due(k.ExpiresAt, now) {
		return
	}
	if before.slides(k.ExpiresAt, now) {
		k.ExpiresAt = now.Add(before.gives)
	}
	next := events.Usage{KeyID: k.ID, UserID: k.UserID, LastUsed: now, ExpiresAt: k.ExpiresAt}
	if err := u.usages.KeepUsage(next); err != nil { // the key lives all the same; the next use tries again
		u.last.Remove(k.ID)
		return
	}
	u.last.Add(k.ID, next)
	u.noted(next)
}
