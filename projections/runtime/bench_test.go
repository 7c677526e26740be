package runtime_test

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/projections"
	"github.com/rosterhq/roster/projections/activity"
	"github.com/rosterhq/roster/projections/internal/projtest"
	"github.com/rosterhq/roster/projections/runtime"
)

const benchEvents = 60_000

// BenchmarkCatchUp projects activities through Watermill into the feed, beside
// raw COPY of the same rows into the same table: the limit.
func BenchmarkCatchUp(b *testing.B) {
	e := projtest.New(b)
	e.AppendAll(projtest.NewHistory(1).Activities(1000, benchEvents))
	p := activity.Projection()
	var projected, copied float64
	for b.Loop() {
		took := catchUp(b, e, benchEvents, p)
		projected += benchEvents / took.Seconds()
		copied += benchEvents / copyRows(b, e).Seconds()
	}
	n := float64(b.N)
	b.ReportMetric(projected/n, "events/s")
	b.ReportMetric(copied/n, "copy-rows/s")
	b.ReportMetric(100*projected/copied, "%of-copy")
}

// BenchmarkCatchUpAll lets every read model catch up at once: half the events are
// of the identity log, which several models read.
func BenchmarkCatchUpAll(b *testing.B) {
	e := projtest.New(b)
	h := projtest.NewHistory(1)
	const each = benchEvents / 6
	e.AppendAll(h.Take(each))
	last := e.AppendAll(h.Activities(1000, each))
	models := slices.DeleteFunc(projections.All(), func(p runtime.Projection) bool { return p.Migrations == nil })
	var rate float64
	for b.Loop() {
		rate += 2 * each / catchUp(b, e, last, models...).Seconds()
	}
	b.ReportMetric(rate/float64(b.N), "events/s")
}

// catchUp projects the whole log into a fresh state and returns how long it took.
func catchUp(b *testing.B, e *projtest.Env, to uint64, models ...runtime.Projection) time.Duration {
	b.Helper()
	reset(b, e, models...)
	began := time.Now()
	r := e.Start(models...)
	for _, p := range models {
		e.Await(p, to)
	}
	took := time.Since(began)
	r.Stop()
	return took
}

func reset(b *testing.B, e *projtest.Env, models ...runtime.Projection) {
	b.Helper()
	conn := e.Connect()
	for _, p := range models {
		_, err := conn.Exec(context.Background(), "drop schema if exists "+p.Schema()+" cascade")
		require.NoError(b, err)
	}
	_, err := conn.Exec(context.Background(), "drop schema if exists roster cascade")
	require.NoError(b, err)
	e.Migrate(models...)
}

// copyRows copies the feed's rows into an empty twin of its table, indexes
// included, 500 rows in a transaction.
func copyRows(b *testing.B, e *projtest.Env) time.Duration {
	b.Helper()
	ctx := context.Background()
	conn := e.Connect()
	rows, err := conn.Query(ctx, `select * from activity_v1.activities order by sequence`)
	require.NoError(b, err)
	var columns []string
	for _, f := range rows.FieldDescriptions() {
		columns = append(columns, f.Name)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) ([]any, error) { return row.Values() })
	require.NoError(b, err)
	require.Len(b, all, benchEvents)
	_, err = conn.Exec(ctx, `drop table if exists twin; create table twin (like activity_v1.activities including all)`)
	require.NoError(b, err)
	began := time.Now()
	for part := range slices.Chunk(all, 500) {
		_, err := conn.CopyFrom(ctx, pgx.Identifier{"twin"}, columns, pgx.CopyFromRows(part))
		require.NoError(b, err)
	}
	return time.Since(began)
}

// BenchmarkPublishToRow measures from a publish to the committed row's
// announcement, on an idle system.
func BenchmarkPublishToRow(b *testing.B) {
	e := projtest.New(b)
	p := activity.Projection()
	r := e.Run(p)
	<-r.Ready()
	conn := e.Connect()
	_, err := conn.Exec(context.Background(), "listen roster_checkpoint")
	require.NoError(b, err)
	drafts := projtest.NewHistory(1).Activities(10, 10_000)
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		took = append(took, publishToRow(b, e, conn, drafts[i%len(drafts)]))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-us")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-us")
}

func publishToRow(b *testing.B, e *projtest.Env, conn *pgx.Conn, d events.Draft) time.Duration {
	b.Helper()
	msg := e.Encode(d)
	began := time.Now()
	ack, err := e.JS.PublishMsg(context.Background(), msg)
	require.NoError(b, err)
	for {
		n, err := conn.WaitForNotification(context.Background())
		require.NoError(b, err)
		if strings.HasSuffix(n.Payload, " "+strconv.FormatUint(ack.Sequence, 10)) {
			return time.Since(began)
		}
	}
}
