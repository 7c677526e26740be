package query

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWindows(t *testing.T) {
	t.Parallel()
	day := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }
	for _, c := range []struct {
		period     Period
		now        time.Time
		start, end time.Time // end is the first moment after
	}{
		{Week, time.Date(2026, 3, 1, 23, 59, 59, 0, time.UTC), day(2026, 2, 23), day(2026, 3, 2)}, // a Sunday
		{Week, day(2026, 3, 2), day(2026, 3, 2), day(2026, 3, 9)},                                 // a Monday
		{Week, day(2027, 1, 1), day(2026, 12, 28), day(2027, 1, 4)},
		{Month, day(2024, 2, 29), day(2024, 2, 1), day(2024, 3, 1)},
		{Month, day(2026, 12, 31), day(2026, 12, 1), day(2027, 1, 1)},
		{Quarter, day(2026, 6, 30), day(2026, 4, 1), day(2026, 7, 1)},
		{Quarter, day(2026, 11, 15), day(2026, 10, 1), day(2027, 1, 1)},
		{Year, day(2026, 7, 1), day(2026, 1, 1), day(2027, 1, 1)},
		{Month, time.Date(2026, 3, 1, 1, 0, 0, 0, time.FixedZone("east", 7200)), day(2026, 2, 1), day(2026, 3, 1)}, // UTC decides
	} {
		start, end, err := Window(c.period, c.now)
		require.NoError(t, err)
		require.Equal(t, c.start, start, "%s of %s", c.period, c.now)
		require.Equal(t, c.end.Add(-time.Second), end, "%s of %s", c.period, c.now)
	}
	_, _, err := Window("decade", time.Now())
	require.Error(t, err)
}

func TestStatisticsOfTheWindow(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	now := time.Date(2026, 3, 11, 10, 0, 0, 0, time.UTC) // a Wednesday
	day := `insert into days (user_id, day, hours, created, completed, completion_us, timed, assigned_week, assigned_month,
		assigned_quarter, assigned_year, comments, commits, reviews) values ($1, $2, $3, $4, $5, $6, $7, 1, 2, 3, 4, 5, 6, 7)`
	s.exec(day, userID(1), "2026-03-09", 1<<23|1, 2, 2, 3*time.Hour.Microseconds(), 2)
	s.exec(day, userID(1), "2026-03-01", 1, 1, 0, 0, 0)
	s.exec(day, userID(1), "2026-03-31", 2, 3, 1, time.Hour.Microseconds(), 1)
	s.exec(day, userID(1), "2026-02-28", 2, 0, 7, 0, 0)
	s.exec(day, userID(2), "2026-03-09", 4, 9, 9, 0, 0)
	s.exec(`insert into user_totals values ($1, 5, 3, 4, 23, 45)`, userID(1))
	s.exec(`insert into projects select '018f0000-0000-7000-8000-000000000001', 's', 'p', now(), '1', false`)
	s.exec(`insert into user_projects values ($1, '018f0000-0000-7000-8000-000000000001', true, false)`, userID(1))
	s.exec(`insert into tickets (ticket, source, entity_id, assignee, due, finished)
		select gen_random_uuid(), 's', i::text, $1, $2::timestamptz + i * interval '1 minute', i = -2 from generate_series(-3, 3) i`, userID(1), now)
	q, ctx := s.open(nil), context.Background()

	got, err := q.Statistics(ctx, userID(1), Month, now)
	require.NoError(t, err)
	require.Equal(t, Statistics{
		Period: Month, Start: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2026, 3, 31, 23, 59, 59, 0, time.UTC),
		TicketsCreated: 6, TicketsCompleted: 3, TicketsAssigned: 6, TicketsOverdue: 2,
		ProjectsOwned: 3, ProjectsMember: 4, ProjectsActive: 4, Comments: 15, Commits: 18, Reviews: 21,
		CompletionTime: 80 * time.Minute, CompletionRate: 0.5, ActiveHours: 4,
	}, got)

	got, err = q.Statistics(ctx, userID(1), Week, now)
	require.NoError(t, err)
	require.Equal(t, int64(1), got.TicketsAssigned)
	require.InDelta(t, 1, got.CompletionRate, 0)
	require.Equal(t, 90*time.Minute, got.CompletionTime)

	got, err = q.Statistics(ctx, userID(1), Year, now)
	require.NoError(t, err)
	require.InDelta(t, 1, got.CompletionRate, 0, "10 of 6 is capped")
	require.Equal(t, int64(16), got.TicketsAssigned)

	for _, nobody := range []string{userID(3), "me"} {
		got, err = q.Statistics(ctx, nobody, Quarter, now)
		require.NoError(t, err)
		require.Zero(t, got.CompletionRate)
		require.Zero(t, got.CompletionTime)
		counts, err := q.Counts(ctx, nobody)
		require.NoError(t, err)
		require.Zero(t, counts)
	}
	counts, err := q.Counts(ctx, userID(1))
	require.NoError(t, err)
	require.Equal(t, Counts{Owned: 3, Projects: 5, Tickets: 23, Comments: 45}, counts)
	_, err = q.Statistics(ctx, userID(1), "decade", now)
	require.Error(t, err)
}

func BenchmarkStatisticsOfAYear(b *testing.B) {
	s := newStore(b)
	s.exec(`insert into days (user_id, day, hours, created, completed, completion_us, timed, comments, commits, reviews)
		select ('018f0000-0000-7000-8000-' || lpad(u::text, 12, '0'))::uuid, '2026-01-01'::date + d, 255, 1, 1, 1000, 1, 1, 1, 1
		from generate_series(0, 364) d, generate_series(1, 500) u`)
	s.exec(`insert into tickets (ticket, source, entity_id, assignee, due)
		select gen_random_uuid(), 's', i::text, ('018f0000-0000-7000-8000-' || lpad((i % 500)::text, 12, '0'))::uuid, '2026-03-01Z' from generate_series(1, 50000) i`)
	s.exec("vacuum analyze")
	q, ctx := s.open(nil), context.Background()
	now := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	for b.Loop() {
		got, err := q.Statistics(ctx, userID(7), Year, now)
		require.NoError(b, err)
		require.Equal(b, int64(365), got.Comments)
	}
}
