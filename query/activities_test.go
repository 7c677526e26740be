package query

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
)

// feed fills a user's feed with n activities of all types, two at each moment.
func (s *store) feed(user string, first, n int) {
	s.t.Helper()
	s.exec(`insert into activities (sequence, user_id, type, action, entity_id, occurred_at, recorded_at, source, source_id, metadata)
		select $2 + i, $1::uuid, (array['ticket', 'commit', 'comment', 'project', 'commit', 'review', 'account'])[1 + i % 7], 'created', 'e' || i,
			'2026-01-01Z'::timestamptz + i / 2 * interval '1 minute', '2026-01-01Z', 'test', 'id' || i, '{"k":1}'
		from generate_series(0, $3 - 1) i`, user, first, n)
	s.exec(`insert into activity_totals select user_id, type, count(*) from activities where user_id = $1 group by 1, 2`, user)
}

func TestFeedPages(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.feed(userID(1), 1, 100)
	s.feed(userID(2), 1001, 10)
	q, ctx := s.open(nil), context.Background()
	for name, types := range map[string][]events.ActivityType{
		"all": nil, "one": {events.CommitActivity},
		"four": {events.TicketActivity, events.ProjectActivity, events.CommentActivity, events.ReviewActivity},
		"none": {"unknown"}, "twice": {events.CommitActivity, events.CommitActivity},
	} {
		t.Run(name, func(t *testing.T) {
			total, err := q.ActivityTotal(ctx, userID(1), types)
			require.NoError(t, err)
			byCursor := walk(t, q, ActivityFilter{UserID: userID(1), Types: types, Limit: 7}, false)
			byOffset := walk(t, q, ActivityFilter{UserID: userID(1), Types: types, Limit: 7}, true)
			require.Equal(t, byCursor, byOffset)
			require.Len(t, byCursor, int(total))
			for i, a := range byCursor[min(1, len(byCursor)):] {
				before := byCursor[i]
				require.True(t, a.OccurredAt.Before(before.OccurredAt) || a.OccurredAt.Equal(before.OccurredAt) && a.Sequence < before.Sequence)
			}
		})
	}
}

// Far pages are found from the nearer end.
func TestFarFeedPages(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.feed(userID(1), 1, 3*farOffset+1)
	q := s.open(nil)
	for name, types := range map[string][]events.ActivityType{"all": nil, "two": {events.CommitActivity, events.TicketActivity}} {
		t.Run(name, func(t *testing.T) {
			byCursor := walk(t, q, ActivityFilter{UserID: userID(1), Types: types, Limit: 97}, false)
			byOffset := walk(t, q, ActivityFilter{UserID: userID(1), Types: types, Limit: 97}, true)
			require.Equal(t, byCursor, byOffset)
			page, err := q.Activities(t.Context(), ActivityFilter{UserID: userID(1), Types: types, Limit: 97, Offset: len(byCursor)})
			require.NoError(t, err)
			require.Empty(t, page.Items)
		})
	}
}

func walk(t *testing.T, q *Queries, f ActivityFilter, offset bool) []Activity {
	t.Helper()
	var all []Activity
	for {
		page, err := q.Activities(context.Background(), f)
		require.NoError(t, err)
		all = append(all, page.Items...)
		if page.Next == "" {
			return all
		}
		if offset {
			f.Offset += len(page.Items)
		} else {
			f.Cursor = page.Next
		}
	}
}

func TestActivityIsWhole(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	at := time.Date(2026, 5, 3, 12, 0, 0, 1000, time.UTC)
	s.exec(`insert into activities values (7, $1, 'ticket', 'created', 'T-1', 'Title', 'https://x', $2, 'p', 'Project', 'w', 3, $3, $2, $2, $2,
		'jira', 'J1', '{"a":{"b":[1]}}')`, userID(1), at, userID(2))
	q := s.open(nil)
	page, err := q.Activities(context.Background(), ActivityFilter{UserID: userID(1), Limit: 1})
	require.NoError(t, err)
	require.Equal(t, []Activity{{
		Sequence: 7, UserID: userID(1), Type: "ticket", Action: "created", EntityID: "T-1", EntityTitle: "Title", EntityURL: "https://x",
		EntityCreatedAt: &at, ProjectID: "p", ProjectName: "Project", Workspace: "w", Count: 3, Assignee: userID(2), Due: &at,
		OccurredAt: at, RecordedAt: at, Source: "jira", SourceID: "J1", Metadata: map[string]any{"a": map[string]any{"b": []any{json.Number("1")}}},
	}}, page.Items)
}

