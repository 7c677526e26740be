package projections_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/internal/testenv"
	"github.com/rosterhq/roster/projections/internal/projtest"
	"github.com/rosterhq/roster/projections/runtime"
	"github.com/rosterhq/roster/projections/statistics"
)

// TestStatisticsAreInterruptedWhileTheyAreBuilt cancels and kills a build of
// statistics while sums are set aside and while they are folded: what serves in the
// end is what a fresh replay gives.
func TestStatisticsAreInterruptedWhileTheyAreBuilt(t *testing.T) {
	t.Parallel()
	e := projtest.New(t)
	e.Builds = &runtime.Builds{Keep: time.Hour}
	p, h := statistics.Projection(), projtest.NewHistory(40)
	last := e.AppendAll(h.Activities(30, 2500))
	e.Run(p)
	e.Await(p, last)
	conn := e.Connect()
	request := func(rate int64) {
		require.NoError(t, runtime.RequestRebuild(context.Background(), conn, p, runtime.RebuildRequest{Again: true, MaxRate: &rate}))
	}
	progress := func(events int64) {
		e.Eventually("events are built", func() bool { return e.RebuildStatus(conn, p, "next").Events >= events })
		require.True(t, e.RebuildStatus(conn, p, "next").State.Open(), "on the way")
		require.NotZero(t, setAside(t, conn), "sums are set aside")
	}

	request(1000)
	progress(400)
	cancelled(t, e, conn, p)
	require.NotZero(t, setAside(t, conn), "and stay so")

	request(1000)
	progress(1200)
	kill(t, conn)

	// The fold waits for who reads what it drops in its end.
	release := hold(t, e)
	folding(t, e, conn)
	kill(t, conn)
	folding(t, e, conn)
	require.NoError(t, runtime.CancelRebuild(context.Background(), conn, p))
	release()
	require.Equal(t, runtime.RebuildCancelled, e.AwaitRebuild(conn, p, "next").State)
	require.Zero(t, setAside(t, conn), "the fold was not undone")

	e.AppendAll(h.Activities(30, 300))
	request(0)
	s := e.AwaitRebuild(conn, p, "next")
	require.Equal(t, runtime.RebuildDone, s.State, s.Error)
	e.Await(p, e.AppendAll(h.Activities(30, 50)))

	fresh := testenv.Postgres(t)
	require.NoError(t, runtime.Migrate(context.Background(), fresh, []runtime.Projection{p}))
	e.Builds = nil
	replay := e.StartOn(fresh, p)
	projtest.AwaitOn(t, fresh, p, e.Head(p.Stream))
	replay.Stop()
	require.Equal(t, projtest.DumpOn(t, fresh, p), e.Dump(p))
}

// setAside counts the tables of sums that a build has not folded yet.
func setAside(t *testing.T, conn *pgx.Conn) (n int) {
	t.Helper()
	require.NoError(t, conn.QueryRow(context.Background(), `select count(*) from pg_tables
		where schemaname = 'statistics_v1_next' and tablename in ('days_added', 'totals_added', 'places_added')`).Scan(&n))
	return n
}

func cancelled(t *testing.T, e *projtest.Env, conn *pgx.Conn, p runtime.Projection) {
	t.Helper()
	require.NoError(t, runtime.CancelRebuild(context.Background(), conn, p))
	require.Equal(t, runtime.RebuildCancelled, e.AwaitRebuild(conn, p, "next").State)
}

// kill ends the connections over which the copy is built.
func kill(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	tag, err := conn.Exec(context.Background(), `select pg_terminate_backend(pid, 10000) from pg_stat_activity
		where datname = current_database() and application_name in ('roster-projection-statistics_v1_next', 'roster-builder')`)
	require.NoError(t, err)
	require.Positive(t, tag.RowsAffected())
}

// hold keeps a fold from its end until release is called.
func hold(t *testing.T, e *projtest.Env) (release func()) {
	t.Helper()
	tx, err := e.Connect().Begin(context.Background())
	require.NoError(t, err)
	_, err = tx.Exec(context.Background(), `lock table statistics_v1_next.totals_added in access share mode`)
	require.NoError(t, err)
	return func() { require.NoError(t, tx.Rollback(context.Background())) }
}

// folding waits until a fold has done its work but for the end.
func folding(t *testing.T, e *projtest.Env, conn *pgx.Conn) {
	t.Helper()
	e.Eventually("the fold waits", func() bool {
		var waits bool
		err := conn.QueryRow(context.Background(), `select exists (select from pg_locks l join pg_class c on c.oid = l.relation
			where c.relname = 'totals_added' and l.mode = 'AccessExclusiveLock' and not l.granted)`).Scan(&waits)
		return err == nil && waits
	})
}
