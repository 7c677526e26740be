package query

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/rosterhq/roster/events"
)

// What is kept for a follower who is slow; beyond that the log is read again.
const (
	followAhead      = 4096
	followAheadBytes = 8 << 20
)

// Follow hands over what the filter selects behind the reader's End, as it happens,
// each stream in its order, until ctx ends or f fails. idle is called when there is
// nothing to hand over just now, and again each beat; its error ends the following
// too. It reads what the process reads of the log live, and the log itself where it
// is too slow for that.
func (r *EventReader) Follow(ctx context.Context, beat time.Duration, f func(*events.Stored) error, idle func(beat bool) error) error {
	follower := &eventFollower{reader: r, f: f, place: r.End, wake: make(chan struct{}, 1), behind: true}
	for _, s := range r.streams {
		defer r.q.tail.Subscribe(s, follower.add)()
	}
	err := follower.run(ctx, beat, idle)
	if errors.Is(err, ErrEnough) {
		return nil
	}
	return err
}

// eventFollower is one call of Follow.
type eventFollower struct {
	reader *EventReader
	f      func(*events.Stored) error
	place  EventPlace // the last positions that were handed over, or looked at

	mu     sync.Mutex
	held   []events.Stored
	bytes  int
	behind bool // some were not kept: the log has to be read
	wake   chan struct{}
}

// add takes an event from the tail.
func (w *eventFollower) add(e events.Stored) {
	if !w.reader.filter.Selects(&e) {
		return
	}
	w.mu.Lock()
	switch {
	case w.behind:
	case len(w.held) == followAhead, w.bytes+len(e.Data) > followAheadBytes:
		w.behind, w.held, w.bytes = true, nil, 0
	default:
		w.held, w.bytes = append(w.held, e), w.bytes+len(e.Data)
	}
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// take returns what is held, and whether the log has to be read before it.
func (w *eventFollower) take() (held []events.Stored, behind bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	held, behind = w.held, w.behind
	w.held, w.bytes, w.behind = nil, 0, false
	return held, behind
}

func (w *eventFollower) run(ctx context.Context, beat time.Duration, idle func(beat bool) error) error {
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for {
		if err := w.handOver(ctx); err != nil {
			return err
		}
		if err := idle(false); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.wake:
		case <-ticker.C:
			if err := idle(true); err != nil {
				return err
			}
		}
	}
}

// handOver hands over what there is. What comes while the log is read is held
// meanwhile, so that nothing falls between.
func (w *eventFollower) handOver(ctx context.Context) error {
	held, behind := w.take()
	if behind {
		if err := w.catchUp(ctx); err != nil {
			return err
		}
	}
	for i := range held {
		if err := w.hand(&held[i]); err != nil {
			return err
		}
	}
	return nil
}

func (w *eventFollower) hand(e *events.Stored) error {
	at := w.place.In(e.Stream)
	if e.Sequence <= *at {
		return nil
	}
	*at = e.Sequence
	return w.f(e)
}

// catchUp reads the log up to its end.
func (w *eventFollower) catchUp(ctx context.Context) error {
	for _, s := range w.reader.streams {
		head, err := w.reader.q.log.Head(ctx, s)
		if err != nil {
			return logFailure("follow events", err)
		}
		at := span{first: *w.place.In(s) + 1, last: head}
		if at.empty() {
			continue
		}
		if err := w.reader.scan(ctx, s, at, func(e events.Stored) error {
			if !w.reader.filter.Selects(&e) {
				return nil
			}
			return w.hand(&e)
		}); err != nil {
			return err
		}
		*w.place.In(s) = max(head, *w.place.In(s))
	}
	return nil
}
