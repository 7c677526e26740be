package runtime_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/projections/activity"
	"github.com/rosterhq/roster/projections/internal/projtest"
	"github.com/rosterhq/roster/projections/runtime"
)

// TestMaxRateBoundsABuild builds with a bound: no report is ahead of it, and the
// whole takes at least as long as it says.
func TestMaxRateBoundsABuild(t *testing.T) {
	t.Parallel()
	const (
		total = 1200
		most  = 800 // events a second
		step  = most / 10
	)
	e := projtest.New(t)
	e.Builds = &runtime.Builds{Keep: time.Hour}
	p := activity.Projection()
	last := e.AppendAll(projtest.NewHistory(30).Activities(20, total))
	e.Run(p)
	e.Await(p, last)
	conn := e.Connect()
	require.NoError(t, runtime.RequestRebuild(context.Background(), conn, p, runtime.RebuildRequest{Again: true, MaxRate: maxRate(most)}))
	var s runtime.RebuildStatus
	e.Eventually("it is built", func() bool {
		s = e.RebuildStatus(conn, p, "next")
		if s.StartedAt != nil {
			require.LessOrEqual(t, float64(s.Events), s.UpdatedAt.Sub(*s.StartedAt).Seconds()*most+2*step)
		}
		return !s.State.Open()
	})
	require.Equal(t, runtime.RebuildDone, s.State, s.Error)
	require.EqualValues(t, total, s.Events)
	require.GreaterOrEqual(t, s.FinishedAt.Sub(*s.StartedAt), time.Duration(total-step)*time.Second/most)
}

// TestAnOldCopyIsKeptForATime builds again and waits until what served before goes.
func TestAnOldCopyIsKeptForATime(t *testing.T) {
	t.Parallel()
	const keep = time.Second
	e := projtest.New(t)
	e.Builds = &runtime.Builds{Keep: keep}
	p := activity.Projection()
	last := e.AppendAll(projtest.NewHistory(31).Activities(5, 20))
	e.Run(p)
	e.Await(p, last)
	conn, ctx := e.Connect(), context.Background()
	s := e.Rebuild(p, runtime.RebuildRequest{Again: true, MaxRate: maxRate(0)})
	require.Equal(t, runtime.RebuildDone, s.State, s.Error)
	since := func() (age *float64) { // of the old copy, in seconds
		require.NoError(t, conn.QueryRow(ctx, `select max(extract(epoch from clock_timestamp() - superseded_at))::float8
			from roster.checkpoints where name = 'activity.kept'`).Scan(&age))
		return age
	}
	var oldest float64
	e.Eventually("the old copy is dropped", func() bool {
		age := since()
		if age != nil {
			oldest = *age
		}
		return age == nil
	})
	require.GreaterOrEqual(t, oldest, 0.8*keep.Seconds(), "not before its time")
	require.ErrorIs(t, runtime.RequestSwitch(ctx, conn, p, ""), runtime.ErrNothingOld)
	var left int
	require.NoError(t, conn.QueryRow(ctx, `select count(*) from pg_namespace where nspname like 'activity_v1_%'`).Scan(&left))
	require.Zero(t, left)
}
