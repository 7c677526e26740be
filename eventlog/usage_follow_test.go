package eventlog_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/eventlog"
	"github.com/rosterhq/roster/events"
)

// seenUses are the newest uses that a follower was told of.
type seenUses struct {
	mu     sync.Mutex
	newest map[string]time.Time
	last   time.Time // the server's
}

func (s *seenUses) take(u events.Usage, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u.LastUsed.After(s.newest[u.KeyID]) {
		s.newest[u.KeyID] = u.LastUsed
	}
	s.last = at
}

func (s *seenUses) of(key string) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.newest[key]
}

// followUses follows until the test ends.
func followUses(t *testing.T, l *eventlog.Log, since time.Time) *seenUses {
	t.Helper()
	s := &seenUses{newest: map[string]time.Time{}}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.FollowUsage(ctx, since, s.take) }()
	t.Cleanup(func() {
		stop()
		require.ErrorIs(t, <-ended, context.Canceled)
	})
	return s
}

func (s *seenUses) await(t *testing.T, key string, at time.Time) {
	t.Helper()
	require.Eventually(t, func() bool { return s.of(key).Equal(at) }, 20*time.Second, 5*time.Millisecond, key)
}

func TestUsesAreFollowedOverALostConnection(t *testing.T) {
	t.Parallel()
	l, elsewhere, w := over(t)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	use := func(key string, n int) time.Time {
		u := events.Usage{KeyID: key, UserID: "u", LastUsed: at.Add(time.Duration(n) * time.Hour), ExpiresAt: at.Add(48 * time.Hour)}
		require.NoError(t, elsewhere.KeepUsage(u))
		return u.LastUsed
	}
	for i := range 50 {
		use(fmt.Sprint("old", i%10), i)
	}
	s := followUses(t, l, time.Time{})
	for i := range 10 {
		s.await(t, fmt.Sprint("old", i), at.Add(time.Duration(40+i)*time.Hour))
	}
	s.await(t, "new", use("new", 1))
	w.set(true)
	while := use("new", 2)
	other := use("other", 3)
	w.set(false)
	s.await(t, "new", while)
	s.await(t, "other", other)

	late := followUses(t, elsewhere, s.lastTaken().Add(time.Hour))
	n := 4
	require.Eventually(t, func() bool { // it may not listen yet
		n++
		use("new", n)
		return !late.of("new").IsZero()
	}, 20*time.Second, 20*time.Millisecond)
	require.Zero(t, late.of("old1"), "what was kept long before is not told")
}

func (s *seenUses) lastTaken() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}
