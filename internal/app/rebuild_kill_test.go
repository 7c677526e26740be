package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// buildOf returns the state of the last build of a read model, and how far it came.
func (r *running) buildOf(t *testing.T, token, name string) (state string, events int64) {
	t.Helper()
	var list struct {
		Items []struct {
			Name   string `json:"name"`
			Builds []struct {
				Kind   string `json:"kind"`
				State  string `json:"state"`
				Events int64  `json:"events"`
			} `json:"builds"`
		} `json:"items"`
	}
	require.NoError(t, json.Unmarshal([]byte(r.must(t, http.StatusOK, http.MethodGet, "/v1/admin/projections", token, "")), &list))
	for _, p := range list.Items {
		for _, b := range p.Builds {
			if p.Name == name && b.Kind == "again" {
				return b.State, b.Events
			}
		}
	}
	return "", 0
}

// TestARebuildGoesOnBehindAKill kills the whole process twice while a read model is built
// anew. Nobody asks again: the next process goes on where the build was, and what serves
// in the end is what a replay of the log gives, with what was written meanwhile.
func TestARebuildGoesOnBehindAKill(t *testing.T) {
	t.Parallel()
	const before, meanwhile = 4000, 50
	dir := dataDir(t)
	r := start(t, "ROSTER_DATA_DIR="+dir)
	token := r.enter(t)
	record := func(from, n int) {
		var lines strings.Builder
		for i := from; i < from+n; i++ {
			fmt.Fprintf(&lines, `{"source":"tracker","id":"%d","user":{"username":"ada"},"type":"comment","action":"created",`+
				`"entity":{"id":"t-%d"},"occurredAt":"2026-05-03T10:00:00Z"}`+"\n", i, i%50)
		}
		r.must(t, http.StatusOK, http.MethodPost, "/v1/activities", token, "["+strings.ReplaceAll(strings.TrimSpace(lines.String()), "\n", ",")+"]")
	}
	record(0, before)
	count := func() string {
		return r.must(t, http.StatusOK, http.MethodGet, "/v1/users/me/activities/count?type=comment", token, "")
	}
	require.JSONEq(t, fmt.Sprintf(`{"count":%d}`, before), count())
	r.must(t, http.StatusAccepted, http.MethodPost, "/v1/admin/projections/activity/rebuild", token, `{"again":true,"maxRate":1000}`)

	var reached int64
	for _, enough := range []int64{500, 2000} {
		require.Eventually(t, func() bool {
			_, reached = r.buildOf(t, token, "activity")
			return reached >= enough
		}, 60*time.Second, 5*time.Millisecond, "the build goes on")
		r.kill(t)
		r = start(t, "ROSTER_DATA_DIR="+dir)
		require.JSONEq(t, fmt.Sprintf(`{"count":%d}`, before), count(), "what served before serves")
		state, events := r.buildOf(t, token, "activity")
		require.NotEqual(t, "done", state)
		require.Less(t, events, int64(before), "it did not come to its end unseen")
	}
	record(before, meanwhile)
	require.Eventually(t, func() bool {
		state, events := r.buildOf(t, token, "activity")
		require.NotContains(t, []string{"failed", "cancelled"}, state)
		return state == "done" && events >= before
	}, 120*time.Second, 20*time.Millisecond, "the build comes to its end")
	require.JSONEq(t, fmt.Sprintf(`{"count":%d}`, before+meanwhile), count())
	verified := r.must(t, http.StatusOK, http.MethodPost, "/v1/admin/projections/activity/verify", token, "")
	require.Contains(t, verified, `"equal":true`)
}
