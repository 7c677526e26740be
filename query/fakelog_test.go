package query

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
)

// fakeLog is a log whose deliveries the test holds in its hand.
type fakeLog struct {
	mu      sync.Mutex
	stored  map[events.Stream][]events.Stored // at index sequence-1; without a type: no event
	held    map[events.Stream]uint64          // nothing behind this is delivered; absent: everything
	cut     bool
	changed chan struct{}
}

func newFakeLog() *fakeLog {
	return &fakeLog{stored: map[events.Stream][]events.Stored{}, held: map[events.Stream]uint64{}, changed: make(chan struct{})}
}

func (l *fakeLog) change(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
	close(l.changed)
	l.changed = make(chan struct{})
}

// append stores an event of a user; an empty type is a claim or a counter.
func (l *fakeLog) append(s events.Stream, userID string, t events.Type) (sequence uint64) {
	l.change(func() {
		sequence = uint64(len(l.stored[s]) + 1)
		l.stored[s] = append(l.stored[s], events.Stored{
			Stream: s, Sequence: sequence,
			Meta: events.Meta{Type: t, Aggregate: events.Aggregate{Kind: events.User, ID: userID}},
		})
	})
	return sequence
}

func (l *fakeLog) setCut(cut bool) { l.change(func() { l.cut = cut }) }

func (l *fakeLog) hold(s events.Stream, sequence uint64) { l.change(func() { l.held[s] = sequence }) }

func (l *fakeLog) release(s events.Stream) { l.change(func() { delete(l.held, s) }) }

func (l *fakeLog) Head(_ context.Context, s events.Stream) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return uint64(len(l.stored[s])), nil
}

func (l *fakeLog) Open(context.Context, events.Stored) (events.Recorded, error) {
	return events.Recorded{}, errors.New("not here")
}

func (l *fakeLog) Follow(ctx context.Context, s events.Stream, from uint64, f events.Follower) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		l.mu.Lock()
		all, cut, changed := l.stored[s], l.cut, l.changed
		end, held := l.held[s]
		l.mu.Unlock()
		if !held {
			end = uint64(len(all))
		}
		for ; !cut && from <= end; from++ {
			if e := all[from-1]; e.Meta.Type != "" {
				f.Event(e)
			}
		}
		switch {
		case cut:
			f.Lost(errors.New("cut"))
		case from > uint64(len(all)):
			f.Caught(from - 1)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		case <-tick.C:
		}
	}
}

// follow opens queries over the store that follow a log, and waits until the
// tail is current.
func (s *store) follow(l *fakeLog, cacheBytes int64) *Queries {
	s.t.Helper()
	q, err := Open(context.Background(), Config{DSN: s.dsn, Log: l, CacheBytes: cacheBytes})
	require.NoError(s.t, err)
	s.t.Cleanup(q.Close)
	current(s.t, q, true)
	return q
}

// current waits until the tail says of ROSTER whether it is current.
func current(t testing.TB, q *Queries, want bool) {
	t.Helper()
	require.Eventually(t, func() bool {
		_, ok := q.Tail().Current(events.Roster)
		return ok == want
	}, 5*time.Second, time.Millisecond)
}

// delivered waits until the tail has handed on everything up to a sequence.
func delivered(t testing.TB, q *Queries, s events.Stream, sequence uint64) {
	t.Helper()
	require.Eventually(t, func() bool {
		at, _ := q.Tail().Current(s)
		return at >= sequence
	}, 5*time.Second, time.Millisecond)
}
