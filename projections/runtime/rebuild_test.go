package runtime_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/testenv"
	"github.com/rosterhq/roster/projections/activity"
	"github.com/rosterhq/roster/projections/internal/projtest"
	"github.com/rosterhq/roster/projections/runtime"
	"github.com/rosterhq/roster/projections/users"
)

// reference projects a log event by event into a database of its own.
func reference(t *testing.T, e *projtest.Env, p runtime.Projection) string {
	t.Helper()
	dsn := testenv.Postgres(t)
	require.NoError(t, runtime.Migrate(context.Background(), dsn, []runtime.Projection{p}))
	builds := e.Builds
	e.Builds = nil
	r := e.StartOn(dsn, p)
	e.Builds = builds
	projtest.AwaitOn(t, dsn, p, e.Head(p.Stream))
	r.Stop()
	return projtest.DumpOn(t, dsn, p)
}

func maxRate(n int64) *int64 { return &n }

// TestReadersNeverSeeTwoVersions reads two tables in one statement all the time while
// copies take each other's place: what they hold always belongs together.
func TestReadersNeverSeeTwoVersions(t *testing.T) {
	t.Parallel()
	e := projtest.New(t)
	e.Builds = &runtime.Builds{Keep: time.Hour}
	h := projtest.NewHistory(7)
	last := e.AppendAll(h.Activities(20, 500))
	p := activity.Projection()
	e.Run(p)
	e.Await(p, last)
	ctx, stop := context.WithCancel(context.Background())
	var reads, mixed atomic.Int64
	readers := make(chan error, 3)
	for range 3 {
		config, err := pgx.ParseConfig(e.DSN)
		require.NoError(t, err)
		config.RuntimeParams["search_path"] = "activity_v1"
		go func() { readers <- readBoth(ctx, config, &reads, &mixed) }()
	}
	conn := e.Connect()
	for range 3 {
		e.AppendAll(h.Activities(20, 50))
		s := e.Rebuild(p, runtime.RebuildRequest{Again: true, MaxRate: maxRate(0)})
		require.Equal(t, runtime.RebuildDone, s.State, s.Error)
		require.NoError(t, runtime.RequestSwitch(context.Background(), conn, p, "test"))
		require.Equal(t, runtime.RebuildDone, e.AwaitRebuild(conn, p, "kept").State)
	}
	e.Await(p, e.Head(events.Activity))
	stop()
	for range 3 {
		require.NoError(t, <-readers, "reads never fail")
	}
	require.Positive(t, reads.Load())
	require.Zero(t, mixed.Load())
	require.Equal(t, reference(t, e, p), e.Dump(p))
}

// readBoth compares the feed with its totals, which agree in every state of a copy.
func readBoth(ctx context.Context, config *pgx.ConnConfig, reads, mixed *atomic.Int64) error {
	conn, err := pgx.ConnectConfig(context.Background(), config)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.Background()) }()
	for ctx.Err() == nil {
		var rows, total int64
		err := conn.QueryRow(context.Background(), `select (select count(*) from activities), (select coalesce(sum(total), 0)::bigint from activity_totals)`).
			Scan(&rows, &total)
		if err != nil {
			return err
		}
		reads.Add(1)
		if rows != total {
			mixed.Add(1)
		}
	}
	return nil
}

// TestABuildIsKilledAndGoesOn ends connections of the builder while it works, stops
// its process, and lets another one go on.
func TestABuildIsKilledAndGoesOn(t *testing.T) {
	t.Parallel()
	e := projtest.New(t)
	e.Builds = &runtime.Builds{Keep: time.Hour}
	p := users.Projection()
	last := e.AppendAll(projtest.NewHistory(8).Take(6000))
	first := e.Run(p)
	e.Await(p, last)
	conn := e.Connect()
	require.NoError(t, runtime.RequestRebuild(context.Background(), conn, p, runtime.RebuildRequest{Again: true, MaxRate: maxRate(4000)}))
	progress := func(events int64) {
		e.Eventually(fmt.Sprintf("%d events are built", events), func() bool {
			s := e.RebuildStatus(conn, p, "next")
			return s.Events >= events || !s.State.Open()
		})
	}
	progress(500)
	killBackends(t, conn)
	progress(1500)
	_, err := conn.Exec(context.Background(), `select pg_terminate_backend(pid) from pg_stat_activity
		where datname = current_database() and application_name = 'roster-builder'`)
	require.NoError(t, err)
	progress(2500)
	require.True(t, e.RebuildStatus(conn, p, "next").State.Open(), "it was killed on the way")
	first.Stop()
	e.Start(p)
	s := e.AwaitRebuild(conn, p, "next")
	require.Equal(t, runtime.RebuildDone, s.State, s.Error)
	require.Equal(t, reference(t, e, p), e.Dump(p))
}