func TestFeedOfNobodyIsEmpty(t *testing.T) {
	t.Parallel()
	q, ctx := newStore(t).open(nil), context.Background()
	for _, id := range []string{userID(1), "", "me", "\x00"} {
		page, err := q.Activities(ctx, ActivityFilter{UserID: id, Limit: 5, Offset: 1 << 62})
		require.NoError(t, err)
		require.Empty(t, page.Items)
		total, err := q.ActivityTotal(ctx, id, nil)
		require.NoError(t, err)
		require.Zero(t, total)
	}
	_, err := q.Activities(ctx, ActivityFilter{UserID: userID(1), Cursor: "bad"})
	require.ErrorIs(t, err, ErrBadCursor)
	cursor := encodeCursor(activityCursor{List: activityList, At: 1, Sequence: 1})
	_, err = q.Activities(ctx, ActivityFilter{UserID: userID(1), Cursor: cursor, Offset: 1})
	require.ErrorIs(t, err, ErrBadCursor)
}

func BenchmarkFeed(b *testing.B) {
	s := newStore(b)
	s.feed(userID(1), 1, 100_000)
	s.feed(userID(2), 200_001, 100)
	s.exec(`insert into activities (sequence, user_id, type, action, entity_id, occurred_at, recorded_at, source, source_id)
		select 300000 + i, ('018f0000-0000-7000-8001-' || lpad((i % 1000)::text, 12, '0'))::uuid, 'commit', 'pushed', 'e',
			'2026-01-01Z'::timestamptz + i * interval '1 minute', '2026-01-01Z', 'test', 'o' || i from generate_series(1, 100000) i`)
	s.exec("vacuum analyze activities")
	q, ctx := s.open(nil), context.Background()
	codimir := []events.ActivityType{events.TicketActivity, events.ProjectActivity, events.CommentActivity, events.ReviewActivity}
	for _, c := range []struct {
		name string
		f    ActivityFilter
	}{
		{"first page of 100", ActivityFilter{UserID: userID(2), Limit: 20}},
		{"first page of 100,000", ActivityFilter{UserID: userID(1), Limit: 20}},
		{"first page of 100,000, four types", ActivityFilter{UserID: userID(1), Limit: 20, Types: codimir}},
		{"page 4,000 of 100,000 by offset", ActivityFilter{UserID: userID(1), Limit: 20, Offset: 80_000}},
		{"page 2,800 of 57,000 by offset, four types", ActivityFilter{UserID: userID(1), Limit: 20, Offset: 56_000, Types: codimir}},
		{"page 4,000 of 100,000 by cursor", ActivityFilter{UserID: userID(1), Limit: 20, Cursor: encodeCursor(
			activityCursor{List: activityList, At: time.Date(2026, 1, 1, 0, 10_000, 0, 0, time.UTC).UnixMicro(), Sequence: 20_001})}},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				page, err := q.Activities(ctx, c.f)
				require.NoError(b, err)
				require.Len(b, page.Items, 20)
			}
		})
	}
	b.Run("total", func(b *testing.B) {
		for b.Loop() {
			_, err := q.ActivityTotal(ctx, userID(1), codimir)
			require.NoError(b, err)
		}
	})
	b.Run("profile", func(b *testing.B) {
		for i := range 1000 {
			s.user(i+1, fmt.Sprintf("user%d", i), fmt.Sprintf("user%d@example.com", i), "active")
		}
		s.exec("analyze users")
		for b.Loop() {
			_, err := q.User(ctx, UserRef{ID: userID(500)})
			require.NoError(b, err)
		}
	})
}
