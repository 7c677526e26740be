package faults_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// TestAnOlderCopyOfTheLog puts an older copy of the log in place of the log. What
// runs must end: it knows of things that never were. Started again, the projectors
// must stop and say so, also when the log has grown again beyond what they had read,
// and no row may change. With the right log back all goes on.
func TestAnOlderCopyOfTheLog(t *testing.T) {
	settingsOf(t)
	s := newStack(t, newDir(t), 1, 1)
	ctx := t.Context()
	require.NoError(t, s.start(ctx))
	t.Cleanup(func() {
		if t.Failed() {
			s.tellLastWords()
		}
	})
	s.owner = s.enter(t)
	log, older, newer := filepath.Join(s.dir, "nats"), filepath.Join(s.dir, "older"), filepath.Join(s.dir, "newer")

	s.register(t, "before", 20)
	s.settled(t)
	s.replace(t, func() { require.NoError(t, os.CopyFS(older, os.DirFS(log))) })
	s.register(t, "after", 20)
	s.settled(t)
	before := s.users(t, 41)
	s.replace(t, func() {
		require.NoError(t, os.Rename(log, newer))
		require.NoError(t, os.Rename(older, log))
	})
	s.endAndStart(t)
	s.saysStopped(t)
	s.register(t, "other", 60)
	s.saysStopped(t)
	require.Equal(t, before, s.users(t, 41), "no row changed")

	s.replace(t, func() {
		require.NoError(t, os.RemoveAll(log))
		require.NoError(t, os.Rename(newer, log))
	})
	s.endAndStart(t)
	require.NoError(t, s.recovered(ctx))
	s.register(t, "again", 1)
	s.users(t, 42)
	for _, p := range s.processes() {
		require.Empty(t, p.complaints())
	}
}

// settled waits until all read models are at the end of the log, reactions included.
func (s *stack) settled(t *testing.T) {
	t.Helper()
	a := newAuditor(t, s.direct(), s.postgres.dsn(), &history{})
	defer a.close()
	require.NoError(t, a.settle(false))
}

// replace does something while the broker is down.
func (s *stack) replace(t *testing.T, change func()) {
	t.Helper()
	s.brokers[0].kill()
	change()
	require.NoError(t, s.brokers[0].start(t.Context()))
}

// endAndStart waits until everything that read the other log has ended, and starts it.
func (s *stack) endAndStart(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, n := range s.nodes() {
		select {
		case <-n.current().ended:
		case <-ctx.Done():
			require.Fail(t, n.name+" did not end")
		}
		n.mu.Lock()
		n.unasked = nil
		n.mu.Unlock()
		require.NoError(t, n.start(ctx))
	}
}

// register makes users and waits for each answer; what is refused for the moment is
// asked for again.
func (s *stack) register(t *testing.T, name string, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := newClient(s.apis[0])
	defer c.http.CloseIdleConnections()
	for i := range n {
		user := fmt.Sprintf("%s-%d", name, i)
		require.NoError(t, await(ctx, func() error {
			a, err := c.do(ctx, call{
				method: http.MethodPost, path: "/v1/users", token: s.owner, key: user,
				body: fmt.Sprintf(`{"username":%q,"email":"%s@example.com"}`, user, user),
			})
			if err != nil || a.status != http.StatusCreated {
				return fmt.Errorf("register %s: %d %v %w", user, a.status, a.body, err)
			}
			return nil
		}))
	}
}

// users waits until the read model has so many, and returns all of it.
func (s *stack) users(t *testing.T, n int) []string {
	t.Helper()
	db, err := pgx.Connect(t.Context(), s.postgres.dsn())
	require.NoError(t, err)
	defer db.Close(context.Background())
	var lines []string
	require.Eventually(t, func() bool {
		rows, err := db.Query(t.Context(), "select u::text from users_v2.users u order by id")
		require.NoError(t, err)
		lines, err = pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		return len(lines) == n
	}, patience, 20*time.Millisecond)
	return lines
}

// saysStopped waits until api and projector say that the log went back.
func (s *stack) saysStopped(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, n := range s.nodes() {
		require.NoError(t, await(ctx, func() error {
			status, text, err := n.readiness()
			if err != nil || status != http.StatusServiceUnavailable || !strings.Contains(text, "stopped") {
				return fmt.Errorf("%s says %d %s %w", n.name, status, text, err)
			}
			return nil
		}))
	}
}
