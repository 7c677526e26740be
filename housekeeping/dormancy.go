package housekeeping

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// Reads is what the sweep needs of the read side.
type Reads interface {
	DormantCandidates(ctx context.Context, before time.Time, limit int) ([]query.Candidate, error)
	Keys(ctx context.Context, userID string) ([]query.Key, error)
	NoteCredentials(userID string, p events.Position)
}

// Writes is what the sweep needs of the write side.
type Writes interface {
	PutToSleep(ctx context.Context, r commands.Request, userID string, lastSeen time.Time) (commands.Result, error)
	Usage(ctx context.Context, keyID string) (events.Usage, error)
}

// Config is what a Dormancy is made of.
type Config struct {
	Period time.Duration // unused for so long, an account sleeps
	Reads  Reads
	Writes Writes
	// Lock lets one process sweep at a time; nil lets this one.
	Lock   Lock
	Clock  func() time.Time // nil means time.Now
	Logger *zap.Logger      // nil for none
	// Wait returns after a time, or with the context's error; nil means by the
	// machine's clock.
	Wait func(ctx context.Context, d time.Duration) error
}

const (
	// beforeFirst lets the read models get to the log's end after a start.
	beforeFirst  = time.Minute
	betweenMost  = time.Hour
	betweenLeast = time.Minute
	batch        = 200
)

// errBehind says that a read model is behind, so that what it says of last uses
// can not be trusted.
var errBehind = errors.New("the read model is behind the log")

// Dormancy puts accounts to sleep.
type Dormancy struct{ config Config }

// New makes a Dormancy.
func New(c Config) (*Dormancy, error) {
	if c.Period <= 0 || c.Reads == nil || c.Writes == nil {
		return nil, errors.New("dormancy needs a period, reads and writes")
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
	if c.Wait == nil {
		c.Wait = wait
	}
	return &Dormancy{config: c}, nil
}

// Run sweeps until the context ends.
func (d *Dormancy) Run(ctx context.Context) {
	between := min(max(d.config.Period/4, betweenLeast), betweenMost)
	for pause := min(beforeFirst, between); d.config.Wait(ctx, pause) == nil; pause = between {
		slept, err := d.Sweep(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			d.config.Logger.Warn("a sweep of dormant accounts was broken off", zap.Int("asleep", slept), zap.Error(err))
		case slept > 0:
			d.config.Logger.Info("accounts fell asleep", zap.Int("asleep", slept))
		}
	}
}

// Sweep puts to sleep whom nobody saw for the period, and says how many. It does
// nothing while another process sweeps.
func (d *Dormancy) Sweep(ctx context.Context) (slept int, err error) {
	release, held, err := d.config.Lock(ctx)
	if err != nil {
		return 0, fmt.Errorf("take the lock of housekeeping: %w", err)
	}
	if !held {
		return 0, nil
	}
	defer release()
	before := d.config.Clock().Add(-d.config.Period)
	done := map[string]bool{} // looked at in this sweep, awake or not
	for {
		found, err := d.candidates(ctx, before, batch+len(done))
		if err != nil {
			return slept, err
		}
		more := false
		for _, c := range found {
			if done[c.UserID] {
				continue
			}
			done[c.UserID], more = true, true
			asleep, err := d.look(ctx, c, before)
			if err != nil {
				return slept, err
			}
			if asleep {
				slept++
			}
		}
		if !more {
			return slept, nil
		}
	}
}

func (d *Dormancy) candidates(ctx context.Context, before time.Time, limit int) ([]query.Candidate, error) {
	ctx, behind := query.WithStaleness(ctx)
	found, err := d.config.Reads.DormantCandidates(ctx, before, limit)
	if err != nil {
		return nil, fmt.Errorf("list accounts not used since %s: %w", before.UTC().Format(time.RFC3339), err)
	}
	if behind() > 0 {
		return nil, errBehind
	}
	return found, nil
}

// look puts a candidate to sleep, unless the log knows of a later use.
func (d *Dormancy) look(ctx context.Context, c query.Candidate, before time.Time) (asleep bool, err error) {
	seen, err := d.lastSeen(ctx, c)
	if err != nil || seen.After(before) {
		return false, err
	}
	request := commands.Request{Actor: commands.Actor{UserID: commands.SystemActor}}
	res, err := d.config.Writes.PutToSleep(ctx, request, c.UserID, seen)
	switch code := commands.CodeOf(err); {
	case err == nil:
		d.config.Reads.NoteCredentials(c.UserID, res.Position)
		return res.Changed, nil
	case code == "" || code == commands.Unavailable:
		return false, fmt.Errorf("put user %s to sleep: %w", c.UserID, err)
	default: // deleted, suspended or awake by now
		d.config.Logger.Debug("an account does not fall asleep", zap.String("user", c.UserID), zap.Error(err))
		return false, nil
	}
}

// lastSeen is the latest use that the read model or the log knows of.
func (d *Dormancy) lastSeen(ctx context.Context, c query.Candidate) (time.Time, error) {
	keys, err := d.config.Reads.Keys(ctx, c.UserID)
	if err != nil {
		return time.Time{}, fmt.Errorf("list keys of user %s: %w", c.UserID, err)
	}
	seen := c.LastSeenAt
	for _, k := range keys {
		u, err := d.config.Writes.Usage(ctx, k.ID)
		if err != nil {
			return time.Time{}, fmt.Errorf("ask for the last use of a key of user %s: %w", c.UserID, err)
		}
		if u.LastUsed.After(seen) {
			seen = u.LastUsed
		}
	}
	return seen, nil
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
