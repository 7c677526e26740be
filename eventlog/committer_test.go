package eventlog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rosterhq/roster/events"
)

// fakeStream is a publisher that keeps messages in memory under the rules of a
// stream, and fails where the test wants it.
type fakeStream struct {
	mu       sync.Mutex
	lasts    map[string]uint64
	ids      []string // of stored messages, in order
	batches  [][]int  // sizes, by outcome: 0 stored, 1 refused
	entered  chan struct{}
	hold     chan struct{}
	loseAcks func() bool
}

func newFakeStream() *fakeStream {
	return &fakeStream{lasts: map[string]uint64{}, batches: make([][]int, 2), loseAcks: func() bool { return false }}
}

func (f *fakeStream) check(m *nats.Msg) error {
	expected := m.Header[jetstream.ExpectedLastSubjSeqHeader]
	if len(expected) > 0 && expected[0] != strconv.FormatUint(f.lasts[m.Subject], 10) {
		return &jetstream.APIError{Code: 400, ErrorCode: codeWrongLastSequence}
	}
	return nil
}

func (f *fakeStream) put(m *nats.Msg) uint64 {
	f.ids = append(f.ids, idOf(m.Header))
	f.lasts[m.Subject] = uint64(len(f.ids))
	return uint64(len(f.ids))
}

func (f *fakeStream) wait() {
	if f.entered != nil {
		f.entered <- struct{}{}
		<-f.hold
	}
}

func (f *fakeStream) plain(_ context.Context, msgs []*nats.Msg, acks []ack) {
	f.wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, m := range msgs {
		if acks[i].err = f.check(m); acks[i].err == nil {
			acks[i].sequence = f.put(m)
		}
		if f.loseAcks() {
			acks[i] = ack{err: nats.ErrTimeout}
		}
	}
}

func (f *fakeStream) batch(_ context.Context, msgs []*nats.Msg) (uint64, error) {
	f.wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range msgs {
		if err := f.check(m); err != nil {
			f.batches[1] = append(f.batches[1], len(msgs))
			return 0, err
		}
	}
	f.batches[0] = append(f.batches[0], len(msgs))
	var last uint64
	for _, m := range msgs {
		last = f.put(m)
	}
	if f.loseAcks() {
		return 0, nats.ErrTimeout
	}
	return last, nil
}

func (f *fakeStream) close() {}

func (f *fakeStream) lastsOf(_ context.Context, subjects []string) ([]uint64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]uint64, len(subjects))
	for i, s := range subjects {
		out[i] = f.lasts[s]
	}
	return out, nil
}

func noLasts(context.Context, []string) ([]uint64, error) { return nil, errors.New("not now") }

func startCommitter(t *testing.T, f *fakeStream, l limits, lasts func(context.Context, []string) ([]uint64, error)) *committer {
	t.Helper()
	c := newCommitter(f, l, lasts)
	go c.run()
	t.Cleanup(func() { require.NoError(t, c.close(context.Background())) })
	return c
}

var testLimits = limits{queue: 64, units: 32, messages: 64, linger: 50 * time.Microsecond}

func testUnit(id, subject string, expected uint64, claims ...string) *unit {
	u := &unit{}
	u.add(&nats.Msg{Subject: subject, Header: nats.Header{events.HeaderID: {id}}}, expected)
	for _, claim := range claims {
		u.add(&nats.Msg{Subject: claim, Header: nats.Header{events.HeaderID: {id + "/" + claim}}}, 0)
	}
	return u
}

// pair is a unit of two messages, so that its group must go as a batch.
func pair(i int) *unit {
	return testUnit(fmt.Sprint(i), fmt.Sprint("s", i), 0, fmt.Sprint("c", i))
}

