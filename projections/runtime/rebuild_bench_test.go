package runtime_test

import (
	"fmt"
	"runtime/debug"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/projections/activity"
	"github.com/rosterhq/roster/projections/internal/projtest"
	"github.com/rosterhq/roster/projections/runtime"
	"github.com/rosterhq/roster/projections/statistics"
	"github.com/rosterhq/roster/projections/users"
)

// BenchmarkRebuild builds read models from an empty database, as a release with new
// versions does: each alone, and three that share the reading of the log. Two in
// five events are of the identity log. Each figure counts the events of the streams
// that the models read.
func BenchmarkRebuild(b *testing.B) {
	before := debug.SetGCPercent(200) // as the programs have it
	defer debug.SetGCPercent(before)
	for _, size := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprintf("events=%d", size), func(b *testing.B) {
			e := projtest.New(b)
			e.Builds = &runtime.Builds{From: 1}
			identity, work := fill(e, size)
			for b.Loop() {
				alone(b, e, "users", identity, users.Projection())
				alone(b, e, "activity", work, activity.Projection())
				alone(b, e, "statistics", work, statistics.Projection())
				alone(b, e, "together", identity+work, users.Projection(), activity.Projection(), statistics.Projection())
			}
		})
	}
}

// fill appends a log of some size.
func fill(e *projtest.Env, size int) (identity, work int) {
	identity = size * 2 / 5
	work = size - identity
	h := projtest.NewHistory(1)
	const part = 2_000 // the client holds so many without an answer
	for left := identity; left > 0; left -= part {
		e.AppendAll(h.Take(min(part, left)))
	}
	for from := 0; from < work; from += part {
		e.AppendAll(h.Works(max(identity/8, 10), from, min(part, work-from)))
	}
	return identity, work
}

func alone(b *testing.B, e *projtest.Env, name string, n int, models ...runtime.Projection) {
	b.Helper()
	reset(b, e, models...)
	conn := e.Connect()
	spent, began := processor(b, e), time.Now()
	r := e.Start(models...)
	for _, p := range models {
		s := e.AwaitRebuild(conn, p, "")
		require.Equal(b, runtime.RebuildDone, s.State, s.Error)
		require.NotZero(b, s.Events)
	}
	took := time.Since(began)
	spent = processor(b, e) - spent
	for _, p := range models {
		e.Await(p, e.Head(p.Stream))
	}
	r.Stop()
	b.ReportMetric(float64(n)/took.Seconds(), name+"-events/s")
	b.ReportMetric(took.Seconds(), name+"-s")
	b.ReportMetric(float64(spent.Microseconds())/float64(n), name+"-cpu-us/event")
}
