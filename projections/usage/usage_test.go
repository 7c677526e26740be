package usage_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/eventlog"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/testenv"
	"github.com/rosterhq/roster/projections/runtime"
	"github.com/rosterhq/roster/projections/usage"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// fold folds until stop is called.
func fold(c usage.Config) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		usage.Run(ctx, c)
	}()
	return func() {
		cancel()
		<-ended
	}
}

const (
	ada   = "018f0000-0000-7000-8000-000000000001"
	grace = "018f0000-0000-7000-8000-000000000002"
)

func TestUsesAreFoldedForwardAlone(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	nc, dsn := testenv.NATS(t), testenv.Postgres(t)
	log, err := eventlog.Open(ctx, nc, eventlog.Options{MasterKey: testenv.MasterKey()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, log.Close(ctx)) })
	require.NoError(t, runtime.Migrate(ctx, dsn, nil))
	conn, err := pgx.Connect(ctx, dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close(ctx)) })
	value := func(sql string, args ...any) (out string) {
		require.NoError(t, conn.QueryRow(ctx, "select coalesce(("+sql+")::text, '-')", args...).Scan(&out))
		return out
	}
	seen := func(user string) string {
		return value("select extract(day from last_seen_at at time zone 'utc') from roster.user_usage where user_id = $1", user)
	}
	day := func(n int) time.Time { return time.Date(2026, 3, n, 0, 0, 0, 0, time.UTC) }
	use := func(key, user string, n int) {
		require.NoError(t, log.KeepUsage(events.Usage{KeyID: key, UserID: user, LastUsed: day(n), ExpiresAt: day(n + 1)}))
	}
	await := func(user, want string) {
		t.Helper()
		require.Eventually(t, func() bool { return seen(user) == want }, 20*time.Second, 10*time.Millisecond)
	}

	use("k1", ada, 3)
	use("k2", ada, 2)
	use("k3", "nobody", 2)
	c := usage.Config{DSN: dsn, Log: log}
	stop := fold(c)
	await(ada, "3")
	use("k2", ada, 1) // late
	use("k1", ada, 4)
	await(ada, "4")
	second := fold(c) // stands by
	stop()
	use("k3", grace, 5)
	await(grace, "5")
	use("k1", ada, 3) // a log that lost its end
	use("k3", grace, 6)
	await(grace, "6")
	second()
	require.Equal(t, "4", seen(ada))
	require.Equal(t, "2026-03-02", value("select (last_used at time zone 'utc')::date from roster.key_usage where key_id = 'k2'"))
	require.Equal(t, "2026-03-05", value("select (expires_at at time zone 'utc')::date from roster.key_usage where key_id = 'k1'"))
}

// broken is a log that can not be followed at first.
type broken struct {
	fails int
	use   events.Usage
}

func (b *broken) FollowUsage(ctx context.Context, _ time.Time, f func(events.Usage, time.Time)) error {
	if b.fails > 0 {
		b.fails--
		return errors.New("away")
	}
	f(b.use, time.Now())
	<-ctx.Done()
	return ctx.Err()
}

func TestFoldingGoesOnAfterTrouble(t *testing.T) {
	t.Parallel()
	ctx, dsn := context.Background(), testenv.Postgres(t)
	require.NoError(t, runtime.Migrate(ctx, dsn, nil))
	conn, err := pgx.Connect(ctx, dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close(ctx)) })
	stop := fold(usage.Config{DSN: dsn, Log: &broken{fails: 2, use: events.Usage{KeyID: "k", UserID: ada, LastUsed: time.Now()}}})
	defer stop()
	require.Eventually(t, func() bool {
		var n int
		return conn.QueryRow(ctx, "select count(*) from roster.key_usage").Scan(&n) == nil && n == 1
	}, 20*time.Second, 10*time.Millisecond)
}