func TestARefusedCommitHarmsNobodyElseInItsGroup(t *testing.T) {
	t.Parallel()
	for name, lasts := range map[string]func(*fakeStream) func(context.Context, []string) ([]uint64, error){
		"by halving": func(*fakeStream) func(context.Context, []string) ([]uint64, error) { return noLasts },
		"by sifting": func(f *fakeStream) func(context.Context, []string) ([]uint64, error) { return f.lastsOf },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeStream()
			f.lasts["c7"], f.lasts["s20"] = 100, 100
			c := startCommitter(t, f, testLimits, lasts(f))
			units := make([]*unit, 32)
			for i := range units {
				units[i] = pair(i)
			}
			require.NoError(t, c.submit(t.Context(), units...))
			for i, u := range units {
				if i == 7 || i == 20 {
					require.ErrorIs(t, u.err, events.ErrConflict)
					continue
				}
				require.NoError(t, u.err)
				require.Equal(t, fmt.Sprint(i), f.ids[u.first-1], "answered with its own sequence")
			}
			require.Len(t, f.ids, 60)
			if name == "by sifting" {
				require.Equal(t, [][]int{{60}, {64}}, f.batches)
			}
		})
	}
}

func TestAFullQueueIsUnavailable(t *testing.T) {
	t.Parallel()
	f := newFakeStream()
	f.entered, f.hold = make(chan struct{}), make(chan struct{})
	c := startCommitter(t, f, limits{queue: 3, units: 8, messages: 8}, noLasts)
	var wg sync.WaitGroup
	send := func(i int) {
		u := testUnit(fmt.Sprint(i), fmt.Sprint("s", i), 0)
		require.NoError(t, c.enqueueOne(u))
		wg.Go(func() { <-u.call.done })
	}
	send(0)
	<-f.entered // the first is on its way, the queue is empty
	for i := range 3 {
		send(i + 1)
	}
	err := c.submit(t.Context(), testUnit("x", "x", 0))
	require.ErrorIs(t, err, events.ErrUnavailable)
	f.hold <- struct{}{}
	<-f.entered
	f.hold <- struct{}{}
	wg.Wait()
	require.NotContains(t, f.ids, "x")
	require.Len(t, f.ids, 4)
}

// enqueueOne is submit without the wait.
func (c *committer) enqueueOne(u *unit) error {
	u.call = &call{open: 1, done: make(chan struct{})}
	return c.enqueue([]*unit{u})
}

func TestACallerThatGoesAwayLosesNothing(t *testing.T) {
	t.Parallel()
	f := newFakeStream()
	f.entered, f.hold = make(chan struct{}), make(chan struct{})
	c := startCommitter(t, f, testLimits, noLasts)
	ctx, cancel := context.WithCancel(t.Context())
	answered := make(chan error, 1)
	go func() { answered <- c.submit(ctx, testUnit("gone", "s", 0)) }()
	<-f.entered
	cancel()
	require.ErrorIs(t, <-answered, errUnknown)
	other := testUnit("other", "t", 0)
	require.NoError(t, c.enqueueOne(other))
	f.hold <- struct{}{}
	<-f.entered
	f.hold <- struct{}{}
	<-other.call.done
	require.NoError(t, other.err)
	require.Equal(t, []string{"gone", "other"}, f.ids)
}

func TestCommitsOnOneSubjectWaitAndAreRefusedTogether(t *testing.T) {
	t.Parallel()
	f := newFakeStream()
	c := startCommitter(t, f, testLimits, noLasts)
	units := make([]*unit, 20)
	for i := range units {
		units[i] = testUnit(fmt.Sprint(i), "same", 0, fmt.Sprint("c", i))
	}
	require.NoError(t, c.submit(t.Context(), units...))
	require.NoError(t, units[0].err)
	for _, u := range units[1:] {
		require.ErrorIs(t, u.err, events.ErrConflict)
	}
	require.Equal(t, [][]int{{2}, nil}, f.batches, "one publish for all of them")
}

func TestCloseLetsOutWhatWaits(t *testing.T) {
	t.Parallel()
	f := newFakeStream()
	f.entered, f.hold = make(chan struct{}), make(chan struct{}, 2)
	c := newCommitter(f, testLimits, noLasts)
	first, second := testUnit("1", "a", 0), testUnit("2", "b", 0)
	require.NoError(t, c.enqueueOne(first))
	go c.run()
	<-f.entered
	require.NoError(t, c.enqueueOne(second))
	closed := make(chan error, 1)
	go func() { closed <- c.close(context.Background()) }()
	f.hold <- struct{}{}
	<-f.entered
	f.hold <- struct{}{}
	require.NoError(t, <-closed)
	require.Equal(t, []string{"1", "2"}, f.ids)
	require.ErrorIs(t, c.submit(t.Context(), testUnit("3", "c", 0)), events.ErrUnavailable)
}

