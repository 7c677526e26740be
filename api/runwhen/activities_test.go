package runwhen_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
)

// record lets a user do something; more is merged into each.
func (w *world) record(who *apitest.Session, more object, ids ...string) {
	w.t.Helper()
	items := make([]object, len(ids))
	for i, id := range ids {
		items[i] = object{
			"source": "tracker", "id": id, "user": object{"id": who.ID}, "type": "ticket", "action": "created",
			"entity": object{"id": "T-" + id, "title": "Ticket " + id}, "workspace": "main",
			"occurredAt": time.Now().UTC().Truncate(time.Second).Add(time.Duration(i) * time.Millisecond),
		}
		for name, value := range more {
			items[i][name] = value
		}
	}
	a := w.owner.Do("POST", "/v1/activities", nil, items)
	require.Equal(w.t, http.StatusOK, a.Status, "%s", a.Body)
	require.EqualValues(w.t, len(ids), a.Map(w.System)["accepted"], "%s", a.Body)
}

// tickets leaves out what the account itself lived through.
func tickets(list []object) (out []object) {
	for _, a := range list {
		if a["targetType"] != "account" {
			out = append(out, a)
		}
	}
	return out
}

func TestActivities(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := time.Date(2026, 2, 28, 10, 0, 0, 0, time.UTC)
	w.record(w.ada, object{"occurredAt": at}, "1")
	w.record(w.ada, object{"occurredAt": at.Add(time.Hour), "type": "review", "action": "approvedAgain", "workspace": "", "entity": object{"id": "R-2"}}, "2")
	path := w.path(w.ada) + "/activities"
	for _, who := range []*apitest.Session{w.ada, w.bob, w.owner} {
		list := tickets(w.list(who, path+"?page-size=100"))
		require.Len(t, list, 2)
		require.Positive(t, list[1]["id"])
		for member, want := range (object{
			"verb": "TICKET_CREATED", "actorName": "ada", "targetName": "Ticket 1", "workspace": "main", "timestamp": "2026-02-28T10:00:00Z",
			"actorId": 2.0, "targetType": "ticket", "targetId": "T-1",
		}) {
			require.Equal(t, want, list[1][member], member)
		}
		require.Equal(t, []any{"REVIEW_APPROVED_AGAIN", nil, nil}, []any{list[0]["verb"], list[0]["targetName"], list[0]["workspace"]}, "newest first")
	}
	ids := make([]string, 25)
	for i := range ids {
		ids[i] = fmt.Sprint("bob-", i)
	}
	w.record(w.bob, nil, ids...)
	path = w.path(w.bob) + "/activities"
	require.Len(t, w.list(w.bob, path), 20)
	require.Len(t, w.list(w.bob, path+"/?page=1&page-size=3"), 3)
	require.Equal(t, w.list(w.bob, path+"?page-size=6")[3:], w.list(w.bob, path+"?page=2&page-size=3"))
	for _, far := range []string{"50", "99999999999999999999"} {
		require.Equal(t, "[]", string(w.as(w.bob, "GET", path+"?page="+far, nil, http.StatusOK).Body), "past the end")
	}
	w.problems(w.bob, "GET", path+"?page=0&page-size=101", nil, `[
		{"type":"greater_than_equal","loc":["query","page"],"msg":"Input should be greater than or equal to 1","input":"0","ctx":{"ge":1}},
		{"type":"less_than_equal","loc":["query","page-size"],"msg":"Input should be less than or equal to 100","input":"101","ctx":{"le":100}}]`)
	w.problems(w.bob, "GET", path+"?page-size=0", nil, `[{"type":"greater_than_equal","loc":["query","page-size"],"msg":"Input should be greater than or equal to 1","input":"0","ctx":{"ge":1}}]`)
	w.problems(w.bob, "GET", path+"?page=x", nil, `[{"type":"int_parsing","loc":["query","page"],"msg":"Input should be a valid integer, unable to parse string as an integer","input":"x"}]`)
}

func TestAccountChangesAreActivities(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.path(w.eve) + "/activities?page-size=100"
	require.Eventually(t, func() bool {
		for _, a := range w.list(w.eve, path) {
			if a["verb"] == "ACCOUNT_REGISTERED" {
				return a["targetName"] == "eve" && a["workspace"] == nil && a["targetType"] == "account"
			}
		}
		return false
	}, 10*time.Second, 20*time.Millisecond)
}

func TestActiveWorkspaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.path(w.ada) + "/activeworkspaces"
	require.Equal(t, "[]", string(w.as(w.ada, "GET", path, nil, http.StatusOK).Body))
	w.record(w.ada, object{"workspace": "zeta"}, "1", "2")
	w.record(w.ada, object{"workspace": "alpha"}, "3", "4")
	w.record(w.ada, object{"workspace": "most"}, "5", "6", "7")
	w.record(w.ada, object{"workspace": ""}, "8")
	w.record(w.ada, object{"workspace": "old", "occurredAt": time.Now().Add(-31 * 24 * time.Hour)}, "9")
	w.record(w.ada, object{"workspace": "recent", "occurredAt": time.Now().Add(-29 * 24 * time.Hour)}, "10")
	var got []string
	for _, one := range w.list(w.bob, path+"/") {
		got = append(got, fmt.Sprint(one["workspaceName"], " ", one["count"]))
		require.NotEmpty(t, one["lastActiveAt"])
	}
	require.Equal(t, []string{"most 3", "alpha 2", "zeta 2", "recent 1"}, got)
}

func TestActivityCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := func(days int) time.Time {
		return time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -days).Add(time.Hour)
	}
	w.record(w.ada, object{"occurredAt": at(400)}, "1", "2")
	w.record(w.ada, object{"occurredAt": at(364)}, "3")
	w.record(w.ada, object{"occurredAt": at(365)}, "4")
	w.record(w.ada, object{"occurredAt": at(5)}, "5", "6", "7")
	path := w.path(w.ada) + "/activities/count"
	var count struct {
		Count int64
		Days  []struct {
			Date  string
			Count int64
		}
	}
	w.as(w.bob, "GET", path, nil, http.StatusOK).JSON(w.System, &count)
	require.GreaterOrEqual(t, count.Count, int64(7), "of all time")
	require.Equal(t, at(364).Format(time.DateOnly), count.Days[0].Date, "of the last 365 days")
	require.Equal(t, int64(1), count.Days[0].Count)
	require.Equal(t, at(5).Format(time.DateOnly), count.Days[1].Date, "ascending, without empty ones")
	require.Equal(t, int64(3), count.Days[1].Count)
	heat := w.list(w.ada, path+"/?format=heatmap")
	require.Equal(t, object{"date": at(364).Format(time.DateOnly), "count": 1.0}, heat[0])
	require.Contains(t, w.get(w.eve, w.path(w.eve)+"/activities/count"), "days")
	w.problems(w.ada, "GET", path+"?format=xml", nil, `[{"type":"literal_error","loc":["query","format"],"msg":"Input should be 'heatmap'","input":"xml","ctx":{"expected":"'heatmap'"}}]`)
}
