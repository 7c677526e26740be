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
	followAhead    = 2000             // messages asked for in advance
	forgetConsumer = 30 * time.Second // after which the server drops one whose process died
	openConsumer   = 2 * time.Second
)

// consumer is ephemeral, unfiltered and without acknowledgements: the place in
// the stream is ours to keep, and nothing is left behind on the server.
type consumer struct {
	js     jetstream.JetStream
	stream string
	name   string
	it     jetstream.MessagesContext
	done   func() bool
}

// open makes a consumer that begins with the last message that was read, which
// proves that the log is still the same.
func (w *following) open(ctx context.Context) (*consumer, error) {
	bounded, cancel := context.WithTimeout(ctx, openConsumer)
	defer cancel()
	w.mu.Lock()
	start := w.last
	if w.newest == nil {
		start++
	}
	w.expect, w.asked, w.idle = 1, probe{}, time.Time{}
	w.mu.Unlock()
	if err := w.probeOnce(bounded); err != nil {
		return nil, err
	}
	made, err := w.js.CreateConsumer(bounded, w.name, jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: start,
		AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, Replicas: 1, InactiveThreshold: forgetConsumer,
	})
	if err != nil {
		return nil, fmt.Errorf("consume %s from %d: %w", w.name, start, err)
	}
	c := &consumer{js: w.js, stream: w.name, name: made.CachedInfo().Name}
	if c.it, err = made.Messages(jetstream.PullMaxMessages(followAhead)); err != nil {
		c.delete()
		return nil, fmt.Errorf("consume %s from %d: %w", w.name, start, err)
	}
	c.done = context.AfterFunc(ctx, c.it.Stop)
	return c, nil
}

func (c *consumer) close() {
	c.done()
	c.it.Stop()
	c.delete()
}

// delete is a courtesy: the server drops an unused consumer by itself, and nobody
// waits for a server that is away.
func (c *consumer) delete() {
	if !c.js.Conn().IsConnected() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = c.js.DeleteConsumer(ctx, c.stream, c.name)
}

// deliver hands over one message, if it is an event and new.
func (w *following) deliver(msg jetstream.Msg) error {
	meta, err := msg.Metadata()
	if err != nil {
		return fmt.Errorf("message of %s: %w", w.name, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if meta.Sequence.Consumer != w.expect {
		return fmt.Errorf("%w: consumer of %s delivered its message %d, want %d", errGap, w.name, meta.Sequence.Consumer, w.expect)
	}
	w.expect++
	w.idle = time.Time{}
	sequence := meta.Sequence.Stream
	fresh, err := w.place(sequence, msg)
	if err != nil {
		return err
	}
	if fresh {
		w.hand(msg, sequence)
	}
	if w.asked.head != 0 && w.asked.head <= sequence {
		w.caught(w.asked)
		w.asked = probe{}
	}
	return nil
}

// place moves on to a message. It is not fresh when it is the one that was read last.
func (w *following) place(sequence uint64, msg jetstream.Msg) (fresh bool, err error) {
	// The first message of a consumer shows whether the log is the same.
	first := w.expect == 2
	switch {
	case first && w.newest != nil && (sequence != w.last || identify(msg) != identify(w.newest)):
		return false, fmt.Errorf("%w: %s holds another message at %d than the one that was read there", events.ErrWentBack, w.name, w.last)
	case first && w.newest == nil && sequence != w.last+1 && !w.earliest:
		return false, fmt.Errorf("%w: %s begins at %d, asked for from %d", events.ErrWentBack, w.name, sequence, w.last+1)
	case sequence <= w.last:
		return false, nil
	}
	w.last, w.newest = sequence, msg
	return true, nil
}

func (w *following) hand(msg jetstream.Msg, sequence uint64) {
	m := events.Stored{
		Stream: w.stream, Sequence: sequence, Subject: msg.Subject(), Headers: events.Headers(msg.Headers()), Data: msg.Data(),
	}
	if len(m.Headers[events.HeaderType]) == 0 {
		w.other(m) // a claim or a counter
		return
	}
	var err error
	if m.Meta, err = events.DecodeMeta(m.Headers); err != nil {
		w.logger.Error("a message is no event", zap.String("stream", w.name), zap.Uint64("sequence", sequence), zap.Error(err))
		w.other(m)
		return
	}
	w.lost = false
	w.to.Event(m)
}

func (w *following) other(m events.Stored) {
	if w.observer != nil {
		w.observer.Other(m)
	}
}

// identify names a message, to tell it from another one in its place.
func identify(msg jetstream.Msg) string {
	if id := idOf(msg.Headers()); id != "" {
		return id
	}
	return msg.Subject() + "\n" + string(msg.Data())
}

// probe asks where the stream ends, again and again: only that proves that
// nothing is missing, and finds what a lost connection lost.
func (w *following) probe(ctx context.Context) error {
	broken := w.nc.StatusChanged(nats.DISCONNECTED, nats.RECONNECTING, nats.CLOSED)
	defer w.nc.RemoveStatusListener(broken)
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for {
		if !w.nc.IsConnected() {
			return errDisconnected
		}
		if err := w.probeOnce(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-broken:
			return errDisconnected
		case <-tick.C:
		}
	}
}

// probeOnce takes a missing answer for nothing: without one nobody is told that
// all is well.
func (w *following) probeOnce(ctx context.Context) error {
	p := w.ask()
	bounded, cancel := context.WithTimeout(ctx, probeFresh)
	defer cancel()
	head, err := w.read.head(bounded, w.name)
	var api *jetstream.APIError
	switch {
	case errors.As(err, &api) && api.ErrorCode == codeStreamNotFound:
		head = 0
	case err != nil:
		w.unanswered()
		return nil
	}
	p.head = head
	return w.judge(p)
}

func (w *following) ask() probe {
	w.mu.Lock()
	defer w.mu.Unlock()
	return probe{read: w.last, at: time.Now()}
}

// unanswered forgets what earlier answers made suspect: a server that was away may
// lag once more when it is back.
func (w *following) unanswered() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.back = time.Time{}
}

// judge compares the end of the stream with what was read.
func (w *following) judge(p probe) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if p.head < p.read {
		return w.endsBefore(p, now)
	}
	w.back = time.Time{}
	if p.head <= w.last && w.verified() { // messages may have overtaken the answer
		w.idle, w.asked = time.Time{}, probe{}
		w.caught(p)
		return nil
	}
	if w.asked.head == 0 || now.Sub(w.asked.at) > probeFresh { // one that may still be reached in time stays
		w.asked = p
	}
	if w.idle.IsZero() {
		w.idle = now
	}
	if now.Sub(w.idle) > stalledAfter {
		return fmt.Errorf("%w: %s ends at %d, nothing after %d arrives", errGap, w.name, p.head, w.last)
	}
	return nil
}

// endsBefore believes that a stream went back when each answer has said so for long
// enough.
func (w *following) endsBefore(p probe, now time.Time) error {
	if w.back.IsZero() {
		w.back = now
	}
	if now.Sub(w.back) <= w.patience {
		return nil
	}
	return fmt.Errorf("%w: %s ends at %d, %d was read", events.ErrWentBack, w.name, p.head, p.read)
}

// verified says that this consumer continues where the last one ended.
func (w *following) verified() bool { return w.newest == nil || w.expect > 1 }

// caught tells the follower, unless the proof is too old.
func (w *following) caught(p probe) {
	if time.Since(p.at) > probeFresh {
		return
	}
	w.lost = false
	w.to.Caught(w.last)
}
