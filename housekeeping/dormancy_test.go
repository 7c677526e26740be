package housekeeping_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/housekeeping"
	"github.com/rosterhq/roster/internal/testenv"
	"github.com/rosterhq/roster/query"
)

const day = 24 * time.Hour

var now = time.Date(2026, 5, 3, 10, 0, 0, 0, time.UTC)

// account is what the log knows of an account, and what the read model says.
type account struct {
	status events.Status
	seen   time.Time // the read model's
	used   time.Time // the log's, of its one key
}

// world is both sides of a small installation.
type world struct {
	t        *testing.T
	accounts map[string]*account
	order    []string
	lagging  bool // the read model does not see who fell asleep
	err      error
	slept    []string
	requests []commands.Request
}

func newWorld(t *testing.T) *world { return &world{t: t, accounts: map[string]*account{}} }

func (w *world) add(id string, status events.Status, seen, used time.Duration) {
	a := &account{status: status, seen: now.Add(-seen)}
	if used > 0 {
		a.used = now.Add(-used)
	}
	w.accounts[id] = a
	w.order = append(w.order, id)
}

func (w *world) DormantCandidates(_ context.Context, before time.Time, limit int) ([]query.Candidate, error) {
	var out []query.Candidate
	for _, id := range w.order {
		a := w.accounts[id]
		awake := a.status == events.StatusActive || w.lagging && a.status == events.StatusDormant
		if awake && a.seen.Before(before) && len(out) < limit {
			out = append(out, query.Candidate{UserID: id, LastSeenAt: a.seen})
		}
	}
	return out, w.err
}

func (w *world) Keys(_ context.Context, userID string) ([]query.Key, error) {
	return []query.Key{{ID: "key-of-" + userID}}, nil
}

func (w *world) NoteCredentials(userID string, p events.Position) {
	require.Contains(w.t, w.slept, userID)
	require.NotZero(w.t, p.Sequence)
}

func (w *world) PutToSleep(_ context.Context, r commands.Request, userID string, lastSeen time.Time) (commands.Result, error) {
	a := w.accounts[userID]
	if a.status == events.StatusDeleted {
		return commands.Result{}, &commands.Error{Code: commands.NotFound}
	}
	w.requests = append(w.requests, r)
	require.False(w.t, lastSeen.After(now.Add(-90*day)))
	changed := a.status == events.StatusActive
	if changed {
		a.status = events.StatusDormant
	}
	w.slept = append(w.slept, userID)
	return commands.Result{Changed: changed, Position: events.Position{Stream: events.Roster, Sequence: uint64(len(w.slept))}}, nil
}

func (w *world) Usage(_ context.Context, keyID string) (events.Usage, error) {
	return events.Usage{KeyID: keyID, LastUsed: w.accounts[keyID[len("key-of-"):]].used}, nil
}

func (w *world) dormancy(change func(*housekeeping.Config)) *housekeeping.Dormancy {
	w.t.Helper()
	c := housekeeping.Config{Period: 90 * day, Reads: w, Writes: w, Clock: func() time.Time { return now }}
	if change != nil {
		change(&c)
	}
	d, err := housekeeping.New(c)
	require.NoError(w.t, err)
	return d
}

func TestWhoFallsAsleep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("unseen", events.StatusActive, 91*day, 0)
	w.add("seen", events.StatusActive, 89*day, 0)
	w.add("at-the-edge", events.StatusActive, 90*day, 0)
	w.add("used-of-late", events.StatusActive, 200*day, day) // the read model lost that
	w.add("used-long-ago", events.StatusActive, 200*day, 100*day)
	w.add("asleep", events.StatusDormant, 300*day, 0)
	w.add("suspended", events.StatusSuspended, 300*day, 0)
	d := w.dormancy(nil)
	n, err := d.Sweep(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.Equal(t, []string{"unseen", "used-long-ago"}, w.slept)
	for _, r := range w.requests {
		require.Equal(t, commands.SystemActor, r.Actor.UserID)
		require.Empty(t, r.IdempotencyKey)
	}
	n, err = d.Sweep(t.Context())
	require.NoError(t, err)
	require.Zero(t, n, "once is enough")
}

