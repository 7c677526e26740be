package query

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
)

const (
	profileUpdated     events.Type = "roster.user.profile-updated.v1"
	preferencesUpdated events.Type = "roster.user.preferences-updated.v1"
	userSuspended      events.Type = "roster.user.suspended.v1"
	keyDeleted         events.Type = "roster.user.key-deleted.v1"
	recorded           events.Type = "roster.activity.recorded.v1"
)

// known is a store with a user, preferences and a key, as of position 1.
func known(t testing.TB) *store {
	t.Helper()
	s := newStore(t)
	s.user(1, "ada", "ada@example.com", "active")
	s.exec(insertAccount, userID(1))
	s.exec(insertKey, "k1", userID(1), time.Now())
	s.exec(`insert into preferences values ($1, 'codimir', '{"theme":"dark"}', now(), now(), 1)`, userID(1))
	s.commit("users", 1, "")
	s.commit("credentials", 1, "")
	return s
}

// reads is what one user's reads answer.
type reads struct{ byID, byName, theme, keyStatus string }

func readAll(t testing.TB, q *Queries) (r reads) {
	t.Helper()
	ctx := context.Background()
	if u, err := q.User(ctx, UserRef{ID: userID(1)}); err == nil {
		r.byID = u.Name
	}
	if u, err := q.User(ctx, UserRef{Username: "Ada"}); err == nil {
		r.byName = u.Name
	}
	if p, err := q.Preferences(ctx, userID(1), "codimir"); err == nil {
		r.theme, _ = p.Values["theme"].(string)
	}
	if c, err := q.Credential(ctx, "k1"); err == nil {
		r.keyStatus = string(c.Account.Status)
	}
	return r
}

// behindTheBack changes the tables without an event: only reads that go to
// PostgreSQL see it.
func (s *store) behindTheBack(word string) {
	s.t.Helper()
	s.exec(`update users set name = $1`, word)
	s.exec(`update preferences set settings = jsonb_build_object('theme', $1::text)`, word)
	s.exec(`update accounts set status = $1`, word)
}

func every(word string) reads { return reads{word, word, word, word} }

func TestHotReadsComeFromMemory(t *testing.T) {
	t.Parallel()
	s := known(t)
	l := newFakeLog()
	l.append(events.Roster, userID(1), userSuspended)
	q := s.follow(l, 0)
	s.behindTheBack("one")
	require.Equal(t, every("one"), readAll(t, q))
	s.behindTheBack("two")
	require.Equal(t, every("one"), readAll(t, q))

	// Somebody else's change, and what is no event, drop nothing.
	l.append(events.Roster, userID(2), userSuspended)
	delivered(t, q, events.Roster, l.append(events.Roster, "", ""))
	require.Equal(t, every("one"), readAll(t, q))

	// A change of profile leaves the credentials.
	at := l.append(events.Roster, userID(1), profileUpdated)
	delivered(t, q, events.Roster, at)
	s.commit("users", int(at), "")
	require.Equal(t, reads{"two", "two", "two", "one"}, readAll(t, q))

	at = l.append(events.Roster, userID(1), userSuspended)
	delivered(t, q, events.Roster, at)
	s.commit("users", int(at), "")
	s.commit("credentials", int(at), "")
	s.behindTheBack("three")
	require.Equal(t, every("three"), readAll(t, q))
}

func TestMemoryIsNotTrustedWhileTheTailIsLost(t *testing.T) {
	t.Parallel()
	s := known(t)
	l := newFakeLog()
	l.append(events.Roster, userID(1), userSuspended)
	q := s.follow(l, 0)
	s.behindTheBack("one")
	require.Equal(t, every("one"), readAll(t, q))
	s.behindTheBack("two")

	l.setCut(true)
	current(t, q, false)
	require.Equal(t, every("two"), readAll(t, q))
	l.setCut(false)
	current(t, q, true)
	require.Equal(t, every("two"), readAll(t, q), "what was read meanwhile is kept")

	// Connected, but what the log holds does not arrive.
	s.behindTheBack("three")
	head, _ := l.Head(context.Background(), events.Roster)
	l.hold(events.Roster, head)
	at := l.append(events.Roster, userID(1), keyDeleted)
	s.commit("users", int(at), "")
	s.commit("credentials", int(at), "delete from keys")
	current(t, q, false)
	require.Equal(t, reads{"three", "three", "three", ""}, readAll(t, q))
	l.release(events.Roster)
	current(t, q, true)
	require.Equal(t, reads{"three", "three", "three", ""}, readAll(t, q))
}

