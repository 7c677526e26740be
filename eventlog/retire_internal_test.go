package eventlog

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/testenv"
)

// TestRetireGoesOn: a call that was killed between the hashes and the purge is made
// again; and a stream of an early release says why it lets nothing go.
func TestRetireGoesOn(t *testing.T) {
	t.Parallel()
	nc := testenv.NATS(t)
	l := openLog(t, nc)
	users, err := l.NewUsers(t.Context(), 1)
	require.NoError(t, err)
	record := func(ids ...string) (duplicates []bool) {
		t.Helper()
		drafts := make([]events.Draft, len(ids))
		for i, id := range ids {
			drafts[i] = events.Draft{
				Meta: events.Meta{ID: uuid.Must(uuid.NewV7()).String(), Source: "test", Time: time.Now().UTC(), SealedFor: users[0]},
				Payload: &events.ActivityRecorded{
					SourceID: id, User: users[0], Type: events.CommitActivity, Action: "pushed", EntityID: "repo", OccurredAt: time.Now().UTC(),
				},
			}
		}
		out, err := l.Record(t.Context(), drafts)
		require.NoError(t, err)
		for _, r := range out {
			duplicates = append(duplicates, r.Duplicate)
		}
		return duplicates
	}
	require.Equal(t, []bool{false, false, false, false}, record("a", "b", "c", "d"))
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	_, err = js.CreateStream(t.Context(), l.names.retiredConfig("", 1))
	require.NoError(t, err)
	require.NoError(t, l.keepHashes(t.Context(), js, 1, 1), "and killed here")
	require.Equal(t, []bool{true, true, true, true}, record("a", "b", "c", "d"))
	left, err := l.RetireActivities(t.Context(), 2)
	require.NoError(t, err)
	require.EqualValues(t, 2, left)
	entries := 0
	for _, m := range scanned(t, l, js) {
		entries += len(m) / retiredEntry
	}
	require.Equal(t, 2, entries, "none is written twice")
	require.Equal(t, []bool{true, true, true, true, false}, record("a", "b", "c", "d", "e"))

	stream, err := js.Stream(t.Context(), "ACTIVITY")
	require.NoError(t, err)
	config := stream.CachedInfo().Config
	config.DenyPurge = true
	_, err = js.UpdateStream(t.Context(), config)
	require.NoError(t, err)
	_, err = openLog(t, nc).RetireActivities(t.Context(), 3)
	require.ErrorIs(t, err, ErrNothingLeaves)
	require.Equal(t, []bool{true, true}, record("a", "c"), "nothing changed")
}

// scanned are the messages that hold hashes.
func scanned(t *testing.T, l *Log, js jetstream.JetStream) (out [][]byte) {
	t.Helper()
	stream, err := js.Stream(t.Context(), "RETIRED")
	require.NoError(t, err)
	for sequence := uint64(1); sequence <= stream.CachedInfo().State.LastSeq; sequence++ {
		m, err := stream.GetMsg(t.Context(), sequence)
		require.NoError(t, err)
		if m.Subject != l.names.retiredMark() {
			out = append(out, m.Data)
		}
	}
	return out
}
