package live

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/rosterhq/roster/events"
)

// recentMost is how many activities are kept for streams that join while the read
// model is behind.
const recentMost = 1024

// recent is the newest part of the activity log: everything behind floor, up to
// seen. It is the hub's, under its lock.
type recent struct {
	floor, seen uint64
	items       []*activity // a ring once it is full
	head        int
}

func (r *recent) begin(seen uint64) { *r = recent{floor: seen, seen: seen} }

func (r *recent) add(a *activity) {
	r.seen = a.stored.Sequence
	if len(r.items) < recentMost {
		r.items = append(r.items, a)
		return
	}
	r.floor = r.items[r.head].sequence
	r.items[r.head] = a
	r.head = (r.head + 1) % recentMost
}

// behind calls f with what lies behind a position, in order.
func (r *recent) behind(after uint64, f func(*activity)) {
	if after >= r.seen {
		return
	}
	for i := range r.items {
		if a := r.items[(r.head+i)%len(r.items)]; a.sequence > after {
			f(a)
		}
	}
}

// activity is one of the log, opened when the first stream wants it.
type activity struct {
	sequence uint64
	user     string

	mu     sync.Mutex
	stored events.Stored
	opened bool
	frame  *frame // nil when it can not be read: it is in no feed either
}

func newActivity(e events.Stored) *activity {
	return &activity{sequence: e.Sequence, user: e.Meta.Aggregate.ID, stored: e}
}

func (a *activity) ready() (f *frame, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.frame, a.opened
}

// prepare opens and renders an activity. It tries until that works, or until
// nothing can make it work, or ctx ends.
func (h *Hub) prepare(ctx context.Context, a *activity) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.opened {
		return
	}
	recorded, err := h.openEvent(ctx, a.stored)
	if ctx.Err() != nil {
		return
	}
	if err == nil {
		a.frame, err = h.frame(recorded)
	}
	if err != nil {
		h.config.Logger.Error("an activity can not be sent", zap.Uint64("sequence", a.sequence), zap.Error(err))
	}
	a.opened, a.stored = true, events.Stored{Sequence: a.sequence}
}

func (h *Hub) frame(e events.Recorded) (*frame, error) {
	row, err := ActivityOf(e)
	if err != nil {
		return nil, err
	}
	return frameOf(row, h.config)
}

// openEvent opens an event, and waits for the log where it is away.
func (h *Hub) openEvent(ctx context.Context, e events.Stored) (events.Recorded, error) {
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		recorded, err := h.config.Reads.OpenEvent(ctx, e)
		if err == nil || !errors.Is(err, events.ErrUnavailable) {
			return recorded, err //nolint:wrapcheck // it says what was tried
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return events.Recorded{}, err //nolint:wrapcheck // as above
		}
	}
}
