package live

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/testenv"
	"github.com/rosterhq/roster/query"
)

func TestMain(m *testing.M) { testenv.Main(m) }

const patience = 10 * time.Second

// world is a log and a read model in memory, of one user.
type world struct {
	mu    sync.Mutex
	told  map[events.Stream]func(events.Stored)
	facts map[uint64]events.Payload // of ROSTER
	head  uint64                    // of ACTIVITY
	model uint64                    // how far the read model is
	deaf  atomic.Bool
	roles atomic.Bool // what Check says
	asked atomic.Int64
}

func (w *world) Subscribe(s events.Stream, f func(events.Stored)) func() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told[s] = f
	return func() {}
}

func (w *world) Current(events.Stream) (uint64, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.head, !w.deaf.Load()
}

func (w *world) Head(context.Context, events.Stream) (uint64, error) {
	head, _ := w.Current(events.Activity)
	return head, nil
}

func (w *world) AwaitActivities(ctx context.Context, _ uint64) error {
	<-ctx.Done() // the model stands still
	return ctx.Err()
}

func (w *world) rows(from, to uint64) (items []query.Activity) {
	for s := from; s <= to; s++ {
		items = append(items, row(s))
	}
	return items
}

func row(sequence uint64) query.Activity {
	return query.Activity{Sequence: sequence, UserID: "u", Type: events.TicketActivity, Action: "a", EntityID: fmt.Sprint(sequence)}
}

func (w *world) History(_ context.Context, _ query.HistoryFilter, after uint64, limit int) ([]query.Activity, uint64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	through := max(after, min(w.model, after+uint64(limit)))
	return w.rows(after+1, through), through, nil
}

func (w *world) Latest(_ context.Context, _ query.HistoryFilter, limit int) ([]query.Activity, uint64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rows(max(w.model, uint64(limit))-uint64(limit)+1, w.model), w.model, nil
}

func (w *world) OpenEvent(_ context.Context, e events.Stored) (events.Recorded, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if e.Stream == events.Roster {
		p := w.facts[e.Sequence]
		if p == nil {
			return events.Recorded{}, errors.New("unknown type")
		}
		return events.Recorded{Stream: e.Stream, Sequence: e.Sequence, Payload: p}, nil
	}
	return events.Recorded{Stream: e.Stream, Sequence: e.Sequence, Payload: &events.ActivityRecorded{
		User: "u", Type: events.TicketActivity, Action: "a", EntityID: fmt.Sprint(e.Sequence),
	}}, nil
}

// happen tells of n activities.
func (w *world) happen(n int) {
	for range n {
		w.mu.Lock()
		w.head++
		e := events.Stored{Stream: events.Activity, Sequence: w.head, Meta: events.Meta{Aggregate: events.Aggregate{Kind: events.User, ID: "u"}}}
		tell := w.told[events.Activity]
		w.mu.Unlock()
		if tell != nil {
			tell(e)
		}
	}
}

func (w *world) fact(p events.Payload) {
	w.mu.Lock()
	sequence := uint64(len(w.facts) + 1)
	w.facts[sequence] = p
	tell := w.told[events.Roster]
	w.mu.Unlock()
	tell(events.Stored{Stream: events.Roster, Sequence: sequence, Meta: events.Meta{Aggregate: events.Aggregate{Kind: events.User, ID: "u"}}})
}

// sink collects what is written; a blocked one takes nothing until it is broken off.
type sink struct {
	blocked, broken chan struct{}
	once            sync.Once
	mu              sync.Mutex
	text            strings.Builder
	closed          chan struct{}
}

func newSink(blocked bool) *sink {
	s := &sink{broken: make(chan struct{}), closed: make(chan struct{})}
	if blocked {
		s.blocked = make(chan struct{})
	}
	return s
}

func (s *sink) Write(p []byte) error {
	if s.blocked != nil {
		select {
		case <-s.blocked:
		case <-s.broken:
			return errors.New("broken off")
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(p)
	return nil
}

func (s *sink) Abort() { s.once.Do(func() { close(s.broken) }) }
func (s *sink) Close() { close(s.closed) }

func (s *sink) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func newHub(t *testing.T, tune func(*Config)) (*Hub, *world) {
	t.Helper()
	w := &world{told: map[events.Stream]func(events.Stored){}, facts: map[uint64]events.Payload{}}
	w.roles.Store(true)
	c := Config{Source: w, Reads: w, Render: func(a query.Activity) ([]byte, error) { return fmt.Appendf(nil, `{"n":%s}`, a.EntityID), nil }}
	if tune != nil {
		tune(&c)
	}
	h, err := New(c)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = h.Close(ctx)
	})
	return h, w
}

func (w *world) request() Request {
	may := func(string) bool { return true }
	return Request{
		Caller: "u", Key: "k", May: may, Rights: func([]events.Role) func(string) bool { return may }, After: Earliest, Lines: true,
		Check: func(context.Context) (Standing, error) {
			w.asked.Add(1)
			if !w.roles.Load() {
				return Standing{Reason: Suspended}, nil
			}
			return Standing{May: may}, nil
		},
	}
}

// run opens a stream that writes to a sink.
func run(t *testing.T, h *Hub, r Request, to *sink) *Stream {
	t.Helper()
	s, err := h.Open(r)
	require.NoError(t, err)
	go s.Run(context.Background(), to, func() { go s.Flush() })
	t.Cleanup(s.Leave)
	return s
}

