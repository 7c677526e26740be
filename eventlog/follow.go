package eventlog

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/rosterhq/roster/events"
)

const (
	// probeEvery is how often the end of a followed stream is asked for, and
	// probeFresh how old such an answer may be to prove that nothing is missing.
	probeEvery = 150 * time.Millisecond
	probeFresh = 400 * time.Millisecond
	// stalledAfter is how long a stream may be ahead with nothing arriving.
	stalledAfter = 2 * time.Second
	// backAfter is how long a stream must end before what was read, before that
	// is believed. In a cluster a leader elected just now may be behind for a moment,
	// and one that was cut off from the others takes itself for the leader for ten
	// seconds.
	backAfter, backAfterInCluster = 3 * time.Second, 30 * time.Second

	firstReopen, lastReopen = 20 * time.Millisecond, 500 * time.Millisecond
)

var (
	errGap          = errors.New("messages are missing")
	errDisconnected = errors.New("disconnected from the server")
)

// Follow reads a stream in order from a sequence on, until ctx ends, and hands
// each event to f. It reconnects by itself; it never skips and never repeats.
// Claims and counters are no events: they only move what Caught says. A log that
// went back is events.ErrWentBack.
func (l *Log) Follow(ctx context.Context, s events.Stream, from uint64, f events.Follower) error {
	js, err := jetstream.New(l.read.nc)
	if err != nil {
		return fmt.Errorf("follow %s: %w", s, err)
	}
	w := &following{
		js: js, nc: l.read.nc, read: l.read, logger: l.logger, to: f,
		stream: s, name: l.names.streamOf(s), last: max(from, 1) - 1, earliest: from <= 1,
		patience: backAfter,
	}
	if l.floors.needed() {
		w.patience = backAfterInCluster
	}
	w.observer, _ = f.(events.Observer)
	if err := w.run(ctx); err != nil {
		return fmt.Errorf("follow %s: %w", s, err)
	}
	return nil
}

func (n names) streamOf(s events.Stream) string {
	switch s {
	case events.Activity:
		return n.activity
	case usageStream:
		return n.usage
	default:
		return n.roster
	}
}

// Open reads an event that was delivered sealed. One whose data key is erased
// comes with its private part empty.
func (l *Log) Open(ctx context.Context, e events.Stored) (events.Recorded, error) {
	r, err := l.decode(ctx, e.Stream, &stored{sequence: e.Sequence, header: nats.Header(e.Headers), data: e.Data})
	if err != nil {
		return events.Recorded{}, fmt.Errorf("open %s: %w", e.Position(), err)
	}
	return r, nil
}

// following is one call of Follow. Its place in the stream outlives consumers.
type following struct {
	js       jetstream.JetStream
	nc       *nats.Conn
	read     *reader
	logger   *zap.Logger
	to       events.Follower
	observer events.Observer // to, if it wants to know of other messages; else nil
	stream   events.Stream
	name     string        // of the stream on the server
	earliest bool          // whatever the stream begins with is right
	patience time.Duration // with a stream that ends before what was read

	mu     sync.Mutex
	last   uint64        // sequence of the last message that was read
	newest jetstream.Msg // that message; nil before the first
	expect uint64        // next sequence of the consumer
	asked  probe         // the newest end of the stream that is not reached yet
	idle   time.Time     // since when the stream is ahead and nothing arrived
	back   time.Time     // since when each answer says that the stream ends before what was read
	lost   bool          // the follower was told so
}

// probe is where a stream ended when it was asked.
type probe struct {
	head uint64
	read uint64 // the last that had been read then: an answer may be overtaken by messages
	at   time.Time
}

func (w *following) run(ctx context.Context) error {
	wait := firstReopen
	for {
		began := time.Now()
		err := w.session(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, events.ErrWentBack) || errors.Is(err, nats.ErrConnectionClosed) {
			return err
		}
		w.tell(err)
		if time.Since(began) > lastReopen {
			wait = firstReopen
		}
		if err := pause(ctx, wait); err != nil {
			return err
		}
		wait = min(2*wait, lastReopen)
	}
}

// tell reports a loss once.
func (w *following) tell(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lost {
		return
	}
	w.lost = true
	w.logger.Warn("the log is not followed, trying again", zap.String("stream", w.name), zap.Error(err))
	w.to.Lost(err)
}

// session reads through one consumer until something is wrong.
func (w *following) session(ctx context.Context) error {
	if w.nc.IsClosed() {
		return nats.ErrConnectionClosed
	}
	if !w.nc.IsConnected() {
		return errDisconnected
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	r, err := w.open(ctx)
	if err != nil {
		return err
	}
	defer r.close()
	var probing sync.WaitGroup
	probing.Go(func() { end(w.probe(ctx)) })
	defer probing.Wait()
	err = w.deliverAll(r)
	end(err)
	if cause := context.Cause(ctx); cause != nil {
		return cause // the first of the two
	}
	return err
}

func (w *following) deliverAll(r *consumer) error {
	for {
		msg, err := r.it.Next()
		if err != nil {
			return fmt.Errorf("read %s: %w", w.name, err)
		}
		if err := w.deliver(msg); err != nil {
			return err
		}
	}
}
