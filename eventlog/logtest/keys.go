//nolint:thelper // these are tests, not helpers of tests
package logtest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
)

var keys = map[string]func(*testing.T, Log){
	"the first commit of a user makes the data key":                          firstKey,
	"a key that never was is another error than one that was erased":         neverMade,
	"an erased key leaves the events, with their sealed members empty":       erasedKey,
	"erasing may be repeated, and comes before a key that was never made":    erasedTwice,
	"keyed hashes and secrets stay the same and differ by purpose and value": hashes,
}

func firstKey(t *testing.T, l Log) {
	user, _ := register(t, l)
	key, err := l.DataKey(t.Context(), user.ID)
	require.NoError(t, err)
	plain, err := key.Open(key.Seal([]byte("text"), nil), nil)
	require.NoError(t, err)
	require.Equal(t, "text", string(plain))
	require.NoError(t, l.PrefetchKeys(t.Context(), []string{user.ID, newUser().ID, user.ID}))
}

func neverMade(t *testing.T, l Log) {
	_, err := l.DataKey(t.Context(), newUser().ID)
	require.Error(t, err)
	require.NotErrorIs(t, err, events.ErrErased)
	require.NotErrorIs(t, err, events.ErrUnavailable)
}

func erasedKey(t *testing.T, l Log) {
	user, at := register(t, l)
	require.NoError(t, l.EraseKey(t.Context(), user.ID))
	_, err := l.DataKey(t.Context(), user.ID)
	require.ErrorIs(t, err, events.ErrErased)

	got, err := l.Read(t.Context(), user, 0)
	require.NoError(t, err)
	require.Len(t, got, 1)
	e := got[0].Payload.(*events.UserRegistered)
	require.Equal(t, events.StatusActive, e.Status)
	require.Zero(t, e.Private)

	_, err = l.Append(t.Context(), events.Commit{Aggregate: user, Expected: at, Events: []events.Draft{renamed(user, "b")}})
	require.ErrorIs(t, err, events.ErrErased, "nothing can be sealed any more")
	_, err = l.Append(t.Context(), events.Commit{
		Aggregate: user, Expected: at, Events: []events.Draft{draft(user, &events.UserDeleted{}, false)},
	})
	require.NoError(t, err)
	l.KeepSnapshot(user, events.Snapshot{Tip: events.Tip{Sequence: at}, Data: []byte("x")})
	state, err := l.Snapshot(t.Context(), user)
	require.NoError(t, err)
	require.Zero(t, state)
	skill := events.Aggregate{Kind: events.Skill, ID: newUser().ID}
	l.KeepSnapshot(skill, events.Snapshot{Tip: events.Tip{Sequence: at}, SealedFor: user.ID, Data: []byte("x")})
	state, err = l.Snapshot(t.Context(), skill)
	require.NoError(t, err)
	require.Zero(t, state, "what was the user's is sealed with the user's own key")
}

func erasedTwice(t *testing.T, l Log) {
	user := newUser()
	require.NoError(t, l.EraseKey(t.Context(), user.ID))
	require.NoError(t, l.EraseKey(t.Context(), user.ID))
	_, err := l.Append(t.Context(), events.Commit{Aggregate: user, Events: []events.Draft{registered(user, "a", "")}})
	require.ErrorIs(t, err, events.ErrErased)
}

func hashes(t *testing.T, l Log) {
	h := l.KeyedHash("p", "v")
	require.Len(t, h, 64)
	require.Equal(t, h, l.KeyedHash("p", "v"))
	require.NotEqual(t, h, l.KeyedHash("p", "w"))
	require.NotEqual(t, h, l.KeyedHash("q", "v"))
	require.NotEqual(t, l.KeyedHash("ab", "c"), l.KeyedHash("a", "bc"))
	s := l.Secret("p")
	require.Len(t, s, 32)
	require.Equal(t, s, l.Secret("p"))
	require.NotEqual(t, s, l.Secret("q"))
}
