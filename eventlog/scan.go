package eventlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/rosterhq/roster/events"
)

const (
	// scanAhead and scanAheadBytes bound what is asked for in advance, and so the
	// memory of a scan, however slow its reader is.
	scanAhead      = 2000
	scanAheadBytes = 8 << 20
	// scanStalled is how long nothing may arrive before the scan begins anew
	// where it was, and scanPatience how long it tries without getting on.
	scanStalled  = 2 * time.Second
	scanPatience = 15 * time.Second
)

// errWholeRange ends the reading of a range.
var errWholeRange = errors.New("the whole range was read")

// Scan hands the events of a stream to f: those from one sequence to another,
// both included, in order, each once, still sealed. to 0, or beyond the end, is
// the end of the stream at the call; from 0 is its begin. What is no event
// (claims, counters) is left out. It reads a bounded number of messages ahead, so
// that f may take its time.
//
// An error of f ends the scan and is returned, wrapped. A server that is away for
// longer than 15 s is events.ErrUnavailable; what was handed over until then stays
// so, and a later scan may go on behind it. A log that ends before what was read is
// events.ErrWentBack.
func (l *Log) Scan(ctx context.Context, s events.Stream, from, to uint64, f func(events.Stored) error) error {
	return l.scan(ctx, s, from, to, scanning{filter: l.names.eventFilter(s), meta: true, f: func(m events.Stored) error {
		if m.Meta.ID == "" {
			return nil
		}
		return f(m)
	}})
}

// ScanMessages is Scan of all messages, also of those that are no events: claims,
// counters, and what this release can not read. None comes with its Meta.
func (l *Log) ScanMessages(ctx context.Context, s events.Stream, from, to uint64, f func(events.Stored) error) error {
	return l.scan(ctx, s, from, to, scanning{f: f})
}

// scan reads a range as w says, whose place it fills in.
func (l *Log) scan(ctx context.Context, s events.Stream, from, to uint64, w scanning) error {
	js, err := jetstream.New(l.read.nc)
	if err != nil {
		return fmt.Errorf("scan %s: %w", s, err)
	}
	head, err := l.Head(ctx, s)
	if err != nil {
		return fmt.Errorf("scan %s: %w", s, err)
	}
	if to == 0 || to > head {
		to = head
	}
	w.js, w.read, w.logger, w.stream, w.name = js, l.read, l.logger, s, l.names.streamOf(s)
	w.next, w.to = max(from, 1), to
	if err := w.run(ctx); err != nil {
		return fmt.Errorf("scan %s: %w", s, err)
	}
	return nil
}

// scanning is one call of Scan. Its place in the stream outlives consumers.
type scanning struct {
	js     jetstream.JetStream
	read   *reader
	logger *zap.Logger
	stream events.Stream
	name   string // of the stream on the server
	filter string
	meta   bool   // events come with their Meta
	next   uint64 // sequence to go on with
	to     uint64
	f      func(events.Stored) error
}

// refused is an error of who reads.
type refused struct{ error }

func (r refused) Unwrap() error { return r.error }

func (w *scanning) run(ctx context.Context) error {
	progress, wait := time.Now(), firstReopen
	for w.next <= w.to {
		began := w.next
		err := w.session(ctx)
		var stop refused
		switch {
		case err == nil, errors.Is(err, errWholeRange):
			return nil
		case errors.As(err, &stop):
			return stop.error
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, events.ErrWentBack):
			return err
		}
		if w.next > began {
			progress, wait = time.Now(), firstReopen
		}
		if time.Since(progress) > scanPatience || errors.Is(err, nats.ErrConnectionClosed) {
			return fmt.Errorf("%w: at %d of %d: %w", events.ErrUnavailable, w.next, w.to, err)
		}
		w.logger.Warn("the log is not read, trying again", zap.String("stream", w.name), zap.Uint64("at", w.next), zap.Error(err))
		if err := pause(ctx, wait); err != nil {
			return err
		}
		wait = min(2*wait, lastReopen)
	}
	return nil
}

// session reads through one consumer, until the range is read or something is wrong.
func (w *scanning) session(ctx context.Context) error {
	c, pending, err := w.open(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	for expect := uint64(1); ; expect++ {
		if pending == 0 {
			if err := w.confirmEnd(ctx); err != nil {
				return err
			}
		}
		msg, err := c.it.Next(jetstream.NextMaxWait(scanStalled))
		if err != nil {
			return fmt.Errorf("read %s: %w", w.name, err)
		}
		meta, err := msg.Metadata()
		switch {
		case err != nil:
			return fmt.Errorf("message of %s: %w", w.name, err)
		case meta.Sequence.Consumer != expect:
			return fmt.Errorf("%w: consumer of %s delivered its message %d, want %d", errGap, w.name, meta.Sequence.Consumer, expect)
		case meta.Sequence.Stream > w.to:
			return errWholeRange
		}
		if err := w.hand(msg, meta.Sequence.Stream); err != nil {
			return err
		}
		if w.next > w.to {
			return errWholeRange
		}
		pending = meta.NumPending
	}
}

// open makes a consumer and says how many messages there are for it.
func (w *scanning) open(ctx context.Context) (*consumer, uint64, error) {
	bounded, cancel := context.WithTimeout(ctx, openConsumer)
	defer cancel()
	made, err := w.js.CreateConsumer(bounded, w.name, jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: w.next, FilterSubject: w.filter,
		AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, Replicas: 1, InactiveThreshold: forgetConsumer,
	})
	if err != nil {
		return nil, 0, fmt.Errorf("consume %s from %d: %w", w.name, w.next, err)
	}
	info := made.CachedInfo()
	c := &consumer{js: w.js, stream: w.name, name: info.Name}
	if c.it, err = made.Messages(jetstream.PullMaxMessagesWithBytesLimit(scanAhead, scanAheadBytes)); err != nil {
		c.delete()
		return nil, 0, fmt.Errorf("consume %s from %d: %w", w.name, w.next, err)
	}
	c.done = context.AfterFunc(ctx, c.it.Stop)
	return c, info.NumPending, nil
}

// confirmEnd asks the stream's leader whether there is more in the range: the
// server that holds the consumer may lag behind, and a range may end with what
// the filter leaves out.
func (w *scanning) confirmEnd(ctx context.Context) error {
	subject := w.filter
	if subject == "" {
		subject = ">"
	}
	more, err := w.read.leaderNext(ctx, w.name, subject, w.next)
	if err != nil {
		return err
	}
	if more.sequence != 0 {
		if more.sequence > w.to {
			return errWholeRange
		}
		return nil
	}
	head, err := w.read.head(ctx, w.name)
	if err != nil {
		return err
	}
	if head < w.to {
		return fmt.Errorf("%w: %s ends at %d, it ended at %d", events.ErrWentBack, w.name, head, w.to)
	}
	return errWholeRange
}

func (w *scanning) hand(msg jetstream.Msg, sequence uint64) error {
	m := events.Stored{
		Stream: w.stream, Sequence: sequence, Subject: msg.Subject(), Headers: events.Headers(msg.Headers()), Data: msg.Data(),
	}
	if w.meta && len(m.Headers[events.HeaderType]) > 0 {
		meta, err := events.DecodeMeta(m.Headers)
		if err != nil {
			w.logger.Error("a message is no event", zap.String("stream", w.name), zap.Uint64("sequence", sequence), zap.Error(err))
		} else {
			m.Meta = meta
		}
	}
	if err := w.f(m); err != nil {
		return refused{err}
	}
	w.next = sequence + 1
	return nil
}
