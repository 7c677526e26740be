package codimir_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

func (a answer) items(tb testing.TB) []map[string]any {
	tb.Helper()
	list, ok := a.at(tb, "data").([]any)
	require.True(tb, ok, a.body)
	out := make([]map[string]any, len(list))
	for i, item := range list {
		out[i], _ = item.(map[string]any)
	}
	return out
}

func activityPages(t *testing.T, w *world) {
	t.Helper()
	c := w.enter(t, commands.Register{})
	a := c.get(t, "/api/user/activity")
	require.Equal(t, 200, a.status)
	require.Contains(t, a.body, `"data":[]`)
	require.Equal(t, map[string]any{"page": 1.0, "limit": 20.0, "total": 0.0, "totalPages": 0.0}, a.at(t, "pagination"))

	newest := time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC)
	recorded := numbered(events.TicketActivity, 145, newest)
	slices.Reverse(recorded) // the feed goes by when things happened
	w.did(t, c.user.ID, recorded...)
	same := numbered(events.CommentActivity, 5, newest.Add(time.Hour))
	for i := range same {
		same[i].OccurredAt = newest.Add(time.Hour)
	}
	w.did(t, c.user.ID, same...)

	var seen []string
	for page := 1; page <= 8; page++ {
		a := c.get(t, "/api/user/activity?page="+string(rune('0'+page)))
		require.Equal(t, map[string]any{"page": float64(page), "limit": 20.0, "total": 150.0, "totalPages": 8.0}, a.at(t, "pagination"))
		for _, item := range a.items(t) {
			created, _ := item["createdAt"].(string)
			id, _ := item["id"].(string)
			seen = append(seen, created+" "+id)
		}
	}
	require.Len(t, seen, 150)
	require.True(t, slices.IsSortedFunc(seen, func(a, b string) int { return -compare(a, b) }), "newest first, ties by id descending")
	require.Len(t, slices.Compact(slices.Clone(seen)), 150, "every item once")

	for _, past := range []string{"page=9", "page=1000000", "page=99999999999999999999"} {
		a := c.get(t, "/api/user/activity?"+past)
		require.Equal(t, 200, a.status, past)
		require.Empty(t, a.items(t))
		require.Equal(t, 150.0, a.at(t, "pagination.total"))
		require.Equal(t, 8.0, a.at(t, "pagination.totalPages"))
	}
	for query, want := range map[string][4]float64{ // page, limit, totalPages, items
		"limit=100": {1, 100, 2, 100}, "limit=500": {1, 100, 2, 100}, "limit=0": {1, 20, 8, 20}, "limit=-1": {1, 20, 8, 20}, "limit=x": {1, 20, 8, 20},
		"limit=7&page=22": {22, 7, 22, 3}, "page=0": {1, 20, 8, 20}, "page=-2": {1, 20, 8, 20}, "page=1.5": {1, 20, 8, 20}, "page=abc": {1, 20, 8, 20},
		"limit=1&page=150": {150, 1, 150, 1},
	} {
		a := c.get(t, "/api/user/activity?"+query)
		require.Equal(t, map[string]any{"page": want[0], "limit": want[1], "total": 150.0, "totalPages": want[2]}, a.at(t, "pagination"), query)
		require.Len(t, a.items(t), int(want[3]), query)
	}
	a = c.get(t, "/api/user/activity?type=comment&limit=2")
	require.Equal(t, map[string]any{"page": 1.0, "limit": 2.0, "total": 5.0, "totalPages": 3.0}, a.at(t, "pagination"), "totals are of the type asked for")
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}

func activityTypes(t *testing.T, w *world) {
	t.Helper()
	c := w.enter(t, commands.Register{})
	at := time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, kind := range []events.ActivityType{"ticket", "project", "comment", "review", "commit"} {
		w.did(t, c.user.ID, numbered(kind, 2, at)...)
	}
	// Account changes are in the feed, but not in this dialect's.
	require.Equal(t, 200, c.put(t, "/api/user/profile", `{"name":"Changed"}`).status)
	a := c.get(t, "/api/user/activity")
	require.Equal(t, 8.0, a.at(t, "pagination.total"))
	kinds := map[any]int{}
	for _, item := range a.items(t) {
		kinds[item["type"]]++
	}
	require.Equal(t, map[any]int{"ticket": 2, "project": 2, "comment": 2, "review": 2}, kinds)
	for _, kind := range []string{"ticket", "project", "comment", "review"} {
		a := c.get(t, "/api/user/activity?type="+kind)
		require.Equal(t, 2.0, a.at(t, "pagination.total"))
		for _, item := range a.items(t) {
			require.Equal(t, kind, item["type"])
		}
	}
	for _, kind := range []string{"commit", "account", "Ticket", "", "ticket,comment", "%00", "%ff"} {
		c.get(t, "/api/user/activity?type="+kind).requireFault(t, 400, "BAD_REQUEST")
	}
	other := w.enter(t, commands.Register{})
	require.Empty(t, other.get(t, "/api/user/activity").items(t), "everybody's own")
}