func TestOwnChangesDropAtOnce(t *testing.T) {
	t.Parallel()
	s := known(t)
	l := newFakeLog()
	l.append(events.Roster, userID(1), userSuspended)
	q := s.follow(l, 0)
	s.behindTheBack("one")
	require.Equal(t, every("one"), readAll(t, q))
	l.hold(events.Roster, 1) // the tail delivers nothing
	at := l.append(events.Roster, userID(1), keyDeleted)
	q.NoteCredentials(userID(1), roster(at))
	s.commit("users", int(at), "")
	s.commit("credentials", int(at), "delete from keys")
	s.behindTheBack("two")
	_, ok := q.Tail().Current(events.Roster)
	require.True(t, ok)
	require.Equal(t, reads{"two", "two", "two", ""}, readAll(t, q))
	s.behindTheBack("three")
	require.Equal(t, reads{"two", "two", "two", ""}, readAll(t, q), "what was read at the change is kept")
	l.release(events.Roster)
	delivered(t, q, events.Roster, at)
	require.Equal(t, reads{"two", "two", "two", ""}, readAll(t, q), "the tail's word on what is known drops nothing")
}

// A row that was read before an event that is delivered already is not kept.
func TestLateRowsAreNotKept(t *testing.T) {
	t.Parallel()
	s := known(t)
	l := newFakeLog()
	l.append(events.Roster, userID(1), userSuspended)
	q := s.follow(l, 0)
	u, err := q.user(context.Background(), UserRef{ID: userID(1)})
	require.NoError(t, err)
	c, err := q.credential(context.Background(), "k1")
	require.NoError(t, err)
	q.Note(userID(1), roster(5))
	q.memory.keepUser(u, 4)
	q.memory.keepCredential(c, 4)
	_, ok := q.memory.user(UserRef{ID: userID(1)})
	require.False(t, ok)
	_, ok = q.memory.credential("k1")
	require.True(t, ok, "the change was none of credentials")
	q.NoteCredentials(userID(1), roster(6))
	q.memory.keepCredential(c, 5)
	_, ok = q.memory.credential("k1")
	require.False(t, ok)
	q.memory.keepCredential(c, 6)
	_, ok = q.memory.credential("k1")
	require.True(t, ok)

	// The note is dropped to make room: what is older is not kept either.
	q.notes.covered = func() positions { return positions{roster: 6} }
	shard := q.notes.shard(userID(1))
	shard.mu.Lock()
	for i := range notesInShard {
		shard.users[fmt.Sprint(i)] = note{}
	}
	q.notes.makeRoom(shard)
	require.NotContains(t, shard.users, userID(1))
	shard.mu.Unlock()
	q.memory.keepUser(u, 5)
	_, ok = q.memory.user(UserRef{ID: userID(1)})
	require.False(t, ok)
	q.memory.keepUser(u, 6)
	_, ok = q.memory.user(UserRef{ID: userID(1)})
	require.True(t, ok)
}

func TestNamesInMemoryChangeHands(t *testing.T) {
	t.Parallel()
	s := known(t)
	l := newFakeLog()
	l.append(events.Roster, userID(1), userSuspended)
	q := s.follow(l, 0)
	ctx := context.Background()
	u, err := q.User(ctx, UserRef{Username: "ada"})
	require.NoError(t, err)
	require.Equal(t, userID(1), u.ID)
	l.append(events.Roster, userID(1), "roster.user.username-changed.v1")
	at := l.append(events.Roster, userID(2), "roster.user.registered.v1")
	delivered(t, q, events.Roster, at)
	s.exec(`update users set username = 'grace'`)
	s.user(2, "ada", "", "active")
	s.commit("users", int(at), "")
	for range 2 {
		u, err = q.User(ctx, UserRef{ID: userID(1)})
		require.NoError(t, err)
		require.Equal(t, "grace", u.Username)
		u, err = q.User(ctx, UserRef{Username: "ADA"})
		require.NoError(t, err)
		require.Equal(t, userID(2), u.ID)
	}
}

