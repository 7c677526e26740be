//nolint:thelper // these are tests, not helpers of tests
package logtest

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
)

var scans = map[string]func(*testing.T, Log){
	"a scan hands over the events of a range, once and in order":     scanRange,
	"a scan without an end ends with what was there":                 scanToTheEnd,
	"a scan of all messages holds claims and counters too":           scanMessages,
	"a scan ends with the error of who reads, or with the context":   scanEnds,
	"a scan of nothing hands over nothing":                           scanNothing,
	"a scanned event is sealed and opens, an activity's one as well": scanSealed,
}

// collect scans a range.
func collect(t *testing.T, l Log, s events.Stream, from, to uint64) []events.Stored {
	t.Helper()
	var out []events.Stored
	require.NoError(t, l.Scan(t.Context(), s, from, to, func(e events.Stored) error {
		out = append(out, e)
		return nil
	}))
	return out
}

func sequencesOf(all []events.Stored) []uint64 {
	out := make([]uint64, len(all))
	for i, e := range all {
		out[i] = e.Sequence
	}
	return out
}

// withClaims puts a user with two claims into the log: one event, three messages.
func withClaims(t *testing.T, l Log) uint64 {
	t.Helper()
	user := newUser()
	first, err := l.Append(t.Context(), registration(user, uuid.NewString(), uuid.NewString()+"@example.org"))
	require.NoError(t, err)
	return first
}

func scanRange(t *testing.T, l Log) {
	want := make([]uint64, 0, 30)
	for range 30 {
		want = append(want, withClaims(t, l))
	}
	last := head(t, l, events.Roster)
	require.Equal(t, want, sequencesOf(collect(t, l, events.Roster, 0, 0)))
	require.Equal(t, want, sequencesOf(collect(t, l, events.Roster, 1, last)))
	require.Equal(t, want, sequencesOf(collect(t, l, events.Roster, 1, last+1000)), "an end beyond the end")
	require.Equal(t, want[3:8], sequencesOf(collect(t, l, events.Roster, want[3], want[7])), "both ends belong to it")
	require.Equal(t, want[4:8], sequencesOf(collect(t, l, events.Roster, want[3]+1, want[8]-1)), "an end at a claim")
	require.Equal(t, want[29:], sequencesOf(collect(t, l, events.Roster, want[29], want[29])))
}

func scanToTheEnd(t *testing.T, l Log) {
	for range 5 {
		register(t, l)
	}
	n := 0
	require.NoError(t, l.Scan(t.Context(), events.Roster, 0, 0, func(events.Stored) error {
		n++
		register(t, l) // what comes meanwhile is not of this scan
		return nil
	}))
	require.Equal(t, 5, n)
}

func scanMessages(t *testing.T, l Log) {
	first := withClaims(t, l)
	_, err := l.Reserve(t.Context(), "user", 5)
	require.NoError(t, err)
	second := withClaims(t, l)
	last := head(t, l, events.Roster)
	var all []events.Stored
	require.NoError(t, l.ScanMessages(t.Context(), events.Roster, 0, 0, func(e events.Stored) error {
		all = append(all, e)
		return nil
	}))
	require.Len(t, all, int(last))
	for i, e := range all {
		require.EqualValues(t, i+1, e.Sequence)
		require.Zero(t, e.Meta)
		require.Equal(t, e.Sequence == first || e.Sequence == second, len(e.Headers[events.HeaderType]) > 0, "message %d", e.Sequence)
	}
	require.Len(t, collect(t, l, events.Roster, 0, 0), 2)
}

func scanEnds(t *testing.T, l Log) {
	for range 3 {
		register(t, l)
	}
	enough := errors.New("enough")
	n := 0
	err := l.Scan(t.Context(), events.Roster, 0, 0, func(events.Stored) error {
		n++
		return enough
	})
	require.ErrorIs(t, err, enough)
	require.Equal(t, 1, n)

	ctx, cancel := context.WithCancel(t.Context())
	n = 0
	err = l.Scan(ctx, events.Roster, 0, 0, func(events.Stored) error {
		n++
		cancel()
		return ctx.Err()
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 1, n)
}

func scanNothing(t *testing.T, l Log) {
	require.Empty(t, collect(t, l, events.Roster, 0, 0), "an empty stream")
	register(t, l)
	last := head(t, l, events.Roster)
	require.Empty(t, collect(t, l, events.Roster, last+1, 0))
	require.Empty(t, collect(t, l, events.Roster, last+1, last+5))
	_, err := l.Reserve(t.Context(), "user", 5)
	require.NoError(t, err)
	require.Empty(t, collect(t, l, events.Roster, last+1, 0), "no event behind the last one")
}

func scanSealed(t *testing.T, l Log) {
	user, _ := register(t, l)
	d := activity(user, "1")
	_, err := l.Record(t.Context(), []events.Draft{d})
	require.NoError(t, err)
	for _, s := range []events.Stream{events.Roster, events.Activity} {
		got := collect(t, l, s, 0, 0)
		require.Len(t, got, 1)
		require.Equal(t, user.ID, got[0].Meta.SealedFor)
		require.NotContains(t, string(got[0].Data), "main")
		opened, err := l.Open(t.Context(), got[0])
		require.NoError(t, err)
		require.Equal(t, s, opened.Stream)
		require.NotZero(t, events.PrivatePart(opened.Payload))
	}
}
