package housekeeping

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// KeyReader is what the sweep of keys needs of the read side.
type KeyReader interface {
	EndedKeys(ctx context.Context, before time.Time, after query.EndedKey, limit int) ([]query.EndedKey, error)
	Keys(ctx context.Context, userID string) ([]query.Key, error)
	NoteCredentials(userID string, p events.Position)
}

// KeySweeper is what it needs of the write side.
type KeySweeper interface {
	SweepKeys(ctx context.Context, r commands.Request, userID string, c commands.Sweep) (commands.Result, error)
}

// KeysConfig is what Keys are made of.
type KeysConfig struct {
	Retention time.Duration // what ended so long ago leaves the lists
	Reads     KeyReader
	Writes    KeySweeper
	// Lock lets one process sweep at a time; nil lets this one.
	Lock   Lock
	Clock  func() time.Time // nil means time.Now
	Logger *zap.Logger      // nil for none
	// Swept is told how many sessions and keys left the lists; nil tells nobody.
	Swept func(n int)
	// Wait returns after a time, or with the context's error; nil means by the
	// machine's clock.
	Wait func(ctx context.Context, d time.Duration) error
}

const (
	// sessionsKept is how long a session that ended is left alone at least: a use of
	// its last moment is known by then.
	sessionsKept = 24 * time.Hour
	// breath between two users bounds what a sweep asks of the log.
	breath = 10 * time.Millisecond
)

// Keys takes sessions and API keys off the lists that ended long ago.
type Keys struct{ config KeysConfig }

// NewKeys makes Keys.
func NewKeys(c KeysConfig) (*Keys, error) {
	if c.Retention < sessionsKept || c.Reads == nil || c.Writes == nil {
		return nil, fmt.Errorf("a sweep of keys needs a retention of %s or more, reads and writes", sessionsKept)
	}
	if c.Lock == nil {
		c.Lock = alone
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}
	if c.Swept == nil {
		c.Swept = func(int) {}
	}
	if c.Wait == nil {
		c.Wait = wait
	}
	return &Keys{config: c}, nil
}

// Run sweeps until the context ends.
func (k *Keys) Run(ctx context.Context) {
	for pause := beforeFirst; k.config.Wait(ctx, pause) == nil; pause = betweenMost {
		swept, err := k.Sweep(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			k.config.Logger.Warn("a sweep of ended keys was broken off", zap.Int("swept", swept), zap.Error(err))
		case swept > 0:
			k.config.Logger.Info("ended sessions and keys left the lists", zap.Int("swept", swept))
		}
	}
}

// Sweep takes off the lists of each user who has something that ended before the
// retention all that ended, and says how much that was. It does nothing while
// another process sweeps, and begins where one ended that was broken off: what went
// is listed no more.
func (k *Keys) Sweep(ctx context.Context) (swept int, err error) {
	release, held, err := k.config.Lock(ctx)
	if err != nil {
		return 0, fmt.Errorf("take the lock of housekeeping: %w", err)
	}
	if !held {
		return 0, nil
	}
	defer release()
	now := k.config.Clock()
	done := map[string]bool{}
	for after := (query.EndedKey{}); ; {
		found, err := k.ended(ctx, now.Add(-k.config.Retention), after)
		if err != nil || len(found) == 0 {
			return swept, err
		}
		after = found[len(found)-1]
		for _, e := range found {
			if done[e.UserID] {
				continue
			}
			done[e.UserID] = true
			n, err := k.sweepUser(ctx, e.UserID, now)
			swept += n
			if err != nil {
				return swept, err
			}
			if err := k.config.Wait(ctx, breath); err != nil {
				return swept, err
			}
		}
	}
}

func (k *Keys) ended(ctx context.Context, before time.Time, after query.EndedKey) ([]query.EndedKey, error) {
	ctx, behind := query.WithStaleness(ctx)
	found, err := k.config.Reads.EndedKeys(ctx, before, after, batch)
	if err != nil {
		return nil, fmt.Errorf("list keys that ended before %s: %w", before.UTC().Format(time.RFC3339), err)
	}
	if behind() > 0 {
		return nil, errBehind
	}
	return found, nil
}

// sweepUser takes off one user's lists what is over. All of it goes at once, so that
// who signs in each day costs the log one event for many days.
func (k *Keys) sweepUser(ctx context.Context, userID string, now time.Time) (swept int, err error) {
	keys, err := k.config.Reads.Keys(ctx, userID)
	if err != nil {
		return 0, fmt.Errorf("list keys of user %s: %w", userID, err)
	}
	sessionsBefore, keysBefore := now.Add(-sessionsKept), now.Add(-k.config.Retention)
	keys = slices.DeleteFunc(keys, func(key query.Key) bool {
		before := sessionsBefore
		if key.LoginType == events.LoginToken {
			before = keysBefore
		}
		return !key.ExpiresAt.Before(before)
	})
	for some := range slices.Chunk(keys, commands.MostSwept) {
		c := commands.Sweep{SessionsBefore: sessionsBefore, KeysBefore: keysBefore}
		for _, key := range some {
			c.KeyIDs = append(c.KeyIDs, key.ID)
		}
		n, err := k.command(ctx, userID, c)
		swept += n
		if err != nil {
			return swept, err
		}
	}
	return swept, nil
}

func (k *Keys) command(ctx context.Context, userID string, c commands.Sweep) (int, error) {
	request := commands.Request{Actor: commands.Actor{UserID: commands.SystemActor}, Reason: "ended long ago"}
	res, err := k.config.Writes.SweepKeys(ctx, request, userID, c)
	switch code := commands.CodeOf(err); {
	case err == nil:
		k.config.Reads.NoteCredentials(userID, res.Position)
		k.config.Swept(res.Swept)
		return res.Swept, nil
	case code == commands.NotFound: // deleted by now, and the lists with it
		return 0, nil
	default:
		return 0, fmt.Errorf("sweep keys of user %s: %w", userID, err)
	}
}
