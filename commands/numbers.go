package commands

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Sizes of the blocks of numbers that are reserved at once. A block that was used
// up within quickBlock is followed by one of twice the size.
const (
	smallestBlock = 16
	largestBlock  = 1024
	quickBlock    = time.Second
)

// numbers hands out the integers of one counter. Numbers that were given back
// come first again; at most one block is lost when the process ends.
type numbers struct {
	reserve func(ctx context.Context, n int64) (first int64, err error)
	clock   func() time.Time

	mu      sync.Mutex
	back    []int64
	next    int64
	end     int64 // of the current block, not in it
	size    int64 // of the current block
	started time.Time
	pending chan struct{} // closed when the reservation under way is over; nil for none
}

func newNumbers(log Log, counter string, clock func() time.Time) *numbers {
	return &numbers{
		reserve: func(ctx context.Context, n int64) (int64, error) { return log.Reserve(ctx, counter, n) },
		clock:   clock,
	}
}

// take returns a number that nobody else has.
func (n *numbers) take(ctx context.Context) (int64, error) {
	for {
		n.mu.Lock()
		if number, ok := n.have(); ok {
			n.mu.Unlock()
			return number, nil
		}
		if wait := n.pending; wait != nil {
			n.mu.Unlock()
			select {
			case <-wait:
				continue
			case <-ctx.Done():
				return 0, fmt.Errorf("wait for a number: %w", ctx.Err())
			}
		}
		size := n.grow()
		n.pending = make(chan struct{})
		n.mu.Unlock()
		if err := n.fill(ctx, size); err != nil {
			return 0, err
		}
	}
}

// giveBack returns a number that was not used.
func (n *numbers) giveBack(number int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.back = append(n.back, number)
}

func (n *numbers) have() (int64, bool) {
	if last := len(n.back) - 1; last >= 0 {
		number := n.back[last]
		n.back = n.back[:last]
		return number, true
	}
	if n.next < n.end {
		n.next++
		return n.next - 1, true
	}
	return 0, false
}

func (n *numbers) grow() int64 {
	if n.size == 0 || n.clock().Sub(n.started) > quickBlock {
		return smallestBlock
	}
	return min(2*n.size, largestBlock)
}

func (n *numbers) fill(ctx context.Context, size int64) error {
	first, err := n.reserve(ctx, size)
	n.mu.Lock()
	defer n.mu.Unlock()
	close(n.pending)
	n.pending = nil
	if err != nil {
		return fmt.Errorf("reserve %d numbers: %w", size, err)
	}
	n.next, n.end, n.size, n.started = first, first+size, size, n.clock()
	return nil
}
