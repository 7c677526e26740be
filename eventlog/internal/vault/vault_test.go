package vault_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rosterhq/roster/eventlog/internal/vault"
	"github.com/rosterhq/roster/events"
)

func TestAWrappedKeyOpensUnderItsNameAndMasterKeyAlone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		master := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(rt, "master")
		raw := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(rt, "raw")
		v, err := vault.New(master)
		require.NoError(rt, err)
		box := v.Wrap(raw, "user/1")
		require.False(rt, bytes.Contains(box, raw))
		got, err := v.Unwrap(box, "user/1")
		require.NoError(rt, err)
		require.Equal(rt, raw, got)
		_, err = v.Unwrap(box, "user/2")
		require.Error(rt, err)

		box[rapid.IntRange(0, len(box)-1).Draw(rt, "at")] ^= 1
		_, err = v.Unwrap(box, "user/1")
		require.Error(rt, err)
		master[0] ^= 1
		other, err := vault.New(master)
		require.NoError(rt, err)
		_, err = other.Unwrap(v.Wrap(raw, "user/1"), "user/1")
		require.Error(rt, err)
	})
}

// These values lie in logs for ever: another derivation would lose every claim
// and take every activity for new.
func TestDerivedValuesNeverChange(t *testing.T) {
	t.Parallel()
	s, err := vault.NewSecrets(bytes.Repeat([]byte{1}, 32))
	require.NoError(t, err)
	require.Equal(t, "609db91c366e6013e7fbdc197417a1e6a4ae9c3bccb5e9f5d72722bc7b7d82b3", s.KeyedHash("claim/email", "ada@example.org"))
}

func TestAStateOpensAtItsPlaceAlone(t *testing.T) {
	t.Parallel()
	key, err := events.NewDataKey(events.NewRawKey())
	require.NoError(t, err)
	a := events.Aggregate{Kind: events.User, ID: "1"}
	s := events.Snapshot{Tip: events.Tip{Sequence: 7, EventID: "e"}, Format: 1, Data: []byte("state")}
	sealed := s
	sealed.Data = vault.SealSnapshot(key, a, s)
	got, err := vault.OpenSnapshot(key, a, sealed)
	require.NoError(t, err)
	require.Equal(t, s.Data, got)
	for _, change := range []func(*events.Snapshot, *events.Aggregate){
		func(s *events.Snapshot, _ *events.Aggregate) { s.Sequence++ },
		func(s *events.Snapshot, _ *events.Aggregate) { s.EventID = "f" },
		func(s *events.Snapshot, _ *events.Aggregate) { s.Format++ },
		func(_ *events.Snapshot, a *events.Aggregate) { a.ID = "2" },
	} {
		moved, of := sealed, a
		change(&moved, &of)
		_, err := vault.OpenSnapshot(key, of, moved)
		require.Error(t, err)
	}
}