func activityItems(t *testing.T, w *world) {
	t.Helper()
	c := w.enter(t, commands.Register{})
	at := time.Date(2024, 3, 1, 12, 0, 0, 123456000, time.UTC)
	w.did(t, c.user.ID,
		commands.ActivityInput{Type: "review", Action: "commented", EntityID: "owner/repo#1", OccurredAt: at},
		commands.ActivityInput{
			Type: "project", Action: "starred", EntityID: "owner/repo", EntityTitle: "<Repo> & \"more\"", ProjectID: "owner/repo",
			OccurredAt: at.Add(time.Second), Metadata: map[string]any{"kind": "fork", "depth": map[string]any{"n": 2.5}},
		},
	)
	items := c.get(t, "/api/user/activity").items(t)
	require.Len(t, items, 2)
	delete(items[0], "id")
	delete(items[1], "id")
	require.Equal(t, map[string]any{
		"type": "project", "action": "starred", "entityId": "owner/repo", "entityTitle": "<Repo> & \"more\"",
		"description": "Starred project: <Repo> & \"more\"", "createdAt": "2024-03-01T12:00:01Z",
		"metadata": map[string]any{"kind": "fork", "depth": map[string]any{"n": 2.5}, "projectId": "owner/repo"},
	}, items[0])
	require.Equal(t, map[string]any{
		"type": "review", "action": "commented", "entityId": "owner/repo#1", "description": "Commented review: owner/repo#1", "createdAt": "2024-03-01T12:00:00Z",
	}, items[1])
}

func statsOfAnIdleUser(t *testing.T, w *world) {
	c := w.enter(t, commands.Register{})
	now := time.Now().UTC()
	day := func(year int, month time.Month, day int) time.Time {
		return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	}
	today := day(now.Year(), now.Month(), now.Day())
	monday := today.AddDate(0, 0, -(int(today.Weekday())+6)%7)
	month := day(now.Year(), now.Month(), 1)
	quarter := day(now.Year(), (now.Month()-1)/3*3+1, 1)
	year := day(now.Year(), 1, 1)
	for period, window := range map[string][2]time.Time{
		"":                {month, month.AddDate(0, 1, 0)},
		"?period=week":    {monday, monday.AddDate(0, 0, 7)},
		"?period=month":   {month, month.AddDate(0, 1, 0)},
		"?period=quarter": {quarter, quarter.AddDate(0, 3, 0)},
		"?period=year":    {year, year.AddDate(1, 0, 0)},
	} {
		a := c.get(t, "/api/user/stats"+period)
		require.Equal(t, 200, a.status)
		require.Equal(t, window[0].Format(time.RFC3339), a.at(t, "data.startDate"), period)
		require.Equal(t, window[1].Add(-time.Second).Format(time.RFC3339), a.at(t, "data.endDate"), period)
		require.Equal(t, map[string]any{"created": 0.0, "completed": 0.0, "assigned": 0.0, "overdue": 0.0}, a.at(t, "data.tickets"))
		require.Equal(t, map[string]any{"owned": 0.0, "member": 0.0, "active": 0.0}, a.at(t, "data.projects"))
		require.Equal(t, map[string]any{"comments": 0.0, "commits": 0.0, "reviews": 0.0}, a.at(t, "data.activity"))
		require.Equal(t, map[string]any{"averageCompletionTime": "0 days", "completionRate": 0.0, "activeHours": 0.0}, a.at(t, "data.productivity"))
	}
	for _, bad := range []string{"day", "", "Month", "months", "%00"} {
		c.get(t, "/api/user/stats?period="+bad).requireFault(t, 400, "BAD_REQUEST")
	}
}

func statsOfAUser(t *testing.T, w *world) {
	c := w.enter(t, commands.Register{})
	now := time.Now().UTC()
	hour := now.Truncate(time.Hour)
	born := hour.Add(-60 * time.Hour)
	past := now.Add(-time.Minute)
	me := &commands.UserRef{ID: c.user.ID}
	ticket := func(id, action string) commands.ActivityInput {
		return commands.ActivityInput{Type: "ticket", Action: action, EntityID: id, OccurredAt: hour, EntityCreatedAt: &born}
	}
	assigned := ticket("t5", "created")
	assigned.Assignee, assigned.Due = me, &past
	w.did(t, c.user.ID,
		ticket("t1", "created"), ticket("t2", "created"), ticket("t3", "created"), ticket("t4", "created"), assigned,
		ticket("t1", "completed"), ticket("t2", "completed"), ticket("t3", "completed"), ticket("t4", "completed"),
		commands.ActivityInput{Type: "project", Action: "created", EntityID: "p1", ProjectID: "p1", OccurredAt: hour},
		commands.ActivityInput{Type: "comment", Action: "created", EntityID: "t1", ProjectID: "p2", OccurredAt: hour},
		commands.ActivityInput{Type: "review", Action: "commented", EntityID: "t1", OccurredAt: hour},
		commands.ActivityInput{Type: "commit", Action: "pushed", EntityID: "p1", Count: 23, OccurredAt: hour},
	)
	a := c.get(t, "/api/user/stats?period=year")
	require.Equal(t, map[string]any{"created": 5.0, "completed": 4.0, "assigned": 1.0, "overdue": 1.0}, a.at(t, "data.tickets"), a.body)
	require.Equal(t, map[string]any{"comments": 1.0, "commits": 23.0, "reviews": 1.0}, a.at(t, "data.activity"))
	require.Equal(t, map[string]any{"averageCompletionTime": "2.5 days", "completionRate": 0.8, "activeHours": 1.0}, a.at(t, "data.productivity"))
	require.Equal(t, 1.0, a.at(t, "data.projects.owned"))
	require.Equal(t, 1.0, a.at(t, "data.projects.member"))
}
