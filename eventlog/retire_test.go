package eventlog_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/eventlog"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/evidence"
	"github.com/rosterhq/roster/internal/testenv"
)

func recordedAs(t *testing.T, l *eventlog.Log, user string, ids ...int) []events.Recording {
	t.Helper()
	drafts := make([]events.Draft, len(ids))
	for i, id := range ids {
		drafts[i] = benchActivity(events.Aggregate{Kind: events.User, ID: user}, fmt.Sprint("activity-", id))
	}
	out, err := l.Record(t.Context(), drafts)
	require.NoError(t, err)
	return out
}

// TestRetire: what left the stream keeps its position, is never recorded again, and
// is covered by what was signed; the rest stays.
func TestRetire(t *testing.T) {
	t.Parallel()
	nc := testenv.NATS(t)
	l := open(t, nc, eventlog.Options{Prefix: "acme"})
	other := open(t, nc, eventlog.Options{Prefix: "acme"})
	users, err := l.NewUsers(t.Context(), 1)
	require.NoError(t, err)
	user := users[0]
	ids := make([]int, 300)
	for i := range ids {
		ids[i] = i + 1
	}
	first := recordedAs(t, l, user, ids...)
	position := map[int]uint64{}
	for i, r := range first {
		require.False(t, r.Duplicate)
		position[i+1] = r.Sequence
	}
	key := checkpointKey(t)
	require.NoError(t, l.PrepareCheckpoints(t.Context()))
	require.NoError(t, newFollower(t, l, key).Sweep(t.Context()))
	var archived []events.Stored
	require.NoError(t, l.Messages(t.Context(), events.Activity, 1, 250, func(m events.Stored) error {
		archived = append(archived, m)
		return nil
	}))

	left, err := l.RetireActivities(t.Context(), 100)
	require.NoError(t, err)
	require.EqualValues(t, 100, left)
	left, err = l.RetireActivities(t.Context(), 100)
	require.NoError(t, err)
	require.Zero(t, left, "once is enough")
	begins, err := l.First(t.Context(), events.Activity)
	require.NoError(t, err)
	require.EqualValues(t, 101, begins)
	left, err = l.RetireActivities(t.Context(), 250)
	require.NoError(t, err)
	require.EqualValues(t, 150, left)
	_, err = l.RetireActivities(t.Context(), 300)
	require.ErrorIs(t, err, eventlog.ErrLastStays)

	for _, log := range []*eventlog.Log{l, other} { // whoever let them go, and whoever did not
		again := recordedAs(t, log, user, ids...)
		for i, r := range again {
			require.Equal(t, events.Recording{Sequence: position[i+1], Duplicate: true}, r, "activity %d", i+1)
		}
	}
	mixed := recordedAs(t, other, user, 1, 301, 301, 250, 251)
	require.Equal(t, []bool{true, false, true, true, true}, []bool{mixed[0].Duplicate, mixed[1].Duplicate, mixed[2].Duplicate, mixed[3].Duplicate, mixed[4].Duplicate})
	require.EqualValues(t, 301, mixed[1].Sequence)
	head, err := l.Head(t.Context(), events.Activity)
	require.NoError(t, err)
	require.EqualValues(t, 301, head)
	begins, err = l.First(t.Context(), events.Activity)
	require.NoError(t, err)
	require.EqualValues(t, 251, begins)

	require.NoError(t, newFollower(t, l, key).Sweep(t.Context()), "a new process signs on, on the tree of what left")
	known, err := evidence.Verifiers(key.Public())
	require.NoError(t, err)
	page, err := l.Checkpoints(t.Context(), events.Activity, 0)
	require.NoError(t, err)
	var signed []*evidence.Checkpoint
	for _, c := range page {
		checkpoint, err := evidence.Open(c.Note, known)
		require.NoError(t, err)
		signed = append(signed, checkpoint)
	}
	v, err := evidence.NewVerifier(events.Activity, signed, nil)
	require.NoError(t, err)
	for _, m := range archived {
		require.NoError(t, v.Add(m))
	}
	require.NoError(t, l.Messages(t.Context(), events.Activity, 1, 0, v.Add))
	found, err := v.End(head)
	require.NoError(t, err)
	require.Equal(t, evidence.Verified{Checkpoints: 2, To: 301}, found, "archive and log together are what was signed")
}
