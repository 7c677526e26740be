package codimir

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

func TestActivityItem(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 1, 1, 0, 0, 0, 999, time.UTC)
	tests := map[string]struct {
		in   query.Activity
		want string
	}{
		"as the page shows it": {
			query.Activity{
				Sequence: 123, Type: events.TicketActivity, Action: "created", EntityID: "ticket_456", EntityTitle: "Fix login bug",
				ProjectID: "project_789", ProjectName: "Web App", OccurredAt: at,
			},
			`{"id":"activity_000000000123","type":"ticket","action":"created","entityId":"ticket_456","entityTitle":"Fix login bug",
			  "description":"Created ticket: Fix login bug","createdAt":"2024-01-01T00:00:00Z",
			  "metadata":{"projectId":"project_789","projectName":"Web App"}}`,
		},
		"no title, no metadata": {
			query.Activity{Sequence: 1, Type: events.CommentActivity, Action: "écrit", EntityID: "c1", OccurredAt: at},
			`{"id":"activity_000000000001","type":"comment","action":"écrit","entityId":"c1",
			  "description":"Écrit comment: c1","createdAt":"2024-01-01T00:00:00Z"}`,
		},
		"empty metadata is left out": {
			query.Activity{Sequence: 1, Type: events.ReviewActivity, Action: "commented", EntityID: "r1", OccurredAt: at, Metadata: map[string]any{}},
			`{"id":"activity_000000000001","type":"review","action":"commented","entityId":"r1",
			  "description":"Commented review: r1","createdAt":"2024-01-01T00:00:00Z"}`,
		},
		"own metadata beside the project's, which wins": {
			query.Activity{
				Sequence: 2, Type: events.ProjectActivity, Action: "branch_created", EntityID: "p", EntityTitle: "<b>", ProjectID: "p", OccurredAt: at,
				Metadata: map[string]any{"projectId": "other", "projectName": "Kept", "ref": "main", "n": 1.5},
			},
			`{"id":"activity_000000000002","type":"project","action":"branch_created","entityId":"p","entityTitle":"<b>",
			  "description":"Branch_created project: <b>","createdAt":"2024-01-01T00:00:00Z",
			  "metadata":{"projectId":"p","projectName":"Kept","ref":"main","n":1.5}}`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := len(test.in.Metadata)
			require.JSONEq(t, test.want, encode(t, activityOf(test.in)))
			require.Len(t, test.in.Metadata, before, "a row that may be shared was written to")
		})
	}
}

func TestActivityIDsSortAsPositions(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Uint64Range(1, 1e12-1).Draw(t, "a"), rapid.Uint64Range(1, 1e12-1).Draw(t, "b")
		require.Equal(t, a < b, activityID(a) < activityID(b))
	})
}

func TestFeedQuery(t *testing.T) {
	t.Parallel()
	tests := []struct {
		query string
		page  int64
		limit int64
		types int // -1: refused
	}{
		{"", 1, 20, 4},
		{"page=2&limit=50&type=ticket", 2, 50, 1},
		{"type=project", 1, 20, 1},
		{"type=comment", 1, 20, 1},
		{"type=review", 1, 20, 1},
		{"type=commit", 0, 0, -1},
		{"type=account", 0, 0, -1},
		{"type=TICKET", 0, 0, -1},
		{"type=", 0, 0, -1},
		{"type=%00", 0, 0, -1},
		{"page=0", 1, 20, 4},
		{"page=-3", 1, 20, 4},
		{"page=1.5", 1, 20, 4},
		{"page=x", 1, 20, 4},
		{"page=", 1, 20, 4},
		{"page=0x10", 1, 20, 4},
		{"page=99999999999999999999", maxPage, 20, 4},
		{"page=9007199254740993", maxPage, 20, 4},
		{"limit=100", 1, 100, 4},
		{"limit=101", 1, 100, 4},
		{"limit=1", 1, 1, 4},
		{"limit=0", 1, 20, 4},
		{"limit=-5", 1, 20, 4},
		{"limit=abc", 1, 20, 4},
		{"limit=", 1, 20, 4},
		{"limit=NaN", 1, 20, 4},
		{"limit=Infinity", 1, 20, 4},
		{"limit=0.5", 1, 20, 4},
		{"limit=10.9", 1, 10, 4},
		{"limit=" + strings.Repeat("9", 400), 1, 100, 4},
		{"limit=-" + strings.Repeat("9", 400), 1, 20, 4},
		{"page=3&page=4&limit=5&limit=6", 3, 5, 4},
	}
	for _, test := range tests {
		t.Run(test.query[:min(len(test.query), 40)], func(t *testing.T) {
			t.Parallel()
			values, err := url.ParseQuery(test.query)
			require.NoError(t, err)
			got, err := parseFeedQuery(values)
			if test.types < 0 {
				require.Equal(t, 400, faultOf(err).status)
				require.Equal(t, "BAD_REQUEST", faultOf(err).code)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.page, got.page)
			require.Equal(t, test.limit, got.limit)
			require.Len(t, got.types, test.types)
		})
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	tests := []struct {
		page, limit, total int64
		pages, offset      int64
		within             bool
	}{
		{1, 20, 150, 8, 0, true},
		{8, 20, 150, 8, 140, true},
		{9, 20, 150, 8, 160, false},
		{1, 20, 0, 0, 0, false},
		{2, 20, 20, 1, 20, false},
		{1, 20, 20, 1, 0, true},
		{maxPage, 100, 5, 1, 0, false},
	}
	for _, test := range tests {
		q := feedQuery{page: test.page, limit: test.limit}
		p := q.pagination(test.total)
		require.Equal(t, pagination{Page: test.page, Limit: test.limit, Total: test.total, TotalPages: test.pages}, p)
		offset, within := q.offset(test.total)
		require.Equal(t, test.within, within)
		if within {
			require.Equal(t, test.offset, offset)
		}
	}
}

// Every item lies on exactly one page, whatever the limit.
func TestPagesCoverTheFeed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		total, limit := rapid.Int64Range(0, 500).Draw(t, "total"), rapid.Int64Range(1, 100).Draw(t, "limit")
		var seen int64
		pages := feedQuery{page: 1, limit: limit}.pagination(total).TotalPages
		for page := int64(1); page <= pages; page++ {
			offset, within := feedQuery{page: page, limit: limit}.offset(total)
			require.True(t, within)
			require.Equal(t, seen, offset)
			seen += min(limit, total-offset)
		}
		require.Equal(t, total, seen)
		_, within := feedQuery{page: pages + 1, limit: limit}.offset(total)
		require.False(t, within)
	})
}

func FuzzFeedQuery(f *testing.F) {
	for _, seed := range []string{"", "page=1&limit=20&type=ticket", "page=99999999999999999999", "limit=1e9", "type=%00", "page=%zz&;", "limit=٣"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		values, _ := url.ParseQuery(raw)
		q, err := parseFeedQuery(values)
		if err != nil {
			require.Equal(t, 400, faultOf(err).status)
			return
		}
		require.True(t, q.page >= 1 && q.page <= maxPage && q.limit >= 1 && q.limit <= maxLimit && len(q.types) >= 1)
		offset, _ := q.offset(1 << 40)
		require.GreaterOrEqual(t, offset, int64(0))
	})
}