func lines(from, to int) string {
	var b strings.Builder
	for i := from; i <= to; i++ {
		fmt.Fprintf(&b, "{\"n\":%d}\n", i)
	}
	return b.String()
}

func (s *sink) shows(t *testing.T, want string) {
	t.Helper()
	require.Eventually(t, func() bool { return s.String() == want }, patience, time.Millisecond, "%s", s)
}

func (s *sink) ends(t *testing.T, within time.Duration) {
	t.Helper()
	select {
	case <-s.closed:
	case <-time.After(within):
		require.Fail(t, "the stream goes on", "%s", s)
	}
}

// The read model stands still: what the process has heard itself is sent.
func TestJoinsWhileTheModelIsBehind(t *testing.T) {
	t.Parallel()
	h, w := newHub(t, nil)
	w.mu.Lock()
	w.head, w.model = 5, 5
	w.mu.Unlock()
	first := newSink(false)
	run(t, h, w.request(), first)
	first.shows(t, lines(1, 5))
	w.happen(10)
	first.shows(t, lines(1, 15))
	second := newSink(false)
	run(t, h, w.request(), second)
	second.shows(t, lines(1, 15))
	r := w.request()
	r.After = "a12"
	third := newSink(false)
	run(t, h, r, third)
	w.happen(1)
	third.shows(t, lines(13, 16))
}

func TestSlowClientIsBounded(t *testing.T) {
	t.Parallel()
	h, w := newHub(t, func(c *Config) { c.Buffer = 8 })
	slow := newSink(true)
	s := run(t, h, w.request(), slow)
	require.Eventually(t, func() bool { // joined
		w.happen(1)
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.pending.n > 0 || s.ending != nil
	}, patience, time.Millisecond)
	w.happen(1000)
	require.Eventually(t, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		require.LessOrEqual(t, s.pending.n, 8)
		return s.ending == endOverflow
	}, patience, time.Millisecond)
	close(slow.blocked)
	slow.ends(t, patience)
	require.Contains(t, slow.String(), `"event":"overflow"`)
}

func TestRevokedWhileAWriteHangs(t *testing.T) {
	t.Parallel()
	h, w := newHub(t, nil)
	w.happen(1)
	w.mu.Lock()
	w.model = 1
	w.mu.Unlock()
	stuck := newSink(true)
	run(t, h, w.request(), stuck)
	w.fact(&events.UserSessionClosed{KeyID: "other"})
	w.fact(&events.UserSessionClosed{KeyID: "k"})
	stuck.ends(t, 3*time.Second)
	require.Empty(t, stuck.String(), "nothing is sent any more")
}

func TestFactsThatCanNotBeReadEndStreams(t *testing.T) {
	t.Parallel()
	h, w := newHub(t, nil)
	out := newSink(false)
	run(t, h, w.request(), out)
	w.fact(nil)
	out.ends(t, patience)
	require.Contains(t, out.String(), `"event":"revoked"`)
}

// While the log is not heard, credentials are looked up.
func TestGuard(t *testing.T) {
	t.Parallel()
	h, w := newHub(t, nil)
	out := newSink(false)
	run(t, h, w.request(), out)
	w.deaf.Store(true)
	require.Eventually(t, func() bool { return w.asked.Load() > 0 }, patience, time.Millisecond)
	w.roles.Store(false)
	out.ends(t, 3*time.Second)
	require.Contains(t, out.String(), `"reason":"suspended"`)
}

// A hub that can not keep up lets all clients come back.
func TestHubThatIsBehind(t *testing.T) {
	t.Parallel()
	h, w := newHub(t, nil)
	out := newSink(false)
	run(t, h, w.request(), out)
	w.happen(1)
	out.shows(t, lines(1, 1))
	h.mu.Lock() // it hears nothing
	w.happen(inboxMost + 100)
	h.mu.Unlock()
	w.happen(1)
	out.ends(t, patience)
	require.Contains(t, out.String(), `"event":"overflow"`)
	w.mu.Lock()
	w.model = w.head
	w.mu.Unlock()
	r := w.request()
	r.After = ""
	again := newSink(false)
	run(t, h, r, again)
	w.happen(1)
	require.Eventually(t, func() bool { return strings.HasSuffix(again.String(), lines(inboxMost+103, inboxMost+103)) }, patience, time.Millisecond)
}

func TestCloseTellsAndForgets(t *testing.T) {
	t.Parallel()
	h, w := newHub(t, nil)
	good, stuck := newSink(false), newSink(true)
	run(t, h, w.request(), good)
	w.happen(1)
	good.shows(t, lines(1, 1))
	run(t, h, w.request(), stuck)
	never, err := h.Open(w.request())
	require.NoError(t, err)
	never.Leave()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	require.NoError(t, h.Close(ctx))
	require.Contains(t, good.String(), `"event":"shutdown"`)
	<-stuck.closed
	require.Zero(t, h.count())
	require.Empty(t, h.byCaller)
	require.Empty(t, h.byUser)
	_, err = h.Open(w.request())
	require.ErrorIs(t, err, ErrClosed)
}

func TestMostStreams(t *testing.T) {
	t.Parallel()
	require.Positive(t, mostStreams())
	require.LessOrEqual(t, uint64(mostStreams()), min(openFiles(), math.MaxInt32))
}
