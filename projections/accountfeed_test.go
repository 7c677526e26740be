package projections_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/eventlog"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/testenv"
	"github.com/rosterhq/roster/projections/accountfeed"
	"github.com/rosterhq/roster/projections/activity"
	"github.com/rosterhq/roster/projections/internal/projtest"
	"github.com/rosterhq/roster/projections/runtime"
)

// TestAccountFeedOnTheRealLog lets the reaction read and write the log itself,
// then forget where it was: nothing is told twice.
func TestAccountFeedOnTheRealLog(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	nc, dsn := testenv.NATS(t), testenv.Postgres(t)
	log, err := eventlog.Open(ctx, nc, eventlog.Options{MasterKey: testenv.MasterKey()})
	require.NoError(t, err)
	defer func() { require.NoError(t, log.Close(ctx)) }()

	all := []runtime.Projection{accountfeed.Projection(), activity.Projection()}
	require.NoError(t, runtime.Migrate(ctx, dsn, all))
	start := func() (stop func()) {
		rt, err := runtime.New(runtime.Config{
			NATS: nc, DSN: dsn, Keys: log, Recorder: log, Projections: all,
			StreamName: func(s events.Stream) string { return eventlog.StreamName("", s) },
		})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(ctx)
		done := make(chan error)
		go func() { done <- rt.Run(ctx) }()
		return func() {
			cancel()
			require.NoError(t, <-done)
		}
	}
	await := func() (recorded uint64) {
		for _, p := range all {
			head, err := log.Head(ctx, p.Stream)
			require.NoError(t, err)
			projtest.AwaitOn(t, dsn, p, head)
			recorded = head
		}
		return recorded
	}

	stop := start()
	expected := uint64(0)
	h := projtest.NewHistory(1)
	user := h.Register()
	for _, d := range []events.Draft{
		user,
		h.Draft(user.Meta.Aggregate.ID, &events.UserSuspended{}),
		h.Draft(user.Meta.Aggregate.ID, &events.UserActivated{}),
	} {
		if _, private := d.Payload.(*events.UserRegistered); !private {
			d.Meta.SealedFor = ""
		}
		d.Meta.Time = time.Now().UTC().Truncate(time.Microsecond)
		expected, err = log.Append(ctx, events.Commit{Aggregate: d.Meta.Aggregate, Expected: expected, Events: []events.Draft{d}})
		require.NoError(t, err)
	}
	require.EqualValues(t, 3, await())
	stop()

	conn := connect(t, dsn)
	_, err = conn.Exec(ctx, `delete from roster.checkpoints where name = 'accountfeed'`)
	require.NoError(t, err)
	stop = start()
	require.EqualValues(t, 3, await(), "nothing was recorded twice")
	stop()

	rows, err := conn.Query(ctx, `select action || ' ' || type || ' ' || source from activity_v1.activities order by sequence`)
	require.NoError(t, err)
	require.Equal(t, []string{"registered account roster", "suspended account roster", "activated account roster"}, texts(t, rows))
}
