package statistics

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/testenv"
	"github.com/rosterhq/roster/projections/runtime"
)

func TestMain(m *testing.M) { testenv.Main(m) }

var (
	users = []string{
		"018f0000-0000-7000-8000-000000000001", "018f0000-0000-7000-8000-000000000002", "018f0000-0000-7000-8000-000000000003",
	}
	tables = []string{"days", "user_totals", "user_projects", "projects", "tickets", "ticket_turns", "ticket_assignments"}
)

// batch is the queue of a projection without its log.
type batch struct{ pgx.Batch }

func (b *batch) Queue(sql string, args ...any) { b.Batch.Queue(sql, args...) }
func (b *batch) Record(events.Draft)           {}

// database returns a connection to the model's tables, empty.
func database(t testing.TB) *pgx.Conn {
	t.Helper()
	ctx := context.Background()
	config, err := pgx.ParseConfig(testenv.Postgres(t))
	require.NoError(t, err)
	config.RuntimeParams["search_path"] = "statistics_v1"
	db := stdlib.OpenDB(*config)
	defer func() { require.NoError(t, db.Close()) }()
	migrate(t, db)
	conn, err := pgx.ConnectConfig(ctx, config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close(context.Background())) })
	return conn
}

func migrate(t testing.TB, db *sql.DB) {
	t.Helper()
	_, err := db.Exec("create schema statistics_v1")
	require.NoError(t, err)
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files())
	require.NoError(t, err)
	_, err = provider.Up(context.Background())
	require.NoError(t, err)
}

type testingT interface {
	Errorf(format string, args ...any)
	FailNow()
}

// project runs facts through the handler, in batches as the runtime does.
func project(t testingT, conn *pgx.Conn, facts []fact) {
	for part := range slices.Chunk(facts, 500) {
		b := &batch{}
		for _, f := range part {
			require.NoError(t, record(context.Background(), b, runtime.Event{Meta: events.Meta{Source: f.source}}, &f.ActivityRecorded))
		}
		err := pgx.BeginFunc(context.Background(), conn, func(tx pgx.Tx) error {
			return tx.SendBatch(context.Background(), &b.Batch).Close()
		})
		require.NoError(t, err)
	}
}

func clear(t testingT, conn *pgx.Conn) {
	for _, table := range tables {
		_, err := conn.Exec(context.Background(), "truncate "+table)
		require.NoError(t, err)
	}
}

// read reads what expect computes. unit is week, month, quarter or year.
func read(t testingT, conn *pgx.Conn, user, unit string, from, to, now time.Time) numbers {
	var n numbers
	ctx := context.Background()
	err := conn.QueryRow(ctx, `select coalesce(sum(created), 0)::bigint, coalesce(sum(completed), 0)::bigint,
		coalesce(sum(assigned_`+unit+`), 0)::bigint, coalesce(sum(completion_us), 0)::bigint, coalesce(sum(timed), 0)::bigint,
		coalesce(sum(comments), 0)::bigint, coalesce(sum(commits), 0)::bigint, coalesce(sum(reviews), 0)::bigint,
		coalesce(sum(bit_count(hours::bit(24))), 0)::bigint from days where user_id = $1 and day >= $2 and day < $3`, user, from, to).
		Scan(&n.Created, &n.Completed, &n.Assigned, &n.CompletionUS, &n.Timed, &n.Comments, &n.Commits, &n.Reviews, &n.Hours)
	require.NoError(t, err)
	err = conn.QueryRow(ctx, `select coalesce(sum(projects), 0)::bigint, coalesce(sum(owned), 0)::bigint, coalesce(sum(member), 0)::bigint,
		coalesce(sum(tickets), 0)::bigint, coalesce(sum(comments), 0)::bigint from user_totals where user_id = $1`, user).
		Scan(&n.Projects, &n.Owned, &n.Member, &n.Tickets, &n.AllComments)
	require.NoError(t, err)
	err = conn.QueryRow(ctx, `select (select count(*) from tickets where assignee = $1 and not finished and due < $2),
		$3 - (select count(*) from user_projects join projects p using (project) where user_id = $1 and not p.active)`,
		user, now, n.Projects).Scan(&n.Overdue, &n.Active)
	require.NoError(t, err)
	return n
}

