package query

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/rosterhq/roster/events"
)

// Log is what the tail needs of the event log.
type Log interface {
	// Follow reads a stream in order from a sequence on, until ctx ends.
	Follow(ctx context.Context, s events.Stream, from uint64, f events.Follower) error
	// Open reads an event that was delivered sealed.
	Open(ctx context.Context, e events.Stored) (events.Recorded, error)
	// Head returns the last sequence of a stream.
	Head(ctx context.Context, s events.Stream) (uint64, error)
}

// proofLasts is how long the word of the log that nothing is missing counts. The
// word itself may be 400 ms old: together they stay below one second.
const proofLasts = 550 * time.Millisecond

// Tail reads both streams live, once for a process, and hands each event to
// whoever subscribed. It begins at what the log held when the process started.
type Tail struct {
	log              Log // nil: nothing is followed, and never current
	logger           *zap.Logger
	roster, activity *line
	stop             context.CancelFunc
	running          sync.WaitGroup

	replaced chan struct{} // closed when the log is another one
	once     sync.Once
}

func newTail(log Log, logger *zap.Logger, note func(events.Stored)) *Tail {
	return &Tail{
		log: log, logger: logger, stop: func() {}, replaced: make(chan struct{}),
		roster: &line{stream: events.Roster, note: note}, activity: &line{stream: events.Activity, note: note},
	}
}

// OpenTail follows the log from its end, for a process that answers no reads.
func OpenTail(ctx context.Context, log Log, logger *zap.Logger) (*Tail, error) {
	var heads positions
	for _, s := range []events.Stream{events.Roster, events.Activity} {
		head, err := log.Head(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("ask for the head of %s: %w", s, err)
		}
		*heads.at(s) = head
	}
	t := newTail(log, logger, func(events.Stored) {})
	t.start(context.WithoutCancel(ctx), heads)
	return t, nil
}

func (t *Tail) of(s events.Stream) *line {
	if s == events.Activity {
		return t.activity
	}
	return t.roster
}

// start follows each stream from behind the head it had.
func (t *Tail) start(ctx context.Context, heads positions) {
	t.roster.sequence.Store(heads.roster)
	t.activity.sequence.Store(heads.activity)
	if t.log == nil {
		return
	}
	ctx, t.stop = context.WithCancel(ctx)
	for _, l := range []*line{t.roster, t.activity} {
		t.running.Go(func() { t.follow(ctx, l, *heads.at(l.stream)+1) })
	}
}

// follow ends with ctx. A log that went back is not followed any more: what was
// read of it is worth nothing, and the process has to be started anew.
func (t *Tail) follow(ctx context.Context, l *line, from uint64) {
	err := t.log.Follow(ctx, l.stream, from, l)
	l.proven.Store(0)
	if ctx.Err() == nil {
		t.logger.Error("the log is not followed any more", zap.String("stream", string(l.stream)), zap.Error(err))
		if errors.Is(err, events.ErrWentBack) {
			t.once.Do(func() { close(t.replaced) })
		}
	}
}

// Replaced is closed when the log is another one than at the start: an older copy,
// say. What this process knows, and what it has reserved for writes to come, is not
// of that log, so the process must end.
func (t *Tail) Replaced() <-chan struct{} { return t.replaced }

// Close ends it. Nobody may be told anything after that.
func (t *Tail) Close() {
	t.stop()
	t.running.Wait()
}

// Subscribe calls f with each event of a stream from now on, in order, on the
// tail's goroutine: f must not block. Events behind the sequence that Current
// gives after Subscribe returned are all delivered; the one at it may be. A call
// under way when unsubscribe is called may end after it.
func (t *Tail) Subscribe(s events.Stream, f func(events.Stored)) (unsubscribe func()) {
	return t.of(s).subscribe(&subscriber{f: f})
}

// SubscribeWhole is Subscribe for whoever needs each message of the stream, also
// those that are no events: they come without Meta.
func (t *Tail) SubscribeWhole(s events.Stream, f func(events.Stored)) (unsubscribe func()) {
	return t.of(s).subscribe(&subscriber{f: f, whole: true})
}

// Current returns up to where a stream was delivered. It is ok while the log
// proves that this is its end, or was within the last second.
func (t *Tail) Current(s events.Stream) (sequence uint64, ok bool) {
	l := t.of(s)
	sequence = l.sequence.Load()
	return sequence, l.current()
}

// line is one stream as the tail reads it: an events.Observer.
type line struct {
	stream   events.Stream
	note     func(events.Stored) // before anybody else
	sequence atomic.Uint64
	proven   atomic.Int64 // when the log last said that nothing is missing, since epoch; 0 for never

	mu          sync.Mutex
	subscribers atomic.Pointer[[]*subscriber]
}

type subscriber struct {
	f     func(events.Stored)
	whole bool // of messages that are no events as well
}

// epoch makes moments of the monotonic clock fit into an atomic number.
var epoch = time.Now()

func (l *line) current() bool {
	proven := l.proven.Load()
	return proven != 0 && time.Since(epoch)-time.Duration(proven) < proofLasts
}

// Event moves on before it looks who subscribed: whoever subscribed and then read
// the sequence misses nothing behind it.
func (l *line) Event(e events.Stored) {
	l.note(e)
	l.sequence.Store(e.Sequence)
	if all := l.subscribers.Load(); all != nil {
		for _, s := range *all {
			s.f(e)
		}
	}
}

// Other implements events.Observer.
func (l *line) Other(m events.Stored) {
	l.sequence.Store(m.Sequence)
	if all := l.subscribers.Load(); all != nil {
		for _, s := range *all {
			if s.whole {
				s.f(m)
			}
		}
	}
}

// Caught implements events.Follower.
func (l *line) Caught(head uint64) {
	raise(&l.sequence, head)
	l.proven.Store(max(int64(time.Since(epoch)), 1))
}

// Lost implements events.Follower.
func (l *line) Lost(error) { l.proven.Store(0) }

func (l *line) subscribe(s *subscriber) (unsubscribe func()) {
	l.change(func(all []*subscriber) []*subscriber { return append(all, s) })
	return func() {
		l.change(func(all []*subscriber) []*subscriber {
			kept := all[:0]
			for _, other := range all {
				if other != s {
					kept = append(kept, other)
				}
			}
			return kept
		})
	}
}

// change replaces the list: whoever walks the old one is not disturbed.
func (l *line) change(f func([]*subscriber) []*subscriber) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []*subscriber
	if old := l.subscribers.Load(); old != nil {
		all = append(all, *old...)
	}
	all = f(all)
	l.subscribers.Store(&all)
}
