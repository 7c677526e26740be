//nolint:thelper // these are tests, not helpers of tests
package logtest

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
)

var states = map[string]func(*testing.T, Log){
	"a kept state is found again, the newest of many":         newestState,
	"of a key's usages the newest is kept, none at first":     newestUsage,
	"users to come have data keys before they are registered": usersToCome,
}

func newestUsage(t *testing.T, l Log) {
	u, err := l.Usage(t.Context(), "abcdefghij")
	require.NoError(t, err)
	require.Zero(t, u)
	at := time.Date(2026, 5, 3, 10, 0, 0, 0, time.UTC)
	var want events.Usage
	for day := range 3 {
		want = events.Usage{KeyID: "abcdefghij", UserID: uuid.NewString(), LastUsed: at.AddDate(0, 0, day), ExpiresAt: at.AddDate(0, 1, day)}
		require.NoError(t, l.KeepUsage(want))
	}
	require.Eventually(t, func() bool {
		u, err = l.Usage(t.Context(), "abcdefghij")
		return err == nil && u == want
	}, 10*time.Second, 5*time.Millisecond)
}

func usersToCome(t *testing.T, l Log) {
	ids, err := l.NewUsers(t.Context(), 3)
	require.NoError(t, err)
	more, err := l.NewUsers(t.Context(), 500)
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, id := range append(ids, more...) {
		require.False(t, seen[id], "%s was given twice", id)
		seen[id] = true
		_, err := l.DataKey(t.Context(), id)
		require.NoError(t, err)
	}
}

func newestState(t *testing.T, l Log) {
	user, at := register(t, l)
	organization := events.Aggregate{Kind: events.Organization, ID: uuid.NewString()}
	skill := events.Aggregate{Kind: events.Skill, ID: uuid.NewString()}
	for a, sealedFor := range map[events.Aggregate]string{user: "", organization: "", skill: user.ID} {
		var want events.Snapshot
		for i := range 10 {
			want = events.Snapshot{
				Tip: events.Tip{Sequence: at + uint64(i), EventID: uuid.NewString()}, Format: 3, SealedFor: sealedFor, Data: []byte(`{"n":1}`),
			}
			l.KeepSnapshot(a, want)
		}
		l.KeepSnapshot(a, events.Snapshot{Tip: events.Tip{Sequence: at}, Data: []byte("old")})
		require.Eventually(t, func() bool {
			got, err := l.Snapshot(t.Context(), a)
			return err == nil && got.Sequence == want.Sequence && got.EventID == want.EventID &&
				got.Format == 3 && got.SealedFor == sealedFor && string(got.Data) == string(want.Data)
		}, 10*time.Second, 5*time.Millisecond)
	}
}
