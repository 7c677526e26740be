package models

import (
	"context"
	"sync"
	"time"

	"github.com/rosterhq/roster/projections/runtime"
)

const (
	// A rate is over at least so long, and not over a longer time than that.
	leastSpan, longestSpan = time.Second, time.Minute
	// firstSpan is what who asks first has to wait for.
	firstSpan = 250 * time.Millisecond
)

// rates remembers where projections were, to tell how fast they go.
type rates struct {
	mu sync.Mutex
	at time.Time
	by map[string]uint64
}

func newRates() *rates { return &rates{} }

// of returns messages a second for each, since somebody looked last. When that is
// too long ago it looks again after a moment.
func (r *rates) of(ctx context.Context, now []runtime.Overview, again func(context.Context) ([]runtime.Overview, error)) ([]float64, error) {
	if out, ok := r.since(now, time.Now(), longestSpan); ok {
		return out, nil
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(firstSpan):
	}
	later, err := again(ctx)
	if err != nil {
		return nil, err
	}
	out, ok := r.since(later, time.Now(), longestSpan)
	if !ok {
		out = make([]float64, len(now))
	}
	return out, nil
}

// since compares with what was remembered, and remembers what is now, if that is
// long enough ago.
func (r *rates) since(now []runtime.Overview, at time.Time, longest time.Duration) ([]float64, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	span := at.Sub(r.at)
	known := r.by != nil && span <= longest && span > 0
	out := make([]float64, len(now))
	for i, o := range now {
		if before := r.by[o.Name]; known && o.Checkpoint > before {
			out[i] = float64(o.Checkpoint-before) / span.Seconds()
		}
	}
	if !known || span >= leastSpan {
		r.at, r.by = at, make(map[string]uint64, len(now))
		for _, o := range now {
			r.by[o.Name] = o.Checkpoint
		}
	}
	return out, known
}