// TestManyFallAsleep: more than a page, also while the read model lags behind.
func TestManyFallAsleep(t *testing.T) {
	t.Parallel()
	for _, lagging := range []bool{false, true} {
		w := newWorld(t)
		w.lagging = lagging
		for i := range 1000 {
			w.add(fmt.Sprint("user-", i), events.StatusActive, 100*day, 0)
		}
		w.add("deleted-meanwhile", events.StatusActive, 100*day, 0)
		n, err := w.dormancy(nil).Sweep(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1001, n)
	}
}

func TestRefusalsDoNotStopTheSweep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.lagging = true
	w.add("one", events.StatusActive, 100*day, 0)
	w.add("gone", events.StatusActive, 100*day, 0)
	w.add("two", events.StatusActive, 100*day, 0)
	gone := &refusing{world: w, whom: "gone", err: &commands.Error{Code: commands.NotFound}}
	n, err := w.dormancy(func(c *housekeeping.Config) { c.Writes = gone }).Sweep(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, n)

	w.accounts["two"].status = events.StatusActive
	gone.err = &commands.Error{Code: commands.Unavailable}
	_, err = w.dormancy(func(c *housekeeping.Config) { c.Writes = gone }).Sweep(t.Context())
	require.ErrorContains(t, err, "gone", "a log out of reach ends the sweep")
}

// refusing refuses to put one user to sleep.
type refusing struct {
	*world
	whom string
	err  error
}

func (r *refusing) PutToSleep(ctx context.Context, req commands.Request, userID string, lastSeen time.Time) (commands.Result, error) {
	if userID == r.whom {
		return commands.Result{}, r.err
	}
	return r.world.PutToSleep(ctx, req, userID, lastSeen)
}

func TestTroubleEndsTheSweep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("unseen", events.StatusActive, 91*day, 0)
	w.err = query.ErrUnavailable
	_, err := w.dormancy(nil).Sweep(t.Context())
	require.ErrorIs(t, err, query.ErrUnavailable)
	w.err = nil
	_, err = w.dormancy(func(c *housekeeping.Config) {
		c.Lock = func(context.Context) (func(), bool, error) { return nil, false, errors.New("no database") }
	}).Sweep(t.Context())
	require.ErrorContains(t, err, "no database")
	require.Empty(t, w.slept)
}

// TestRun: a sweep soon after the start and one each hour, until the end.
func TestRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var pauses []time.Duration
	ended := errors.New("ended")
	w.dormancy(func(c *housekeeping.Config) {
		c.Wait = func(_ context.Context, d time.Duration) error {
			if pauses = append(pauses, d); len(pauses) == 4 {
				return ended
			}
			w.add(fmt.Sprint("user-", len(pauses)), events.StatusActive, 100*day, 0)
			return nil
		}
	}).Run(t.Context())
	require.Equal(t, []time.Duration{time.Minute, time.Hour, time.Hour, time.Hour}, pauses)
	require.Equal(t, []string{"user-1", "user-2", "user-3"}, w.slept)
}

func TestRunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	newWorld(t).dormancy(nil).Run(ctx)
}

func TestConfig(t *testing.T) {
	t.Parallel()
	_, err := housekeeping.New(housekeeping.Config{})
	require.Error(t, err)
}

func TestOneProcessAtATime(t *testing.T) {
	t.Parallel()
	dsn := testenv.Postgres(t)
	lock, other := housekeeping.AdvisoryLock(dsn), housekeeping.AdvisoryLock(dsn)
	release, held, err := lock(t.Context())
	require.NoError(t, err)
	require.True(t, held)
	_, held, err = other(t.Context())
	require.NoError(t, err)
	require.False(t, held)

	w := newWorld(t)
	w.add("unseen", events.StatusActive, 91*day, 0)
	d := w.dormancy(func(c *housekeeping.Config) { c.Lock = other })
	n, err := d.Sweep(t.Context())
	require.NoError(t, err)
	require.Zero(t, n)
	release()
	n, err = d.Sweep(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, n)
	_, _, err = housekeeping.AdvisoryLock("postgres://127.0.0.1:1/none?connect_timeout=1")(t.Context())
	require.Error(t, err)
}
