//nolint:thelper // these are tests, not helpers of tests
package logtest

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
)

var commits = map[string]func(*testing.T, Log){
	"a commit is read back as it was appended":                    readBack,
	"the events of a commit have contiguous sequences":            contiguous,
	"a commit of many events is read whole and in order":          manyEvents,
	"an unexpected tip refuses the whole commit":                  unexpectedTip,
	"an aggregate without events has a zero tip and nothing else": nothingThere,
	"the same commit again is answered as the first time":         repeated,
	"an event over the limit is too large and stores nothing":     tooLarge,
	"a commit against the rules is refused":                       againstTheRules,
	"a caller that is gone harms nobody":                          callerGone,
	"a closed log is unavailable":                                 closedLog,
}

func readBack(t *testing.T, l Log) {
	user := newUser()
	d := registered(user, "ada", "ada@example.org")
	d.Meta.Reason, d.Meta.Dialect, d.Meta.CorrelationID = "because", "codimir", "c-1"
	first, err := l.Append(t.Context(), events.Commit{Aggregate: user, Events: []events.Draft{d}})
	require.NoError(t, err)

	got, err := l.Read(t.Context(), user, 0)
	require.NoError(t, err)
	require.Equal(t, []events.Recorded{{Meta: d.Meta, Stream: events.Roster, Sequence: first, Payload: d.Payload}}, got)

	want := events.Tip{Sequence: first, EventID: d.Meta.ID}
	tip, err := l.Tip(t.Context(), user)
	require.NoError(t, err)
	require.Equal(t, want, tip)
	tip, err = l.LeaderTip(t.Context(), user)
	require.NoError(t, err)
	require.Equal(t, want, tip)
	require.Equal(t, first, head(t, l, events.Roster))
}

func contiguous(t *testing.T, l Log) {
	user, at := register(t, l)
	commit := events.Commit{Aggregate: user, Expected: at, Events: []events.Draft{
		renamed(user, "b"), draft(user, &events.UserSuspended{}, false), renamed(user, "c"),
	}, Claims: []events.ClaimChange{{Claim: events.Claim{Kind: "username", Value: "c"}, Holder: user.ID}}}
	first, err := l.Append(t.Context(), commit)
	require.NoError(t, err)
	got, err := l.Read(t.Context(), user, first)
	require.NoError(t, err)
	require.Len(t, got, 3)
	for i, r := range got {
		require.Equal(t, first+uint64(i), r.Sequence)
		require.Equal(t, commit.Events[i].Meta.ID, r.ID)
	}
	tip, err := l.Tip(t.Context(), user)
	require.NoError(t, err)
	require.Equal(t, first+2, tip.Sequence)
}

func manyEvents(t *testing.T, l Log) {
	user, at := register(t, l)
	const n = 700 // more than a page
	var ids []string
	for len(ids) < n {
		var drafts []events.Draft
		for range 100 {
			drafts = append(drafts, renamed(user, "x"))
			ids = append(ids, drafts[len(drafts)-1].Meta.ID)
		}
		first, err := l.Append(t.Context(), events.Commit{Aggregate: user, Expected: at, Events: drafts})
		require.NoError(t, err)
		at = first + 99
	}
	got, err := l.Read(t.Context(), user, 2)
	require.NoError(t, err)
	require.Len(t, got, n)
	for i, r := range got {
		require.Equal(t, ids[i], r.ID)
	}
}

func unexpectedTip(t *testing.T, l Log) {
	user, at := register(t, l)
	claim := events.Claim{Kind: "username", Value: "late"}
	for _, expected := range []uint64{0, at + 1, at + 100} {
		_, err := l.Append(t.Context(), events.Commit{
			Aggregate: user, Expected: expected, Events: []events.Draft{renamed(user, "late")},
			Claims: []events.ClaimChange{{Claim: claim, Holder: user.ID}},
		})
		require.ErrorIs(t, err, events.ErrConflict, "expected %d", expected)
	}
	require.Equal(t, at, head(t, l, events.Roster))
	state, err := l.Claim(t.Context(), claim)
	require.NoError(t, err)
	require.Zero(t, state)
}