// dump returns every row of every table in order.
func dump(t testingT, conn *pgx.Conn) string {
	var all string
	for _, table := range tables {
		var rows string
		err := conn.QueryRow(context.Background(),
			fmt.Sprintf(`select coalesce(string_agg(x::text, E'\n' order by x::text), '') from %s x`, table)).Scan(&rows)
		require.NoError(t, err)
		all += table + "\n" + rows + "\n"
	}
	return all
}

var start = time.Date(2026, 3, 30, 0, 0, 0, 0, time.UTC) // a Monday, two days before the month and quarter end

func drawFacts(t *rapid.T) []fact {
	moment := rapid.Custom(func(t *rapid.T) time.Time {
		return start.Add(time.Duration(rapid.IntRange(-40, 300).Draw(t, "hour")) * time.Hour)
	})
	n := rapid.IntRange(1, 40).Draw(t, "n")
	facts := make([]fact, n)
	for i := range facts {
		f := &facts[i]
		f.source = rapid.SampledFrom([]string{"a", "b"}).Draw(t, "source")
		f.SourceID = fmt.Sprint(i)
		f.User = rapid.SampledFrom(users).Draw(t, "user")
		f.Type = rapid.SampledFrom([]events.ActivityType{
			events.TicketActivity, events.TicketActivity, events.TicketActivity, events.TicketActivity, events.ProjectActivity,
			events.CommentActivity, events.CommitActivity, events.ReviewActivity, events.AccountActivity,
		}).Draw(t, "type")
		f.EntityID = rapid.SampledFrom([]string{"1", "1", "2"}).Draw(t, "entity")
		f.ProjectID = rapid.SampledFrom([]string{"", "1", "2"}).Draw(t, "project")
		f.OccurredAt = moment.Draw(t, "at")
		f.Count = rapid.Int64Range(0, 5).Draw(t, "count")
		switch f.Type {
		case events.TicketActivity:
			f.Action = rapid.SampledFrom([]string{"created", "completed", "completed", "reopened", "reopened", "assigned", "unassigned", "cancelled", "updated"}).Draw(t, "action")
			f.Assignee = rapid.SampledFrom(append([]string{"", ""}, users...)).Draw(t, "assignee")
			f.EntityCreatedAt = optional(t, moment)
			f.Due = optional(t, moment)
		case events.ProjectActivity:
			f.Action = rapid.SampledFrom([]string{"created", "archived", "deleted", "restored", "unarchived", "starred"}).Draw(t, "action")
		default:
			f.Action = "created"
		}
	}
	return facts
}

func optional(t *rapid.T, g *rapid.Generator[time.Time]) *time.Time {
	if rapid.IntRange(0, 3).Draw(t, "given") > 0 {
		return nil
	}
	at := g.Draw(t, "moment")
	return &at
}

func TestNumbersFollowTheRulesInAnyOrderOfArrival(t *testing.T) {
	t.Parallel()
	conn := database(t)
	windows := []struct {
		unit     string
		from, to time.Time
	}{
		{"week", start, start.AddDate(0, 0, 7)},
		{"month", time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)},
		{"quarter", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)},
		{"year", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)},
	}
	rapid.Check(t, func(t *rapid.T) {
		facts := drawFacts(t)
		now := start.Add(time.Duration(rapid.IntRange(-50, 310).Draw(t, "now")) * time.Hour)
		clear(t, conn)
		project(t, conn, facts)
		first := dump(t, conn)
		for _, w := range windows {
			for _, u := range users {
				require.Equal(t, expect(facts, u, w.from, w.to, now), read(t, conn, u, w.unit, w.from, w.to, now), "%s of %s", w.unit, u)
			}
		}
		clear(t, conn)
		project(t, conn, facts)
		require.Equal(t, first, dump(t, conn), "a replay in the same order gives the same bytes")
	})
}

func TestCompletionCountsForWhoCompleted(t *testing.T) {
	t.Parallel()
	conn := database(t)
	at := func(h int) time.Time { return start.Add(time.Duration(h) * time.Hour) }
	ticket := func(id, user, action string, h int) fact {
		return fact{"jira", events.ActivityRecorded{
			SourceID: id, User: user, Type: events.TicketActivity, Action: action, EntityID: "T-1", OccurredAt: at(h),
		}}
	}
	facts := []fact{
		ticket("4", users[2], "reopened", 30), // arrives first, happened last
		ticket("2", users[1], "completed", 12),
		ticket("1", users[0], "created", 2),
		ticket("3", users[0], "completed", 20),
	}
	project(t, conn, facts)
	week := func(u string) numbers {
		return read(t, conn, u, "week", start, start.AddDate(0, 0, 7), start)
	}
	require.Equal(t, int64(1), week(users[0]).Created)
	require.Zero(t, week(users[0]).Completed, "the reopening took the latest completion back")
	require.Equal(t, int64(1), week(users[1]).Completed)
	require.Equal(t, (10 * time.Hour).Microseconds(), week(users[1]).CompletionUS)
}

