package query

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
)

func roster(n uint64) events.Position { return events.Position{Stream: events.Roster, Sequence: n} }
func feedAt(n uint64) events.Position { return events.Position{Stream: events.Activity, Sequence: n} }

// waiting returns when n reads wait for a model.
func waiting(t *testing.T, m *model, n int) {
	t.Helper()
	require.Eventually(t, func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return len(m.waiters) == n
	}, 5*time.Second, time.Millisecond)
}

func TestReadWaitsForTheWritersOwnChange(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.commit("users", 5, "")
	q := s.open(nil)
	s.user(2, "bob", "bob@example.com", "active")
	q.Note(userID(1), roster(10))

	ctx, stale := WithStaleness(context.Background())
	_, err := q.User(ctx, UserRef{ID: userID(2)})
	require.NoError(t, err, "another user's read does not wait")
	require.Zero(t, stale())

	for name, read := range map[string]func(context.Context) error{
		"by id":       func(ctx context.Context) error { _, err := q.User(ctx, UserRef{ID: userID(1)}); return err },
		"by username": func(ctx context.Context) error { _, err := q.User(ctx, UserRef{Username: "ada"}); return err },
		"in the list": func(ctx context.Context) error {
			page, err := q.Users(ctx, UserFilter{Search: "ada", Limit: 1})
			if err == nil && len(page.Items) == 0 {
				return ErrNotFound
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			s.commit("users", 5, "delete from users where id = $1", userID(1))
			q.users.reached.Store(5)
			done := make(chan error, 1)
			ctx, stale := WithStaleness(context.Background())
			go func() { done <- read(ctx) }()
			waiting(t, q.users, 1)
			s.commit("users", 10, insertUser, userID(1), 1, "ada", "ada@example.com", "active")
			require.NoError(t, <-done)
			require.Zero(t, stale())
		})
	}
}

func TestEachModelIsWaitedForByItsOwnStream(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	q := s.open(nil)
	q.Note(userID(1), feedAt(7))
	ctx := context.Background()
	_, err := q.Keys(ctx, userID(1))
	require.NoError(t, err, "keys follow ROSTER and do not wait for ACTIVITY")
	reads := map[*model]func() error{
		q.activity:   func() error { _, err := q.Activities(ctx, ActivityFilter{UserID: userID(1), Limit: 1}); return err },
		q.statistics: func() error { _, err := q.Statistics(ctx, userID(1), Month, time.Now()); return err },
	}
	for m, read := range reads {
		done := make(chan error, 1)
		go func() { done <- read() }()
		waiting(t, m, 1)
		s.commit(m.schema[:len(m.schema)-len("_v2")], 7, "")
		require.NoError(t, <-done)
	}
}

func TestStaleReadsSayByHowMuch(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.user(1, "ada", "", "active")
	s.commit("users", 3, "")
	q := s.open(nil)
	q.Note(userID(1), roster(10))
	ctx, stale := WithStaleness(context.Background())
	began := time.Now()
	u, err := q.User(ctx, UserRef{Username: "ada"})
	require.NoError(t, err)
	require.Equal(t, "ada", u.Username)
	require.Equal(t, uint64(7), stale())
	require.GreaterOrEqual(t, time.Since(began), maxWait)
	began = time.Now()
	_, err = q.Preferences(ctx, userID(1), "codimir")
	require.ErrorIs(t, err, ErrNotFound)
	require.Less(t, time.Since(began), maxWait/2, "the reads of one request share the bound")
}

func TestWaitEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	q := newStore(t).open(nil)
	q.Note(userID(1), roster(10))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { _, err := q.User(ctx, UserRef{ID: userID(1)}); done <- err }()
	waiting(t, q.users, 1)
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	waiting(t, q.users, 0)
}

func TestMinimumPosition(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.user(1, "ada", "", "active")
	s.commit("users", 3, "")
	var asked events.Stream
	heads := map[events.Stream]uint64{}
	q := s.open(func(_ context.Context, stream events.Stream) (uint64, error) {
		asked = stream
		return heads[stream], nil
	})
	heads[events.Roster] = 9
	read := func(p ...events.Position) error {
		ctx := WithMinPosition(WithMinPosition(context.Background(), nil), p)
		_, err := q.User(ctx, UserRef{ID: userID(1)})
		return err
	}
	asked = ""
	require.NoError(t, read(roster(3), feedAt(1000)), "a model waits for its own stream alone")
	require.Empty(t, asked, "nothing to wait for asks nobody")
	require.ErrorIs(t, read(roster(10)), ErrAhead)
	done := make(chan error, 1)
	go func() { done <- read(roster(9)) }()
	waiting(t, q.users, 1)
	s.commit("users", 9, "")
	require.NoError(t, <-done)
}