func nothingThere(t *testing.T, l Log) {
	user := newUser()
	tip, err := l.Tip(t.Context(), user)
	require.NoError(t, err)
	require.Zero(t, tip)
	tip, err = l.LeaderTip(t.Context(), user)
	require.NoError(t, err)
	require.Zero(t, tip)
	got, err := l.Read(t.Context(), user, 0)
	require.NoError(t, err)
	require.Empty(t, got)
	state, err := l.Snapshot(t.Context(), user)
	require.NoError(t, err)
	require.Zero(t, state)
	require.Zero(t, head(t, l, events.Activity))
}

func repeated(t *testing.T, l Log) {
	user := newUser()
	commit := registration(user, "ada", "ada@example.org")
	first, err := l.Append(t.Context(), commit)
	require.NoError(t, err)
	_, err = l.Append(t.Context(), events.Commit{Aggregate: user, Expected: first, Events: []events.Draft{renamed(user, "b")}})
	require.NoError(t, err)
	before := head(t, l, events.Roster)

	again, err := l.Append(t.Context(), commit)
	require.NoError(t, err)
	require.Equal(t, first, again)
	require.Equal(t, before, head(t, l, events.Roster))

	// The same command, decided anew, made another event: that is a conflict.
	commit.Events[0].Meta.ID = newUser().ID
	_, err = l.Append(t.Context(), commit)
	require.ErrorIs(t, err, events.ErrConflict)
}

func tooLarge(t *testing.T, l Log) {
	user, at := register(t, l)
	_, err := l.Append(t.Context(), events.Commit{Aggregate: user, Expected: at, Events: []events.Draft{
		renamed(user, strings.Repeat("x", 512<<10)),
	}})
	require.ErrorIs(t, err, events.ErrTooLarge)
	require.Equal(t, at, head(t, l, events.Roster))

	// Sealed and base64-coded, this is just below.
	_, err = l.Append(t.Context(), events.Commit{Aggregate: user, Expected: at, Events: []events.Draft{
		renamed(user, strings.Repeat("x", 380<<10)),
	}})
	require.NoError(t, err)
}

func againstTheRules(t *testing.T, l Log) {
	user, other := newUser(), newUser()
	claim := events.ClaimChange{Claim: events.Claim{Kind: "username", Value: "a"}, Holder: user.ID}
	for name, c := range map[string]events.Commit{
		"no events":         {Aggregate: user},
		"no aggregate":      {Events: []events.Draft{registered(user, "a", "")}},
		"another aggregate": {Aggregate: user, Events: []events.Draft{registered(other, "a", "")}},
		"one claim twice": {
			Aggregate: user, Events: []events.Draft{registered(user, "a", "")}, Claims: []events.ClaimChange{claim, claim},
		},
	} {
		_, err := l.Append(t.Context(), c)
		require.Error(t, err, name)
		require.NotErrorIs(t, err, events.ErrConflict, name)
		require.NotErrorIs(t, err, events.ErrUnavailable, name)
	}
	require.Zero(t, head(t, l, events.Roster))
}

func callerGone(t *testing.T, l Log) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	user := newUser()
	_, err := l.Append(gone, registration(user, "ada", "ada@example.org"))
	require.ErrorIs(t, err, events.ErrUnavailable)
	_, err = l.Append(t.Context(), registration(user, "ada", "ada@example.org"))
	require.NoError(t, err)
}

func closedLog(t *testing.T, l Log) {
	user, at := register(t, l)
	require.NoError(t, l.Close(t.Context()))
	_, err := l.Append(t.Context(), events.Commit{Aggregate: user, Expected: at, Events: []events.Draft{renamed(user, "b")}})
	require.ErrorIs(t, err, events.ErrUnavailable)
}