func TestABuildIsCancelledAndGoneOnWith(t *testing.T) {
	t.Parallel()
	e := projtest.New(t)
	e.Builds = &runtime.Builds{Keep: time.Hour}
	p := users.Projection()
	last := e.AppendAll(projtest.NewHistory(9).Take(4000))
	e.Run(p)
	e.Await(p, last)
	conn := e.Connect()
	ctx := context.Background()
	require.ErrorIs(t, runtime.CancelRebuild(ctx, conn, p), runtime.ErrNotRunning)
	require.ErrorIs(t, runtime.RequestRebuild(ctx, conn, p, runtime.RebuildRequest{}), runtime.ErrBuilt)
	require.ErrorIs(t, runtime.RequestSwitch(ctx, conn, p, ""), runtime.ErrNothingOld)
	require.NoError(t, runtime.RequestRebuild(ctx, conn, p, runtime.RebuildRequest{Again: true, MaxRate: maxRate(1500)}))
	require.ErrorIs(t, runtime.RequestRebuild(ctx, conn, p, runtime.RebuildRequest{Again: true}), runtime.ErrOpen)
	require.Less(t, cancelOnTheWay(t, e, conn, p).Events, int64(4000))
	e.Await(p, e.AppendAll(projtest.NewHistory(10).Take(20)))

	s := e.Rebuild(p, runtime.RebuildRequest{Again: true, MaxRate: maxRate(0)})
	require.Equal(t, runtime.RebuildDone, s.State, s.Error)
	require.Equal(t, int64(4020), s.Events, "it went on where it was")
	require.Equal(t, reference(t, e, p), e.Dump(p))
}

// cancelOnTheWay cancels a build once something is built.
func cancelOnTheWay(t *testing.T, e *projtest.Env, conn *pgx.Conn, p runtime.Projection) runtime.RebuildStatus {
	t.Helper()
	e.Eventually("something is built", func() bool { return e.RebuildStatus(conn, p, "next").Events > 300 })
	require.NoError(t, runtime.CancelRebuild(context.Background(), conn, p))
	stopped := e.AwaitRebuild(conn, p, "next")
	require.Equal(t, runtime.RebuildCancelled, stopped.State)
	return stopped
}

// TestACopyOfAnotherLogIsBegunAgain: a copy that was left half made does not stand in
// the way when the log is another one since, shorter or not.
func TestACopyOfAnotherLogIsBegunAgain(t *testing.T) {
	t.Parallel()
	e := projtest.New(t)
	e.Builds = &runtime.Builds{Keep: time.Hour}
	p := users.Projection()
	last := e.AppendAll(projtest.NewHistory(9).Take(2000))
	e.Run(p)
	e.Await(p, last)
	conn, ctx := e.Connect(), context.Background()
	for _, elsewhere := range []string{`sequence = 1000000`, `event_id = 'of another log'`} {
		require.NoError(t, runtime.RequestRebuild(ctx, conn, p, runtime.RebuildRequest{Again: true, MaxRate: maxRate(1500)}))
		cancelOnTheWay(t, e, conn, p)
		tag, err := conn.Exec(ctx, `update roster.checkpoints set `+elsewhere+` where name = 'users.next'`)
		require.NoError(t, err)
		require.EqualValues(t, 1, tag.RowsAffected())

		s := e.Rebuild(p, runtime.RebuildRequest{Again: true, MaxRate: maxRate(0)})
		require.Equal(t, runtime.RebuildDone, s.State, s.Error)
		require.Equal(t, int64(2000), s.Events, "from the begin")
		require.Equal(t, reference(t, e, p), e.Dump(p))
	}
}

