package eventlog

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// heldLooks begin when the test says so, and find what was there then.
func heldLooks() (l *looks, there *atomic.Uint64, begun, end chan struct{}) {
	there, begun, end = &atomic.Uint64{}, make(chan struct{}), make(chan struct{})
	l = &looks{read: func(ctx context.Context) (stored, error) {
		found := stored{sequence: there.Load()}
		begun <- struct{}{}
		<-end
		return found, ctx.Err()
	}}
	return l, there, begun, end
}

// TestALookIsNewerThanWhoAsked: those who come while one looks share the next look.
func TestALookIsNewerThanWhoAsked(t *testing.T) {
	t.Parallel()
	l, there, begun, end := heldLooks()
	first := l.join(t.Context())
	<-begun
	there.Store(1)
	second := l.join(t.Context())
	require.NotSame(t, first, second, "that one began before")
	for range 100 {
		require.Same(t, second, l.join(t.Context()))
	}
	end <- struct{}{}
	<-begun
	end <- struct{}{}
	<-second.done
	require.NoError(t, second.err)
	require.Zero(t, first.found.sequence)
	require.EqualValues(t, 1, second.found.sequence)
	require.NotSame(t, second, l.next)
}

func TestWhoGoesAwayLeavesTheLookToOthers(t *testing.T) {
	t.Parallel()
	l, _, begun, end := heldLooks()
	ctx, cancel := context.WithCancel(t.Context())
	answered := make(chan error, 1)
	go func() {
		_, err := l.fresh(ctx)
		answered <- err
	}()
	<-begun
	second := l.join(ctx)
	cancel()
	require.ErrorIs(t, <-answered, context.Canceled)
	end <- struct{}{}
	<-begun
	end <- struct{}{}
	<-second.done
	require.NoError(t, second.err)
}
