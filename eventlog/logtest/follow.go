//nolint:thelper // these are tests, not helpers of tests
package logtest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
)

var follows = map[string]func(*testing.T, Log){
	"a follower gets what is there and what comes, once and in order": followAll,
	"a follower begins where it asks":                                 followFrom,
	"claims and counters move a follower without an event":            followClaims,
	"a delivered event opens, without its private part once erased":   followOpens,
	"a follower of what the log does not hold is told":                followTooFar,
	"an activity is followed too":                                     followActivity,
}

// patience is for what comes at once unless something is wrong.
const patience = 20 * time.Second

// Follower collects what it is told.
type Follower struct {
	mu      sync.Mutex
	events  []events.Stored
	head    uint64
	said    int // how often Caught was called
	lost    []error
	changed chan struct{}
}

// NewFollower returns one that knows nothing yet.
func NewFollower() *Follower { return &Follower{changed: make(chan struct{})} }

func (f *Follower) change(c func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c()
	close(f.changed)
	f.changed = make(chan struct{})
}

// Event implements events.Follower.
func (f *Follower) Event(e events.Stored) { f.change(func() { f.events = append(f.events, e) }) }

// Caught implements events.Follower.
func (f *Follower) Caught(head uint64) { f.change(func() { f.head, f.said = head, f.said+1 }) }

// Lost implements events.Follower.
func (f *Follower) Lost(err error) { f.change(func() { f.lost = append(f.lost, err) }) }

// Await waits until what the follower knows satisfies ok.
func (f *Follower) Await(t *testing.T, ok func(got []events.Stored, head uint64, lost []error) bool) []events.Stored {
	t.Helper()
	deadline := time.After(patience)
	for {
		f.mu.Lock()
		got, head, lost, changed := f.events, f.head, f.lost, f.changed
		f.mu.Unlock()
		if ok(got, head, lost) {
			return got
		}
		select {
		case <-changed:
		case <-deadline:
			require.FailNow(t, "the follower did not get there", "events %d, head %d, lost %v", len(got), head, lost)
		}
	}
}

// AwaitHead waits until everything up to head was delivered.
func (f *Follower) AwaitHead(t *testing.T, head uint64) []events.Stored {
	t.Helper()
	return f.Await(t, func(_ []events.Stored, at uint64, _ []error) bool { return at >= head })
}

// Said returns how often the follower was told that nothing is missing.
func (f *Follower) Said() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.said
}

func follow(t *testing.T, l Log, s events.Stream, from uint64) *Follower {
	t.Helper()
	f := NewFollower()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Follow(ctx, s, from, f) }()
	t.Cleanup(func() {
		stop()
		require.ErrorIs(t, <-ended, context.Canceled)
	})
	return f
}

func followAll(t *testing.T, l Log) {
	want := make([]events.Aggregate, 0, 60)
	for range 20 {
		user, _ := register(t, l)
		want = append(want, user)
	}
	f := follow(t, l, events.Roster, 0)
	for range 20 {
		user, _ := register(t, l)
		want = append(want, user)
	}
	f.AwaitHead(t, head(t, l, events.Roster))
	for range 20 {
		user, _ := register(t, l)
		want = append(want, user)
	}
	got := f.AwaitHead(t, head(t, l, events.Roster))
	require.Len(t, got, len(want))
	for i, e := range got {
		require.Equal(t, want[i], e.Meta.Aggregate)
		require.EqualValues(t, i+1, e.Sequence)
		require.Equal(t, events.Roster, e.Stream)
		require.Equal(t, e.Meta.ID, e.Headers[events.HeaderID][0])
	}
	said := f.Said()
	f.Await(t, func([]events.Stored, uint64, []error) bool { return f.Said() > said+1 }) // though nothing happens
}

func followFrom(t *testing.T, l Log) {
	for range 5 {
		register(t, l)
	}
	behind := follow(t, l, events.Roster, 6)
	got := follow(t, l, events.Roster, 4).AwaitHead(t, 5)
	require.Len(t, got, 2)
	require.EqualValues(t, 4, got[0].Sequence)
	require.Empty(t, behind.AwaitHead(t, 5))
	register(t, l)
	got = behind.AwaitHead(t, 6)
	require.Len(t, got, 1)
	require.EqualValues(t, 6, got[0].Sequence)
}

func followClaims(t *testing.T, l Log) {
	user := newUser()
	first, err := l.Append(t.Context(), registration(user, "ada", "ada@example.org"))
	require.NoError(t, err)
	_, err = l.Reserve(t.Context(), "user", 16)
	require.NoError(t, err)
	at := head(t, l, events.Roster)
	require.EqualValues(t, 4, at)
	got := follow(t, l, events.Roster, 1).AwaitHead(t, at)
	require.Len(t, got, 1)
	require.Equal(t, first, got[0].Sequence)
}

func followOpens(t *testing.T, l Log) {
	user, _ := register(t, l)
	e := follow(t, l, events.Roster, 1).AwaitHead(t, 1)[0]
	r, err := l.Open(t.Context(), e)
	require.NoError(t, err)
	require.Equal(t, e.Meta, r.Meta)
	require.Equal(t, e.Position(), r.Position())
	require.Equal(t, "ada", r.Payload.(*events.UserRegistered).Private.Username)
	require.NoError(t, l.EraseKey(t.Context(), user.ID))
	r, err = l.Open(t.Context(), e)
	require.NoError(t, err)
	require.Zero(t, r.Payload.(*events.UserRegistered).Private)
	require.Equal(t, events.StatusActive, r.Payload.(*events.UserRegistered).Status)
}

func followTooFar(t *testing.T, l Log) {
	register(t, l)
	ctx, stop := context.WithTimeout(t.Context(), 3*patience) // a cluster is asked for half a minute before it is believed
	defer stop()
	require.ErrorIs(t, l.Follow(ctx, events.Roster, 3, NewFollower()), events.ErrWentBack)
}

func followActivity(t *testing.T, l Log) {
	user, _ := register(t, l)
	f := follow(t, l, events.Activity, 1)
	drafts := make([]events.Draft, 300)
	for i := range drafts {
		drafts[i] = activity(user, fmt.Sprint(i))
	}
	_, err := l.Record(t.Context(), drafts)
	require.NoError(t, err)
	got := f.AwaitHead(t, 300)
	require.Len(t, got, 300)
	for i, e := range got {
		require.EqualValues(t, i+1, e.Sequence)
		require.Equal(t, drafts[i].Meta.ID, e.Meta.ID)
		require.Equal(t, user, e.Meta.Aggregate)
	}
}
