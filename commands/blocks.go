package commands

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Sizes of the blocks that are fetched at once. A block that was used up within
// quickBlock is followed by one of twice the size.
const (
	smallestBlock = 16
	largestBlock  = 512 // a batch of the log holds 1,000 messages
	quickBlock    = time.Second
)

// blocks hands out what the log has to make durable first, one at a time from
// blocks fetched at once: numbers of a counter, ids with their data keys. What
// was given back comes first again; at most one block is lost when the process
// ends.
type blocks[T any] struct {
	fetch func(ctx context.Context, n int64) ([]T, error)
	clock func() time.Time

	mu      sync.Mutex
	left    []T
	size    int64 // of the newest block
	started time.Time
	pending chan struct{} // closed when the fetch under way is over; nil for none
}

func newBlocks[T any](clock func() time.Time, fetch func(ctx context.Context, n int64) ([]T, error)) *blocks[T] {
	return &blocks[T]{fetch: fetch, clock: clock}
}

// numbersOf returns the fetch of a counter's numbers.
func numbersOf(log Log, counter string) func(ctx context.Context, n int64) ([]int64, error) {
	return func(ctx context.Context, n int64) ([]int64, error) {
		first, err := log.Reserve(ctx, counter, n)
		if err != nil {
			return nil, fmt.Errorf("reserve %d numbers: %w", n, err)
		}
		out := make([]int64, n)
		for i := range out { // the last is handed out first
			out[i] = first + n - 1 - int64(i)
		}
		return out, nil
	}
}

// take returns one that nobody else has.
func (b *blocks[T]) take(ctx context.Context) (T, error) {
	for {
		b.mu.Lock()
		if last := len(b.left) - 1; last >= 0 {
			one := b.left[last]
			b.left = b.left[:last]
			b.mu.Unlock()
			return one, nil
		}
		if wait := b.pending; wait != nil {
			b.mu.Unlock()
			select {
			case <-wait:
				continue
			case <-ctx.Done():
				var none T
				return none, fmt.Errorf("wait for a block: %w", ctx.Err())
			}
		}
		size := b.grow()
		b.pending = make(chan struct{})
		b.mu.Unlock()
		if err := b.fill(ctx, size); err != nil {
			var none T
			return none, err
		}
	}
}

// giveBack returns one that was not used.
func (b *blocks[T]) giveBack(one T) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = append(b.left, one)
}

func (b *blocks[T]) grow() int64 {
	if b.size == 0 || b.clock().Sub(b.started) > quickBlock {
		return smallestBlock
	}
	return min(2*b.size, largestBlock)
}

func (b *blocks[T]) fill(ctx context.Context, size int64) error {
	fresh, err := b.fetch(ctx, size)
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.pending)
	b.pending = nil
	if err != nil {
		return err
	}
	b.left, b.size, b.started = append(fresh, b.left...), size, b.clock()
	return nil
}
