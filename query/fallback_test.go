package query

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// crash does what one of PostgreSQL does to who reads: the newest commits are gone,
// and each connection.
func (s *store) crash(undo string, args ...any) {
	s.t.Helper()
	s.exec(undo, args...)
	s.exec(`select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() and application_name = 'roster-query'`)
}

// readAgain reads until a connection is there again.
func readAgain(t *testing.T, q *Queries) (u User, behind uint64) {
	t.Helper()
	require.Eventually(t, func() bool {
		ctx, stale := WithStaleness(context.Background())
		var err error
		u, err = q.User(ctx, UserRef{ID: userID(1)})
		if errors.Is(err, ErrUnavailable) {
			return false
		}
		require.NoError(t, err)
		behind = stale()
		return true
	}, 20*time.Second, time.Millisecond)
	return u, behind
}

// TestReadsAfterACrashOfPostgreSQLSayThatTheyAreBehind: it loses the commits that it
// did not sync. What was read of them was true, so that nothing older may be answered
// without a word; and nothing older is kept in memory for later.
func TestReadsAfterACrashOfPostgreSQLSayThatTheyAreBehind(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.user(1, "ada", "ada@example.com", "active")
	s.commit("users", 5, "update users set name = 'Before'")
	l := newFakeLog()
	q := s.follow(l, 0)
	s.commit("users", 10, "update users set name = 'After'")
	require.NoError(t, q.users.await(t.Context(), 10))
	q.Note(userID(1), roster(10))
	u, behind := readAgain(t, q)
	require.Equal(t, "After", u.Name)
	require.Zero(t, behind)

	s.exec("update checkpoints set sequence = 5 where name = 'users'")
	s.crash("update users set name = 'Before'")
	q.memory.clear() // so that PostgreSQL is asked
	u, behind = readAgain(t, q)
	require.EqualValues(t, 5, behind, "it says how far it is behind: %s", u.Name)
	u, behind = readAgain(t, q)
	require.EqualValues(t, 5, behind, "so does the next: %s", u.Name)

	done := make(chan struct{})
	go func() {
		defer close(done)
		u, behind = readAgain(t, q)
	}()
	waiting(t, q.users, 1)
	s.commit("users", 10, "update users set name = 'After'")
	<-done
	require.Equal(t, "After", u.Name, "the projection has caught up")
	require.Zero(t, behind)
}

// TestAnAnnouncementOfBeforeACrashCountsNothing: it was on its way, and is heard late.
func TestAnAnnouncementOfBeforeACrashCountsNothing(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.commit("users", 5, "")
	q := s.open(nil)
	before := q.progress.generation.Load()
	require.True(t, q.progress.take("users_v2 7", before))
	require.EqualValues(t, 7, q.users.reached.Load())
	s.crash("select 1")
	require.Eventually(t, func() bool { return q.Ping(t.Context()) == nil }, 20*time.Second, time.Millisecond)
	require.EqualValues(t, 5, q.users.reached.Load(), "a new connection has seen it")
	require.False(t, q.progress.take("users_v2 7", before))
	require.EqualValues(t, 5, q.users.reached.Load())
	require.True(t, q.progress.take("users_v2 8", q.progress.generation.Load()))
	require.EqualValues(t, 8, q.users.reached.Load())
}
