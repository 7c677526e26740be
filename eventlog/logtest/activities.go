//nolint:thelper // these are tests, not helpers of tests
package logtest

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
)

var activities = map[string]func(*testing.T, Log){
	"an activity is stored once for ever, whoever it is reported for": recordedOnce,
	"of two equal activities in a call the second is a duplicate":     recordedTwiceInACall,
	"a thousand activities are recorded in order, and found again":    thousand,
	"an activity of a user without a key is refused":                  withoutKey,
	"recording nothing is no change":                                  recordNothing,
}

func activity(user events.Aggregate, sourceID string) events.Draft {
	d := draft(user, &events.ActivityRecorded{
		SourceID: sourceID, User: user.ID, Type: events.CommitActivity, Action: "pushed", EntityID: "repo", OccurredAt: at,
		Sealed: events.Seal(events.ActivityPrivate{EntityTitle: "title", Metadata: json.RawMessage(`{"ref":"main"}`)}),
	}, true)
	d.Meta.Source = "github"
	return d
}

func recordedOnce(t *testing.T, l Log) {
	user, _ := register(t, l)
	other, _ := register(t, l)
	first, err := l.Record(t.Context(), []events.Draft{activity(user, "1"), activity(user, "2")})
	require.NoError(t, err)
	require.Len(t, first, 2)
	require.False(t, first[0].Duplicate || first[1].Duplicate)

	elsewhere := activity(user, "1")
	elsewhere.Meta.Source = "gitlab"
	again, err := l.Record(t.Context(), []events.Draft{activity(other, "1"), activity(user, "3"), elsewhere, activity(user, "2")})
	require.NoError(t, err)
	require.Equal(t, events.Recording{Sequence: first[0].Sequence, Duplicate: true}, again[0])
	require.False(t, again[1].Duplicate)
	require.False(t, again[2].Duplicate, "another source")
	require.Equal(t, events.Recording{Sequence: first[1].Sequence, Duplicate: true}, again[3])
	require.EqualValues(t, 4, head(t, l, events.Activity))
}

func recordedTwiceInACall(t *testing.T, l Log) {
	user, _ := register(t, l)
	got, err := l.Record(t.Context(), []events.Draft{activity(user, "1"), activity(user, "1"), activity(user, "2")})
	require.NoError(t, err)
	require.False(t, got[0].Duplicate)
	require.Equal(t, events.Recording{Sequence: got[0].Sequence, Duplicate: true}, got[1])
	require.False(t, got[2].Duplicate)
	require.EqualValues(t, 2, head(t, l, events.Activity))
}

func thousand(t *testing.T, l Log) {
	user, _ := register(t, l)
	drafts := make([]events.Draft, 1000)
	for i := range drafts {
		drafts[i] = activity(user, fmt.Sprint(i))
	}
	first, err := l.Record(t.Context(), drafts)
	require.NoError(t, err)
	for i, r := range first {
		require.False(t, r.Duplicate)
		require.EqualValues(t, i+1, r.Sequence)
	}
	for i := range drafts {
		drafts[i] = activity(user, fmt.Sprint(i))
	}
	again, err := l.Record(t.Context(), drafts)
	require.NoError(t, err)
	for i, r := range again {
		require.Equal(t, events.Recording{Sequence: first[i].Sequence, Duplicate: true}, r)
	}
	_, err = l.Record(t.Context(), slices.Concat(drafts, []events.Draft{activity(user, "more")}))
	require.Error(t, err)
}

func withoutKey(t *testing.T, l Log) {
	_, err := l.Record(t.Context(), []events.Draft{activity(newUser(), "1")})
	require.Error(t, err)
	require.NotErrorIs(t, err, events.ErrErased)
	require.Zero(t, head(t, l, events.Activity))
}

func recordNothing(t *testing.T, l Log) {
	got, err := l.Record(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, got)
}
