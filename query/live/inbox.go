package live

import (
	"sync"

	"github.com/rosterhq/roster/events"
)

// inboxMost is how many events may wait for the hub: some ten megabytes.
const inboxMost = 16_384

// inbox lies between the reader of the log, which must not wait, and the hub.
type inbox struct {
	signal chan struct{}

	mu      sync.Mutex
	waiting []events.Stored
	spare   []events.Stored
	lost    bool
}

func (b *inbox) add(e events.Stored) {
	b.mu.Lock()
	if len(b.waiting) < inboxMost {
		b.waiting = append(b.waiting, e)
	} else {
		b.lost = true
	}
	b.mu.Unlock()
	select {
	case b.signal <- struct{}{}:
	default:
	}
}

// take returns what waits. lost says that it is not everything. The slice is good
// until the next call.
func (b *inbox) take() (batch []events.Stored, lost bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.spare)
	batch, lost = b.waiting, b.lost
	b.waiting, b.spare, b.lost = b.spare[:0], batch, false
	return batch, lost
}