// TestTwoProcessesBuildOnce runs two processes: one builds, and the model has one
// owner before and after.
func TestTwoProcessesBuildOnce(t *testing.T) {
	t.Parallel()
	e := projtest.New(t)
	e.Builds = &runtime.Builds{Keep: time.Hour}
	p := activity.Projection()
	last := e.AppendAll(projtest.NewHistory(11).Activities(50, 2000))
	e.Run(p)
	e.Start(p)
	e.Await(p, last)
	for range 2 {
		s := e.Rebuild(p, runtime.RebuildRequest{Again: true, MaxRate: maxRate(0)})
		require.Equal(t, runtime.RebuildDone, s.State, s.Error)
		require.Equal(t, int64(2000), s.Events)
	}
	e.Await(p, e.AppendAll(projtest.NewHistory(12).Activities(50, 100)))
	require.Equal(t, reference(t, e, p), e.Dump(p))
}

// TestANewVersionIsBuiltBesideTheOld starts a release with a new version while the
// process of the old one serves: both are up to date, and the old one goes when
// nobody uses it any more.
func TestANewVersionIsBuiltBesideTheOld(t *testing.T) {
	t.Parallel()
	e := projtest.New(t)
	old, fresh := activity.Projection(), activity.Projection()
	fresh.Version = 2
	last := e.AppendAll(projtest.NewHistory(13).Activities(50, 2000))
	before := e.Run(old)
	e.Await(old, last)
	e.Builds = &runtime.Builds{From: 100, Keep: time.Millisecond}
	e.Run(fresh)
	conn := e.Connect()
	s := e.AwaitRebuild(conn, fresh, "")
	require.Equal(t, runtime.RebuildDone, s.State, s.Error)
	require.Nil(t, s.MaxRate, "with care, since the old one serves")
	last = e.AppendAll(projtest.NewHistory(14).Activities(50, 100))
	e.Await(old, last)
	e.Await(fresh, last)
	require.Equal(t, e.Dump(old), e.Dump(fresh))
	require.Equal(t, 3, indexes(t, conn, fresh.Schema()), "they are made after the load")
	before.Stop()
	e.Eventually("the old version is dropped", func() bool {
		var there bool
		err := conn.QueryRow(context.Background(), `select exists (select from pg_namespace where nspname = $1)`, old.Schema()).Scan(&there)
		return err == nil && !there
	})
	require.NotEmpty(t, e.Dump(fresh))
}

func indexes(t *testing.T, conn *pgx.Conn, schema string) (n int) {
	t.Helper()
	require.NoError(t, conn.QueryRow(context.Background(), `select count(*) from pg_indexes
		where schemaname = $1 and indexname not like '%pkey'`, schema).Scan(&n))
	return n
}

// TestPoisonDuringABuildParksItsAggregateAlone builds a model that refuses an event.
func TestPoisonDuringABuildParksItsAggregateAlone(t *testing.T) {
	t.Parallel()
	e := projtest.New(t)
	e.Builds = &runtime.Builds{Keep: time.Hour}
	j := &journal{}
	p := j.projection()
	last := e.AppendAll(projtest.NewHistory(15).Activities(40, 900))
	e.Run(p)
	e.Await(p, last)
	conn := e.Connect()
	requireNothingParked(t, conn)
	j.refuseWhen(func(m runtime.Event) string {
		if m.Sequence == 345 {
			return "sql"
		}
		return ""
	})
	s := e.Rebuild(p, runtime.RebuildRequest{Again: true, MaxRate: maxRate(0)})
	require.Equal(t, runtime.RebuildDone, s.State, s.Error)
	parked, err := runtime.Parked(context.Background(), conn, p.Schema(), 1000)
	require.NoError(t, err)
	require.NotEmpty(t, parked)
	require.EqualValues(t, 345, parked[0].Sequence)
	count := func() (n int) {
		require.NoError(t, conn.QueryRow(context.Background(), `select count(*) from journal_v1.entries`).Scan(&n))
		return n
	}
	require.Equal(t, 900, count()+len(parked))

	j.refuseWhen(func(runtime.Event) string { return "" })
	_, err = runtime.RequestRedrive(context.Background(), conn, p.Schema(), runtime.AllAggregates)
	require.NoError(t, err)
	e.Eventually("all are replayed", func() bool { return count() == 900 })
}

