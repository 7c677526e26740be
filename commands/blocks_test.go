package commands

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// counter reserves as the log would and remembers the sizes.
type counter struct {
	Log
	mu    sync.Mutex
	next  int64
	sizes []int64
	err   error
}

func (c *counter) Reserve(_ context.Context, _ string, n int64) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, c.err
	}
	c.sizes = append(c.sizes, n)
	first := c.next + 1
	c.next += n
	return first, nil
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	var c counter
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	n := newBlocks(func() time.Time { return now }, numbersOf(&c, "user"))
	take := func() int64 {
		number, err := n.take(context.Background())
		require.NoError(t, err)
		return number
	}
	for want := int64(1); want <= 16+32+64+1; want++ {
		require.Equal(t, want, take())
	}
	require.Equal(t, []int64{16, 32, 64, 128}, c.sizes, "blocks grow under load")
	n.giveBack(7)
	require.EqualValues(t, 7, take())
	now = now.Add(time.Minute)
	for range 128 {
		take()
	}
	require.Equal(t, []int64{16, 32, 64, 128, 16}, c.sizes, "and shrink when it is over")
	for range 5000 {
		take()
	}
	require.EqualValues(t, largestBlock, c.sizes[len(c.sizes)-1])
}

func TestNumbersAtOnce(t *testing.T) {
	t.Parallel()
	var c counter
	n := newBlocks(time.Now, numbersOf(&c, "user"))
	var mu sync.Mutex
	seen := map[int64]bool{}
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			for i := range 100 {
				number, err := n.take(context.Background())
				if err != nil {
					t.Error(err)
					return
				}
				if i%10 == 0 {
					n.giveBack(number)
					continue
				}
				mu.Lock()
				if seen[number] {
					t.Errorf("%d was given twice", number)
				}
				seen[number] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	require.Len(t, seen, 32*90)
}

func TestNumbersWhenTheLogIsAway(t *testing.T) {
	t.Parallel()
	c := counter{err: errors.New("away")}
	n := newBlocks(time.Now, numbersOf(&c, "user"))
	_, err := n.take(context.Background())
	require.ErrorIs(t, err, c.err)
	c.err = nil
	number, err := n.take(context.Background())
	require.NoError(t, err)
	require.EqualValues(t, 1, number)
}

func TestQueue(t *testing.T) {
	t.Parallel()
	q := newQueues()
	leave, err := q.enter(context.Background(), "a")
	require.NoError(t, err)
	other, err := q.enter(context.Background(), "b")
	require.NoError(t, err)
	other()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = q.enter(ctx, "a")
	require.ErrorIs(t, err, context.Canceled)
	q.lines["a"].here = maxQueued
	_, err = q.enter(context.Background(), "a")
	require.Equal(t, Unavailable, CodeOf(err))
	q.lines["a"].here = 1
	leave()
	require.Empty(t, q.lines, "nothing is left of those who are through")
}
