package query

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
)

func TestCredential(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	at := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	s.exec(insertAccount, userID(1))
	s.exec(insertKey, "k1", userID(1), at)
	s.exec(insertKey, "k2", userID(1), at.Add(time.Hour))
	q, ctx := s.open(nil), context.Background()
	key := Key{
		ID: "k1", UserID: userID(1), LoginType: events.LoginToken, Name: "ci", Scopes: []string{"all"}, CreatedAt: at, UpdatedAt: at,
		Lifetime: time.Hour, AllowList: []events.Resource{}, ExpiresAt: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	c, err := q.Credential(ctx, "k1")
	require.NoError(t, err)
	require.Equal(t, Credential{Key: key, SecretHash: []byte{1, 2}, Epoch: 3, Account: Account{
		Status: events.StatusActive, Confirmed: true, Epoch: 3, Roles: []events.Role{events.RoleOwner}, Memberships: []events.Membership{},
	}}, c)
	for _, id := range []string{"", "k3", "k\x00"} {
		_, err = q.Credential(ctx, id)
		require.ErrorIs(t, err, ErrNotFound)
	}
	keys, err := q.Keys(ctx, userID(1))
	require.NoError(t, err)
	require.Len(t, keys, 2)
	require.Equal(t, key, keys[1], "newest first")
	keys, err = q.Keys(ctx, "nobody")
	require.NoError(t, err)
	require.Empty(t, keys)
}

// credentialOf reads in the background.
func credentialOf(q *Queries, id string) <-chan error {
	done := make(chan error, 1)
	go func() { _, err := q.Credential(context.Background(), id); done <- err }()
	return done
}

func TestUnknownKeyWaitsForTheNewestChangeOfCredentials(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.exec(insertAccount, userID(1))
	q := s.open(nil)
	q.NoteCredentials(userID(1), events.Position{Stream: events.Roster, Sequence: 8})
	q.Note(userID(1), events.Position{Stream: events.Roster, Sequence: 100}) // of no concern to keys
	made, never, stuck := credentialOf(q, "k1"), credentialOf(q, "k2"), q.credentials
	waiting(t, stuck, 2)
	s.commit("credentials", 8, insertKey, "k1", userID(1), time.Now())
	require.NoError(t, <-made)
	require.ErrorIs(t, <-never, ErrNotFound)
	q.NoteCredentials(userID(1), events.Position{Stream: events.Roster, Sequence: 9})
	require.ErrorIs(t, <-credentialOf(q, "k2"), ErrUnavailable, "it may have been made at 9")
}

func TestRevokedKeyIsNotGivenOut(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.exec(insertAccount, userID(1))
	s.exec(insertKey, "k1", userID(1), time.Now())
	s.commit("credentials", 5, "")
	q := s.open(nil)
	q.NoteCredentials(userID(1), events.Position{Stream: events.Roster, Sequence: 6})
	revoked := credentialOf(q, "k1")
	waiting(t, q.credentials, 1)
	s.commit("credentials", 6, "delete from keys where id = 'k1'")
	require.ErrorIs(t, <-revoked, ErrNotFound)
}

func TestStuckModelFailsClosedForChangedCredentialsAlone(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	for i := 1; i <= 3; i++ {
		s.exec(insertAccount, userID(i))
		s.exec(insertKey, "k"+string(rune('0'+i)), userID(i), time.Now())
	}
	s.commit("credentials", 5, "")
	q := s.open(nil)
	q.Note(userID(1), events.Position{Stream: events.Roster, Sequence: 6})
	q.NoteCredentials(userID(2), events.Position{Stream: events.Roster, Sequence: 7})
	profile, credentials, other := credentialOf(q, "k1"), credentialOf(q, "k2"), credentialOf(q, "k3")
	require.NoError(t, <-other, "nothing is known to have changed")
	require.NoError(t, <-profile, "a change of profile makes the row stale, not wrong")
	err := <-credentials
	require.True(t, errors.Is(err, ErrUnavailable), "%v", err)
}