func TestAncientTicketsOverflowNothing(t *testing.T) {
	t.Parallel()
	conn := database(t)
	year1 := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	facts := make([]fact, 1000)
	for i := range facts {
		facts[i] = fact{"jira", events.ActivityRecorded{
			SourceID: fmt.Sprint(i), User: users[0], Type: events.TicketActivity, Action: "completed", EntityID: fmt.Sprint(i),
			EntityCreatedAt: &year1, OccurredAt: start,
		}}
	}
	project(t, conn, facts)
	var average int64
	require.NoError(t, conn.QueryRow(context.Background(), "select div(sum(completion_us), sum(timed))::bigint from days").Scan(&average))
	require.Equal(t, start.Unix()-year1.Unix(), average/1_000_000)
}

func TestLongHistoriesStayCheap(t *testing.T) {
	t.Parallel()
	conn := database(t)
	conn.Exec(context.Background(), "set statement_timeout = '20s'")
	actions := []string{"created", "completed", "reopened", "reopened", "assigned"}
	facts := make([]fact, 5000)
	for i := range facts {
		facts[i] = fact{"jira", events.ActivityRecorded{
			SourceID: fmt.Sprint(i), User: users[i%3], Type: events.TicketActivity, Action: actions[i%5], EntityID: "T-1",
			Assignee: users[(i/5)%3], OccurredAt: start.Add(time.Duration(i) * time.Minute),
		}}
	}
	began := time.Now()
	project(t, conn, facts)
	t.Logf("in order: %v an event", time.Since(began)/time.Duration(len(facts)))
	forward := read(t, conn, users[0], "year", start, start.AddDate(0, 1, 0), start)
	clear(t, conn)
	slices.Reverse(facts)
	began = time.Now()
	project(t, conn, facts)
	t.Logf("in reverse: %v an event", time.Since(began)/time.Duration(len(facts)))
	require.Equal(t, forward, read(t, conn, users[0], "year", start, start.AddDate(0, 1, 0), start))
}

func TestHandlerRefusesWhatIsNoUser(t *testing.T) {
	t.Parallel()
	b := &batch{}
	e := &events.ActivityRecorded{User: "nobody", Type: events.CommentActivity}
	require.Error(t, record(context.Background(), b, runtime.Event{}, e))
	e = &events.ActivityRecorded{User: users[0], Type: events.TicketActivity, Assignee: "nobody"}
	require.Error(t, record(context.Background(), b, runtime.Event{}, e))
	require.NoError(t, record(context.Background(), b, runtime.Event{}, &events.ActivityRecorded{User: users[0], Type: events.AccountActivity}))
	require.Zero(t, b.Len(), "account changes are no statistics")
}

// BenchmarkProject measures the handler and its SQL, without a log.
func BenchmarkProject(b *testing.B) {
	for _, kind := range []string{"comments", "tickets", "mixed"} {
		b.Run(kind, func(b *testing.B) {
			conn := database(b)
			facts := benchmarkFacts(kind, b.N)
			b.ResetTimer()
			project(b, conn, facts)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

func benchmarkFacts(kind string, n int) []fact {
	random := rand.New(rand.NewPCG(1, 2))
	facts := make([]fact, n)
	for i := range facts {
		f := &facts[i]
		f.source, f.SourceID = "github", fmt.Sprint(i)
		f.User = fmt.Sprintf("018f0000-0000-7000-8000-%012d", random.IntN(4000))
		f.ProjectID = fmt.Sprint("project-", random.IntN(2000))
		f.OccurredAt = start.Add(time.Duration(i) * time.Second)
		f.Type, f.Action = events.CommentActivity, "created"
		if kind == "tickets" || kind == "mixed" && i%5 == 0 {
			f.Type, f.EntityID, f.Assignee = events.TicketActivity, fmt.Sprint("t", random.IntN(n/3+1)), f.User
			f.Action = []string{"created", "completed", "reopened"}[random.IntN(3)]
			f.EntityCreatedAt = &start
		}
	}
	return facts
}
