package query

import (
	"context"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/rosterhq/roster/events"
)

// model is one read model as readers see it: how far it is, and who waits for it.
type model struct {
	schema  string // also the name in its notifications
	stream  events.Stream
	reached atomic.Uint64

	mu      sync.Mutex
	waiters []waiter
}

type waiter struct {
	need uint64
	done chan struct{}
}

func newModel(schema string, s events.Stream) *model { return &model{schema: schema, stream: s} }

// advance moves the model forward; an older position changes nothing.
func (m *model) advance(sequence uint64) {
	raise(&m.reached, sequence)
	m.wake()
}

// fallBack places the model where its table says it is, unless it moved since.
func (m *model) fallBack(from, to uint64) bool { return m.reached.CompareAndSwap(from, to) }

func (m *model) wake() {
	m.mu.Lock()
	defer m.mu.Unlock()
	reached := m.reached.Load()
	m.waiters = slices.DeleteFunc(m.waiters, func(w waiter) bool {
		if w.need > reached {
			return false
		}
		close(w.done)
		return true
	})
}

// await returns when the model has reached need, or with the context's error.
func (m *model) await(ctx context.Context, need uint64) error {
	w := waiter{need: need, done: make(chan struct{})}
	m.mu.Lock()
	if m.reached.Load() >= need { // looked at under the lock, so that no advance falls between
		m.mu.Unlock()
		return nil
	}
	m.waiters = append(m.waiters, w)
	m.mu.Unlock()
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		m.forget(w)
		return ctx.Err()
	}
}

func (m *model) forget(w waiter) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waiters = slices.DeleteFunc(m.waiters, func(o waiter) bool { return o.done == w.done })
}

// covered returns what every model of each stream has reached.
func covered(models []*model) positions {
	c := positions{roster: math.MaxUint64, activity: math.MaxUint64}
	for _, m := range models {
		at := c.at(m.stream)
		*at = min(*at, m.reached.Load())
	}
	return c
}