func TestStartWaitsForWhatTheLogHeld(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.user(1, "ada", "", "active")
	q := s.open(func(_ context.Context, stream events.Stream) (uint64, error) { return 4, nil })
	done := make(chan error, 1)
	go func() { _, err := q.User(context.Background(), UserRef{ID: userID(1)}); done <- err }()
	waiting(t, q.users, 1)
	s.commit("users", 4, "")
	require.NoError(t, <-done)
	_, err := Open(context.Background(), Config{DSN: s.dsn, Head: func(context.Context, events.Stream) (uint64, error) {
		return 0, errors.New("no log")
	}})
	require.ErrorContains(t, err, "no log")
}

func TestLostConnectionIsMadeAgain(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.user(1, "ada", "", "active")
	q := s.open(nil)
	q.Note(userID(1), roster(5))
	done := make(chan error, 1)
	go func() { _, err := q.User(context.Background(), UserRef{ID: userID(1)}); done <- err }()
	waiting(t, q.users, 1)
	s.exec(`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'roster-query-progress'`)
	s.commit("users", 5, "")
	require.NoError(t, <-done)
	require.Equal(t, roster(5), q.Positions()["users_v2"])
}

func TestModelBuiltAnewIsNoticed(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.commit("users", 5, "")
	q := s.open(nil)
	require.Equal(t, uint64(5), q.users.reached.Load())
	s.exec("update checkpoints set sequence = 2")
	s.exec(`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'roster-query-progress'`)
	require.Eventually(t, func() bool { return q.users.reached.Load() == 2 }, 5*time.Second, time.Millisecond)
}

func TestPostgresAway(t *testing.T) {
	t.Parallel()
	empty := newStore(t)
	empty.exec("drop schema users_v2, credentials_v2, skills_v1, workspaces_v1, history_v1, activity_v1, statistics_v1, roster cascade")
	for name, dsn := range map[string]string{"no server": "host=/nonexistent user=roster dbname=roster", "no tables": empty.dsn} {
		t.Run(name, func(t *testing.T) {
			q, err := Open(context.Background(), Config{DSN: dsn})
			require.NoError(t, err)
			defer q.Close()
			_, err = q.User(context.Background(), UserRef{ID: userID(1)})
			require.ErrorIs(t, err, ErrUnavailable)
			_, err = q.Credential(context.Background(), "k")
			require.ErrorIs(t, err, ErrUnavailable)
			_, err = q.Counts(context.Background(), userID(1))
			require.ErrorIs(t, err, ErrUnavailable)
		})
	}
	_, err := Open(context.Background(), Config{DSN: "port=none"})
	require.Error(t, err)
}

func TestNotesAreBoundedAndForgetNothing(t *testing.T) {
	t.Parallel()
	done := positions{}
	n := newNotes(func() positions { return done })
	const users = 3 * noteShards * notesInShard
	for i := range users {
		n.add(userID(i), roster(uint64(i+1)), false)
	}
	held := 0
	for i := range n.shards {
		held += len(n.shards[i].users)
	}
	require.LessOrEqual(t, held, noteShards*notesInShard)
	for i := 0; i < users; i += 97 {
		require.GreaterOrEqual(t, n.need(userID(i), events.Roster, 0), uint64(i+1), "a forgotten user is waited for by the floor")
	}
	floor := n.floor.roster.Load()
	done = positions{roster: users}
	for i := range users / 3 {
		n.add(userID(users+i), roster(users), false)
	}
	require.Equal(t, floor, n.floor.roster.Load(), "what the models have reached makes room without raising the floor")
	require.Zero(t, n.need(userID(1), events.Activity, 0))
}

func BenchmarkAwaitNothing(b *testing.B) {
	q := &Queries{users: newModel("users_v2", events.Roster), progress: &progress{}}
	q.notes = newNotes(func() positions { return positions{} })
	q.users.reached.Store(100)
	q.Note(userID(1), roster(100))
	ctx := context.Background()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := q.await(ctx, userID(1), q.users); err != nil {
				b.Error(err)
			}
		}
	})
}
