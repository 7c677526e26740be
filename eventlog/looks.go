package eventlog

import (
	"context"
	"sync"
)

// looks let callers that come at the same time share one read of something: each gets
// what was read after it had come, never the answer of a read that was under way.
type looks struct {
	read func(context.Context) (stored, error)

	mu   sync.Mutex
	next *look // that has not begun; nil for none
	busy sync.Mutex
}

// look is one read.
type look struct {
	done  chan struct{}
	found stored
	err   error
}

// fresh returns what is read after the call began.
func (l *looks) fresh(ctx context.Context) (stored, error) {
	one := l.join(ctx)
	select {
	case <-one.done:
		return one.found, one.err
	case <-ctx.Done():
		return stored{}, ctx.Err()
	}
}

// join returns the look that is about to begin, and begins one if there is none.
func (l *looks) join(ctx context.Context) *look {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.next == nil {
		l.next = &look{done: make(chan struct{})}
		go l.begin(context.WithoutCancel(ctx), l.next) // the others do not share the first one's patience
	}
	return l.next
}

// begin reads when the look before has ended; until then others join.
func (l *looks) begin(ctx context.Context, one *look) {
	l.busy.Lock()
	defer l.busy.Unlock()
	l.mu.Lock()
	l.next = nil
	l.mu.Unlock()
	one.found, one.err = l.read(ctx)
	close(one.done)
}
