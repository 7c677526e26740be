package v1_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/events"
)

// A user of 10,000 events has a past and a history as anybody has.
func TestALongHistory(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	ada := owner.NewUser("ada")
	const all, atOnce = 10_000, 250
	of := events.Aggregate{Kind: events.User, ID: ada.ID}
	tip, err := s.Log.Tip(t.Context(), of)
	require.NoError(t, err)
	middle := uint64(0)
	for done := 0; done < all; done += atOnce {
		drafts := make([]events.Draft, atOnce)
		for i := range drafts {
			name := fmt.Sprintf("Ada %d", done+i)
			p := &events.UserProfileUpdated{Fields: []string{"name"}, Sealed: events.Seal(events.UserProfileUpdatedPrivate{Name: &name})}
			drafts[i] = events.Draft{Payload: p, Meta: events.Meta{
				ID: uuid.NewString(), Type: p.EventType(), Source: "/roster", Time: time.Now().UTC().Truncate(time.Microsecond),
				Aggregate: of, Actor: ada.ID, CommandID: uuid.NewString(), SealedFor: ada.ID,
			}}
		}
		first, err := s.Log.Append(t.Context(), events.Commit{Aggregate: of, Expected: tip.Sequence, Events: drafts})
		require.NoError(t, err)
		tip.Sequence = first + atOnce - 1
		if done == all/2 {
			middle = first
		}
	}
	position := func(sequence uint64) string {
		return events.Position{Stream: events.Roster, Sequence: sequence}.String()
	}
	last := "/v1/users/ada?at=" + position(tip.Sequence)
	require.Eventually(t, func() bool {
		a := owner.Do("GET", last, nil, nil)
		return a.Status == http.StatusOK && a.Header.Get("Roster-Stale") == ""
	}, time.Minute, 10*time.Millisecond)
	require.Equal(t, "Ada 9999", owner.Do("GET", last, nil, nil).Map(s)["name"])
	require.Equal(t, "Ada 5000", owner.Do("GET", "/v1/users/ada?at="+position(middle), nil, nil).Map(s)["name"])

	newest := owner.Do("GET", "/v1/users/ada/history?limit=2", nil, nil).Map(s)
	require.Equal(t, map[string]string{"name": "Ada 9998>Ada 9999"}, changesOf(newest["items"].([]any)[0].(object)))
	require.Equal(t, map[string]string{"name": "Ada 9997>Ada 9998"}, changesOf(newest["items"].([]any)[1].(object)))
	older := owner.Do("GET", "/v1/users/ada/history?limit=1&cursor="+position(middle), nil, nil).Map(s)
	require.Equal(t, map[string]string{"name": "Ada 4999>Ada 5000"}, changesOf(older["items"].([]any)[0].(object)))
	newer := owner.Do("GET", "/v1/users/ada/history?limit=1&order=asc&cursor="+position(middle), nil, nil).Map(s)
	require.Equal(t, older["items"], newer["items"])
}
