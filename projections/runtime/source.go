package runtime

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rosterhq/roster/events"
)

const (
	idleCheck  = time.Second     // how long silence lasts before the stream's head is asked
	naturalEnd = 2 * time.Second // for deleting a consumer on the way out
)

var (
	// ErrWentBack says that the log is not the one that a checkpoint was made
	// from: it ends before it, or holds another message there, or none.
	ErrWentBack = errors.New("log went back")
	// errBehind is ErrWentBack where one server of several said so: it may be cut off
	// from the others, or a leader that was elected just now.
	errBehind = fmt.Errorf("%w, or a server of the cluster lags", ErrWentBack)
	// errReposition says that a consumer may have missed messages.
	errReposition = errors.New("consumer lost its place")
)

// source is a stream as a projection reads it.
type source struct {
	js        jetstream.JetStream
	catalogue *events.Catalogue
	stream    string
	filter    string // subjects that are read; "" for all
}

// reader reads a stream in order, from behind a mark: through a consumer of its own
// until it is at the stream's end, and then from the feed that all workers share, if
// there is one. What a lost connection loses is noticed here (a gap, or silence
// while the head moves on) and answered by a new reader at the checkpoint.
type reader struct {
	source
	ctx    context.Context //nolint:containedctx // of everything it waits for
	feed   *feed           // nil for none
	own    *consumer       // nil while it has a seat
	seat   *seat           // in the feed, or nil
	last   mark            // of the stream, that was read, or found to be of no concern
	newest *inbound        // the message at last; nil when the mark is complete
	missed bool            // the head was ahead at the last idle check already
}

// open reads on from a mark, and verifies that the log still holds it. It does so
// once the consumer is there: a stream that is replaced later takes it along.
func (s source) open(ctx context.Context, at mark, f *feed) (*reader, error) {
	if err := s.verifyBounds(ctx, at); err != nil {
		return nil, err
	}
	r := &reader{source: s, ctx: ctx, feed: f, last: at}
	if err := r.alone(at); err != nil {
		return nil, err
	}
	return r, nil
}

// alone reads on from a mark through an own consumer.
func (r *reader) alone(at mark) error {
	c, err := r.consume(r.ctx, at.sequence)
	if err != nil {
		return err
	}
	if err := r.verify(r.ctx, at); err != nil {
		c.close()
		return err
	}
	r.own = c
	return nil
}

// join takes a seat in the feed, if there is one that goes on from here.
func (r *reader) join() {
	if r.feed == nil {
		return
	}
	if r.seat = r.feed.join(r.last.sequence); r.seat != nil {
		r.own.close()
		r.own = nil
	}
}

// part leaves the feed for an own consumer.
func (r *reader) part() error {
	r.seat.leave()
	r.seat = nil
	if r.newest != nil {
		r.last, r.newest = r.newest.place(), nil
	}
	return r.alone(r.last)
}

// holds says whether the log has what was read up to a mark.
func (s source) holds(ctx context.Context, at mark) error {
	if err := s.verifyBounds(ctx, at); err != nil {
		return err
	}
	return s.verify(ctx, at)
}

// verifyBounds asks the stream's leader whether a mark can be in the stream.
func (s source) verifyBounds(ctx context.Context, at mark) error {
	stream, err := s.ask(ctx)
	if errors.Is(err, jetstream.ErrStreamNotFound) && at.sequence > 0 {
		return fmt.Errorf("%w: stream %s is gone, checkpoint is at %d", ErrWentBack, s.stream, at.sequence)
	}
	if err != nil {
		return err
	}
	info := stream.State
	// A stream that was restored may have been made to begin later: nobody has more.
	if begins := info.FirstSeq; at.sequence+1 < begins && begins > max(1, stream.Config.FirstSeq) {
		return fmt.Errorf("%w: stream %s begins at %d by now, and what came behind %d left it for an archive: "+
			"restore that into an empty installation to have it read", ErrWentBack, s.stream, begins, at.sequence)
	}
	if at.sequence > info.LastSeq {
		return fmt.Errorf("%w: stream %s ends at %d, checkpoint is at %d", s.behind(ctx), s.stream, info.LastSeq, at.sequence)
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
		return fmt.Errorf("%w: stream %s has no message %d, where the checkpoint is", s.behind(ctx), s.stream, at.sequence)
	}
	if found.id != at.id {
		return fmt.Errorf("%w: message %d of %s is %s, the checkpoint's was %s", ErrWentBack, at.sequence, s.stream, found.id, at.id)
	}
	return nil
}

// next returns the next message; nats.ErrTimeout when there is none for so long.
func (r *reader) next(wait time.Duration) (*inbound, error) {
	m, err := r.receive(wait)
	if err != nil {
		return nil, err
	}
	r.last.sequence, r.newest = m.sequence, m
	r.missed = false
	return m, nil
}

func (r *reader) receive(wait time.Duration) (*inbound, error) {
	if r.seat != nil {
		m, err := r.seat.take(r.ctx, wait)
		if !errors.Is(err, errOverrun) {
			return m, err
		}
		if err := r.part(); err != nil {
			return nil, err
		}
	}
	m, err := r.own.next(wait)
	if quiet(err) { // the end of the stream, it seems
		r.join()
	}
	return m, err
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
	case info.LastSeq == r.last.sequence:
		r.missed = false
		return mark{}, nil
	case info.LastSeq < r.last.sequence:
		return mark{}, fmt.Errorf("%w: stream %s ends at %d after %d was read", errReposition, r.stream, info.LastSeq, r.last.sequence)
	}
	if head, err = r.unconcerned(ctx, info.LastSeq); err != nil || head.sequence > 0 {
		return head, err
	}
	if r.missed {
		return mark{}, fmt.Errorf("%w: stream %s ends at %d, nothing after %d arrives", errReposition, r.stream, info.LastSeq, r.last.sequence)
	}
	r.missed = true
	return mark{}, nil
}

// unconcerned returns the mark of the head if nothing up to it passes the filter.
func (r *reader) unconcerned(ctx context.Context, head uint64) (mark, error) {
	if r.filter == "" {
		return mark{}, nil
	}
	next, err := r.after(ctx, r.last.sequence)
	if err != nil || next.sequence != 0 && next.sequence <= head {
		return mark{}, err
	}
	at, err := r.at(ctx, head)
	if err != nil || at.sequence != head {
		return mark{}, err
	}
	r.last, r.newest, r.missed = at, nil, false
	return at, nil
}

// behind says what it means that a message is missing that was there.
func (s source) behind(ctx context.Context) error {
	if stream, err := s.ask(ctx); err == nil && stream.Config.Replicas <= 1 {
		return ErrWentBack
	}
	return errBehind
}

func (s source) info(ctx context.Context) (jetstream.StreamState, error) {
	stream, err := s.ask(ctx)
	if err != nil {
		return jetstream.StreamState{}, err
	}
	return stream.State, nil
}

func (s source) ask(ctx context.Context) (*jetstream.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	stream, err := s.js.Stream(ctx, s.stream) // asks the leader
	if err != nil {
		return nil, fmt.Errorf("ask for stream %s: %w", s.stream, err)
	}
	return stream.CachedInfo(), nil
}

func (r *reader) close() {
	if r.seat != nil {
		r.seat.leave()
	}
	if r.own != nil {
		r.own.close()
	}
}

// quiet says whether an error means only that no message came.
func quiet(err error) bool { return errors.Is(err, nats.ErrTimeout) }