// TestCompareFindsWhatDiffers damages rows of a serving model.
func TestCompareFindsWhatDiffers(t *testing.T) {
	t.Parallel()
	e := projtest.New(t)
	p := activity.Projection()
	last := e.AppendAll(projtest.NewHistory(16).Activities(10, 300))
	e.Run(p)
	e.Await(p, last)
	compare := func() runtime.Comparison {
		c, err := runtime.Compare(context.Background(), e.Config(p), p)
		require.NoError(t, err)
		require.Equal(t, events.Position{Stream: events.Activity, Sequence: 300}, c.Position)
		return c
	}
	require.True(t, compare().Equal())
	conn := e.Connect()
	for _, sql := range []string{
		`delete from activity_v1.activities where sequence = 7`,
		`update activity_v1.activities set action = 'invented' where sequence = 8`,
		`insert into activity_v1.activity_totals values ('00000000-0000-7000-8000-000000000000', 'ticket', 1)`,
	} {
		_, err := conn.Exec(context.Background(), sql)
		require.NoError(t, err)
	}
	c := compare()
	require.False(t, c.Equal())
	require.Equal(t, []runtime.TableComparison{
		{Table: "activities", Rows: 299, Missing: 1, Different: 1, Examples: []runtime.RowDifference{
			{Key: `{"sequence":7}`, Kind: "missing", Position: "a7"},
			{Key: `{"sequence":8}`, Kind: "different", Columns: []string{"action"}, Position: "a8"},
		}},
		{Table: "activity_totals", Rows: c.Tables[1].Rows, Extra: 1, Examples: []runtime.RowDifference{
			{Key: `{"type":"ticket","user_id":"00000000-0000-7000-8000-000000000000"}`, Kind: "extra"},
		}},
	}, c.Tables)
	e.Await(p, e.AppendAll(projtest.NewHistory(17).Activities(10, 10))) // its worker goes on
}

// TestABuildBeginsAgainAfterACrashOfPostgreSQL: tables that are being built are empty
// then, whatever their checkpoint says.
func TestABuildBeginsAgainAfterACrashOfPostgreSQL(t *testing.T) {
	t.Parallel()
	e := projtest.New(t)
	e.Builds = &runtime.Builds{Keep: time.Hour}
	p := activity.Projection()
	last := e.AppendAll(projtest.NewHistory(18).Activities(20, 3000))
	e.Run(p)
	e.Await(p, last)
	conn := e.Connect()
	ctx := context.Background()
	require.NoError(t, runtime.RequestRebuild(ctx, conn, p, runtime.RebuildRequest{Again: true, MaxRate: maxRate(1500)}))
	e.Eventually("something is built", func() bool { return e.RebuildStatus(conn, p, "next").Events > 300 })
	require.NoError(t, runtime.CancelRebuild(ctx, conn, p))
	require.Equal(t, runtime.RebuildCancelled, e.AwaitRebuild(conn, p, "next").State)
	_, err := conn.Exec(ctx, `truncate activity_v1_next.activities, activity_v1_next.activity_totals;
		update roster.rebuilds set release = replace(release, 'PostgreSQL of', 'PostgreSQL of an hour before')`)
	require.NoError(t, err)
	s := e.Rebuild(p, runtime.RebuildRequest{Again: true, MaxRate: maxRate(0)})
	require.Equal(t, runtime.RebuildDone, s.State, s.Error)
	require.Equal(t, reference(t, e, p), e.Dump(p))
	var unlogged int
	require.NoError(t, conn.QueryRow(ctx, `select count(*) from pg_class where relpersistence = 'u'`).Scan(&unlogged))
	require.Zero(t, unlogged, "what serves survives crashes")
}
