package runtime_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/testenv"
	"github.com/rosterhq/roster/projections"
	"github.com/rosterhq/roster/projections/internal/projtest"
	"github.com/rosterhq/roster/projections/runtime"
)

// TestKilledAtRandomPoints kills the projector 20 times while events arrive and
// compares the tables with those of an undisturbed replay.
func TestKilledAtRandomPoints(t *testing.T) {
	t.Parallel()
	e := projtest.New(t)
	all := projections.All()
	e.Migrate(all...)
	random := rand.New(rand.NewPCG(4, 4))
	h := projtest.NewHistory(4)
	conn := e.Connect()
	running := e.Start(all...)
	for range 20 {
		e.AppendAll(h.Take(60))
		e.AppendAll(h.Activities(20, 60))
		<-time.After(time.Duration(random.IntN(15_000)) * time.Microsecond) // the random point
		switch random.IntN(3) {
		case 0:
			killBackends(t, conn)
		case 1:
			killConsumers(t, e)
		case 2:
			running.Stop()
			running = e.Start(all...)
		}
	}
	awaitAll(t, e, e.DSN, all)
	running.Stop()

	again := testenv.Postgres(t)
	require.NoError(t, runtime.Migrate(context.Background(), again, all))
	replay := e.StartOn(again, all...)
	awaitAll(t, e, again, all)
	replay.Stop()
	for _, p := range all {
		require.Equal(t, projtest.DumpOn(t, again, p), e.Dump(p), p.Schema())
	}
	requireNothingParked(t, conn)

	var recorded, expected int64
	require.NoError(t, conn.QueryRow(context.Background(), `select count(*), count(distinct source_id)
		from activity_v1.activities where source = 'roster'`).Scan(&recorded, &expected))
	require.Equal(t, expected, recorded, "account changes are in the feed once")
	require.Positive(t, recorded)
}

// awaitAll waits until everything is projected, the reaction's activities included.
func awaitAll(t *testing.T, e *projtest.Env, dsn string, all []runtime.Projection) {
	t.Helper()
	for _, stream := range []events.Stream{events.Roster, events.Activity} {
		for _, p := range all {
			if p.Stream == stream {
				projtest.AwaitOn(t, dsn, p, e.Head(stream))
			}
		}
	}
}

func killBackends(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	_, err := conn.Exec(context.Background(), `select pg_terminate_backend(pid) from pg_stat_activity
		where datname = current_database() and application_name like 'roster-projection-%'`)
	require.NoError(t, err)
}

func killConsumers(t *testing.T, e *projtest.Env) {
	t.Helper()
	ctx := context.Background()
	for _, name := range []events.Stream{events.Roster, events.Activity} {
		stream, err := e.JS.Stream(ctx, string(name))
		require.NoError(t, err)
		consumers := stream.ConsumerNames(ctx)
		for c := range consumers.Name() {
			_ = e.JS.DeleteConsumer(ctx, string(name), c) // it may be gone by now
		}
	}
}

func requireNothingParked(t *testing.T, db runtime.DB) {
	t.Helper()
	parked, err := runtime.Parked(context.Background(), db, "", 10)
	require.NoError(t, err)
	require.Empty(t, parked)
}
