package runtime

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	pullAhead      = 2000
	idleCheck      = time.Second      // how long silence lasts before the stream's head is asked
	forgetConsumer = 60 * time.Second // after which the server drops one whose process died
	naturalEnd     = 2 * time.Second  // for deleting a consumer on the way out
)

var (
	// ErrWentBack says that the log is not the one that a checkpoint was made
	// from: it ends before it, or holds another message there, or none.
	ErrWentBack = errors.New("log went back")
	// errReposition says that a consumer may have missed messages.
	errReposition = errors.New("consumer lost its place")
)

// source is a stream as a projection reads it.
type source struct {
	js     jetstream.JetStream
	stream string
	filter string // subjects that are read; "" for all
}

// reader reads a stream in order, from behind a mark. Its consumer is ephemeral
// and without acknowledgements: the checkpoint in PostgreSQL is the only truth,
// several processes must not share a place, and nothing is left behind on the
// server. What a lost connection loses is noticed here (a gap, or silence while
// the head moves on) and answered by a new reader at the checkpoint.
type reader struct {
	source
	consumer string
	it       jetstream.MessagesContext
	expect   uint64 // next sequence of the consumer
	last     uint64 // last sequence of the stream that was read, or found to be of no concern
	missed   bool   // the head was ahead at the last idle check already
	done     func() bool
}

// open reads on from a mark, and verifies that the log still holds it. It does so
// once the consumer is there: a stream that is replaced later takes it along.
func (s source) open(ctx context.Context, at mark) (*reader, error) {
	if err := s.verifyBounds(ctx, at); err != nil {
		return nil, err
	}
	consumer, err := s.js.CreateConsumer(ctx, s.stream, jetstream.ConsumerConfig{
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       at.sequence + 1,
		FilterSubject:     s.filter,
		AckPolicy:         jetstream.AckNonePolicy,
		MemoryStorage:     true,
		Replicas:          1,
		InactiveThreshold: forgetConsumer,
	})
	if err != nil {
		return nil, fmt.Errorf("consume %s from %d: %w", s.stream, at.sequence, err)
	}
	r := &reader{source: s, consumer: consumer.CachedInfo().Name, expect: 1, last: at.sequence}
	if r.it, err = consumer.Messages(jetstream.PullMaxMessages(pullAhead)); err != nil {
		r.delete()
		return nil, fmt.Errorf("consume %s from %d: %w", s.stream, at.sequence, err)
	}
	r.done = context.AfterFunc(ctx, r.it.Stop)
	if err := s.verify(ctx, at); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

// verifyBounds asks the stream's leader whether a mark can be in the stream.
func (s source) verifyBounds(ctx context.Context, at mark) error {
	info, err := s.info(ctx)
	if errors.Is(err, jetstream.ErrStreamNotFound) && at.sequence > 0 {
		return fmt.Errorf("%w: stream %s is gone, checkpoint is at %d", ErrWentBack, s.stream, at.sequence)
	}
	if err != nil {
		return err
	}
	if at.sequence > info.LastSeq {
		return fmt.Errorf("%w: stream %s ends at %d, checkpoint is at %d", ErrWentBack, s.stream, info.LastSeq, at.sequence)
	}
	return nil
}

// verify reads the message at the mark, which must be the one of the mark.
func (s source) verify(ctx context.Context, at mark) error {
	if at.sequence == 0 {
		return nil
	}
	found, err := s.at(ctx, at.sequence)
	if err != nil {
		return fmt.Errorf("read the message at checkpoint %d of %s: %w", at.sequence, s.stream, err)
	}
	if found.sequence != at.sequence {
		return fmt.Errorf("%w: stream %s has no message %d, where the checkpoint is", ErrWentBack, s.stream, at.sequence)
	}
	if found.id != at.id {
		return fmt.Errorf("%w: message %d of %s is %s, the checkpoint's was %s", ErrWentBack, at.sequence, s.stream, found.id, at.id)
	}
	return nil
}

// next returns the next message and its sequence; nats.ErrTimeout when there is
// none for so long.
func (r *reader) next(wait time.Duration) (jetstream.Msg, uint64, error) {
	msg, err := r.it.Next(jetstream.NextMaxWait(wait))
	if err != nil {
		return nil, 0, err
	}
	meta, err := msg.Metadata()
	if err != nil {
		return nil, 0, fmt.Errorf("message of %s: %w", r.stream, err)
	}
	if meta.Sequence.Consumer != r.expect {
		return nil, 0, fmt.Errorf("%w: got its message %d, want %d", errReposition, meta.Sequence.Consumer, r.expect)
	}
	r.expect++
	r.last = meta.Sequence.Stream
	r.missed = false
	return msg, meta.Sequence.Stream, nil
}

// idle is called after some silence: a stream whose head is elsewhere went back,
// or has messages that this reader does not get, because they are of no concern or
// because it lost its place. In the first case it returns the head, to go on from.
func (r *reader) idle(ctx context.Context) (head mark, err error) {
	info, err := r.info(ctx)
	if err != nil {
		return mark{}, err
	}
	switch {
	case info.LastSeq == r.last:
		r.missed = false
		return mark{}, nil
	case info.LastSeq < r.last:
		return mark{}, fmt.Errorf("%w: stream %s ends at %d after %d was read", errReposition, r.stream, info.LastSeq, r.last)
	}
	if head, err = r.unconcerned(ctx, info.LastSeq); err != nil || head.sequence > 0 {
		return head, err
	}
	if r.missed {
		return mark{}, fmt.Errorf("%w: stream %s ends at %d, nothing after %d arrives", errReposition, r.stream, info.LastSeq, r.last)
	}
	r.missed = true
	return mark{}, nil
}

// unconcerned returns the mark of the head if nothing up to it passes the filter.
func (r *reader) unconcerned(ctx context.Context, head uint64) (mark, error) {
	if r.filter == "" {
		return mark{}, nil
	}
	next, err := r.after(ctx, r.last)
	if err != nil || next.sequence != 0 && next.sequence <= head {
		return mark{}, err
	}
	at, err := r.at(ctx, head)
	if err != nil || at.sequence != head {
		return mark{}, err
	}
	r.last, r.missed = head, false
	return at, nil
}

func (s source) info(ctx context.Context) (jetstream.StreamState, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	stream, err := s.js.Stream(ctx, s.stream) // asks the leader
	if err != nil {
		return jetstream.StreamState{}, fmt.Errorf("ask for stream %s: %w", s.stream, err)
	}
	return stream.CachedInfo().State, nil
}

func (r *reader) close() {
	r.done()
	r.it.Stop()
	r.delete()
}

// delete is a courtesy: the server drops an unused consumer by itself.
func (r *reader) delete() {
	ctx, cancel := context.WithTimeout(context.Background(), naturalEnd)
	defer cancel()
	_ = r.js.DeleteConsumer(ctx, r.stream, r.consumer)
}

// quiet says whether an error means only that no message came.
func quiet(err error) bool { return errors.Is(err, nats.ErrTimeout) }