func TestPreferencesThatWereNeverWrittenAreKnown(t *testing.T) {
	t.Parallel()
	s := known(t)
	l := newFakeLog()
	l.append(events.Roster, userID(1), userSuspended)
	q := s.follow(l, 0)
	ctx := context.Background()
	for range 2 {
		_, err := q.Preferences(ctx, userID(1), "other")
		require.ErrorIs(t, err, ErrNotFound)
	}
	_, found, ok := q.memory.preferences(userID(1), "other")
	require.True(t, ok)
	require.False(t, found)
	for i := range 3 * keptPreferences {
		_, err := q.Preferences(ctx, userID(1), fmt.Sprint("made-up-", i))
		require.ErrorIs(t, err, ErrNotFound)
	}
	require.Len(t, q.memory.person(userID(1)).preferences, keptPreferences)
	at := l.append(events.Roster, userID(1), preferencesUpdated)
	delivered(t, q, events.Roster, at)
	s.commit("users", int(at), `insert into preferences values ($1, 'other', '{}', now(), now(), 2)`, userID(1))
	p, err := q.Preferences(ctx, userID(1), "other")
	require.NoError(t, err)
	require.Empty(t, p.Values)
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	n := newNotes(func() positions { return positions{} })
	const bound = 1 << 20
	u, err := newUses()
	require.NoError(t, err)
	m, err := newMemory(bound, n, new(atomic.Uint64), u)
	require.NoError(t, err)
	for i := range 20_000 {
		m.keepUser(User{ID: userID(i), Username: fmt.Sprint("user-", i), Name: "somebody"}, 1)
		m.keepPreferences(userID(i), "codimir", Preferences{Values: map[string]any{"theme": "dark"}}, 30, 1)
		m.keepCredential(Credential{Key: Key{ID: fmt.Sprint("key-", i), UserID: userID(i)}, SecretHash: make([]byte, 32)}, 1)
		require.LessOrEqual(t, m.bytes(), uint64(bound+bound/10))
	}
	require.Greater(t, m.bytes(), uint64(bound/2), "it is used")

	none, err := newMemory(-1, n, new(atomic.Uint64), u)
	require.NoError(t, err)
	none.keepUser(User{ID: userID(1)}, 1)
	_, ok := none.user(UserRef{ID: userID(1)})
	require.False(t, ok)
}

func TestReadsWaitForOthersChangesOnceDelivered(t *testing.T) {
	t.Parallel()
	s := known(t)
	l := newFakeLog()
	l.append(events.Roster, userID(1), userSuspended)
	q := s.follow(l, 0)
	roster, activity := l.append(events.Roster, userID(1), profileUpdated), l.append(events.Activity, userID(1), recorded)
	for range 3 { // claims and counters at the end make nothing wait
		l.append(events.Roster, "", "")
	}
	delivered(t, q, events.Roster, roster)
	delivered(t, q, events.Activity, activity)
	ctx, stale := WithStaleness(context.Background())
	done := make(chan string, 2)
	go func() {
		u, _ := q.User(ctx, UserRef{ID: userID(1)})
		done <- u.Name
	}()
	waiting(t, q.users, 1)
	s.commit("users", int(roster), "update users set name = 'new'")
	require.Equal(t, "new", <-done)
	go func() {
		_, _ = q.Activities(ctx, ActivityFilter{UserID: userID(1), Limit: 1})
		done <- ""
	}()
	waiting(t, q.activity, 1)
	s.commit("activity", int(activity), "")
	<-done
	require.Zero(t, stale())
	_, err := q.User(WithMinPosition(ctx, []events.Position{{Stream: events.Roster, Sequence: 99}}), UserRef{ID: userID(1)})
	require.ErrorIs(t, err, ErrAhead)
}