// Whatever comes together: what is answered with a sequence stands there, what
// is answered with a conflict is stored nowhere, nothing is stored in parts or
// twice, and an unknown outcome is only ever said when an answer was lost.
func TestAnswersAreTrue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		f := newFakeStream()
		lossy := rapid.Bool().Draw(rt, "lossy")
		var loses []bool
		if lossy {
			loses = rapid.SliceOfN(rapid.Bool(), 8, 8).Draw(rt, "loses")
		}
		asked := 0
		f.loseAcks = func() bool { asked++; return lossy && loses[asked%len(loses)] }
		lasts := noLasts
		if rapid.Bool().Draw(rt, "sifts") {
			lasts = f.lastsOf
		}
		c := newCommitter(f, testLimits, lasts)
		go c.run()
		var units []*unit
		n := rapid.IntRange(1, 40).Draw(rt, "units")
		for i := range n {
			id := fmt.Sprint(i)
			subject := fmt.Sprint("s", rapid.IntRange(0, 30).Draw(rt, "subject"))
			var claims []string
			if rapid.Bool().Draw(rt, "claims") {
				claims = []string{fmt.Sprint("c", rapid.IntRange(0, 30).Draw(rt, "claim"))}
			}
			units = append(units, testUnit(id, subject, uint64(rapid.IntRange(0, 2).Draw(rt, "expected")), claims...))
		}
		for len(units) > 0 {
			k := min(len(units), rapid.IntRange(1, 40).Draw(rt, "call"))
			if err := c.submit(context.Background(), units[:k]...); err != nil {
				rt.Fatal(err)
			}
			for _, u := range units[:k] {
				checkAnswer(rt, f, u, lossy)
			}
			units = units[k:]
		}
		if err := c.close(context.Background()); err != nil {
			rt.Fatal(err)
		}
	})
}

func checkAnswer(rt *rapid.T, f *fakeStream, u *unit, lossy bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := make([]int, len(u.msgs))
	for i, m := range u.msgs {
		at[i] = slices.Index(f.ids, idOf(m.Header))
		if at[i] != -1 && slices.Contains(f.ids[at[i]+1:], idOf(m.Header)) {
			rt.Fatalf("%s stored twice", idOf(m.Header))
		}
		if (at[i] == -1) != (at[0] == -1) || (at[i] != -1 && at[i] != at[0]+i) {
			rt.Fatalf("stored in parts: %v", at)
		}
	}
	switch {
	case u.err == nil && int(u.first) != at[0]+1:
		rt.Fatalf("answered %d, stands at %d", u.first, at[0]+1)
	case errors.Is(u.err, events.ErrConflict) && at[0] != -1:
		rt.Fatalf("answered with a conflict, stands at %d", at[0]+1)
	case errors.Is(u.err, errUnknown) && !lossy:
		rt.Fatalf("unknown without a lost answer: %v", u.err)
	case u.err != nil && !errors.Is(u.err, events.ErrConflict) && !errors.Is(u.err, errUnknown):
		rt.Fatal(u.err)
	}
}

func TestPaceFindsTheBorder(t *testing.T) {
	t.Parallel()
	p := newPace()
	require.True(t, p.plain(8))
	require.False(t, p.plain(32))
	for range 100 { // a server without sync
		p.tookPlain(8, 8*15*time.Microsecond)
		p.tookBatch(100, 3500*time.Microsecond)
	}
	require.True(t, p.plain(128))
	p.tookPlain(100, time.Second) // one hiccup of the disk
	require.True(t, p.plain(32))
	for range 100 { // a server with sync
		p.tookPlain(4, 4*200*time.Microsecond)
		p.tookBatch(100, 3500*time.Microsecond)
	}
	require.True(t, p.plain(8))
	require.False(t, p.plain(32))
}
