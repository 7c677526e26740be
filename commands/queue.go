package commands

import (
	"context"
	"fmt"
	"sync"
)

// maxQueued bounds how many commands wait for one aggregate.
const maxQueued = 1024

// queues lets commands on one thing take turns inside this process, so that they
// don't burn their tries on each other. Other processes are met in the log.
type queues struct {
	mu    sync.Mutex
	lines map[string]*line
}

type line struct {
	turn chan struct{} // holds one token while somebody has the turn
	here int           // who waits or has the turn
}

func newQueues() *queues { return &queues{lines: map[string]*line{}} }

// enter waits for the turn. leave must be called once.
func (q *queues) enter(ctx context.Context, name string) (leave func(), err error) {
	q.mu.Lock()
	l := q.lines[name]
	if l == nil {
		l = &line{turn: make(chan struct{}, 1)}
		q.lines[name] = l
	}
	if l.here >= maxQueued {
		q.mu.Unlock()
		return nil, &Error{Code: Unavailable, Reason: "busy", Message: "too many changes of the same thing at once, try again"}
	}
	l.here++
	q.mu.Unlock()
	select {
	case l.turn <- struct{}{}:
		return func() { <-l.turn; q.left(name, l) }, nil
	case <-ctx.Done():
		q.left(name, l)
		return nil, fmt.Errorf("wait for earlier commands on %s: %w", name, ctx.Err())
	}
}

func (q *queues) left(name string, l *line) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l.here--
	if l.here == 0 {
		delete(q.lines, name)
	}
}
