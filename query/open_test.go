package query

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/testenv"
	"github.com/rosterhq/roster/projections/activity"
	"github.com/rosterhq/roster/projections/credentials"
	"github.com/rosterhq/roster/projections/runtime"
	"github.com/rosterhq/roster/projections/statistics"
	"github.com/rosterhq/roster/projections/users"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// store is a database with the read models' tables, and a connection that writes
// to them as the projections would.
type store struct {
	t    testing.TB
	dsn  string
	conn *pgx.Conn
}

func newStore(t testing.TB) *store {
	t.Helper()
	ctx := context.Background()
	s := &store{t: t, dsn: testenv.Postgres(t)}
	require.NoError(t, runtime.Migrate(ctx, s.dsn, []runtime.Projection{
		users.Projection(), credentials.Projection(), activity.Projection(), statistics.Projection(),
	}))
	s.connect()
	return s
}

func (s *store) connect() {
	s.t.Helper()
	config, err := pgx.ParseConfig(s.dsn)
	require.NoError(s.t, err)
	config.RuntimeParams["search_path"] = searchPath
	s.conn, err = pgx.ConnectConfig(context.Background(), config)
	require.NoError(s.t, err)
	s.t.Cleanup(func() { require.NoError(s.t, s.conn.Close(context.Background())) })
}

// open returns queries over the store. head may be nil.
func (s *store) open(head func(context.Context, events.Stream) (uint64, error)) *Queries {
	s.t.Helper()
	q, err := Open(context.Background(), Config{DSN: s.dsn, Head: head})
	require.NoError(s.t, err)
	s.t.Cleanup(q.Close)
	return q
}

func (s *store) exec(sql string, args ...any) {
	s.t.Helper()
	_, err := s.conn.Exec(context.Background(), sql, args...)
	require.NoError(s.t, err)
}

// commit does what a projection's batch does: rows, checkpoint, notification.
func (s *store) commit(name string, sequence int, sql string, args ...any) {
	s.t.Helper()
	ctx := context.Background()
	err := pgx.BeginFunc(ctx, s.conn, func(tx pgx.Tx) error {
		if sql != "" {
			if _, err := tx.Exec(ctx, sql, args...); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `insert into checkpoints (name, version, stream, sequence, event_id, updated_at)
			values ($1, 1, '', $2, '', now()) on conflict (name, version) do update set sequence = excluded.sequence`, name, sequence); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `select pg_notify('roster_checkpoint', $1)`, fmt.Sprintf("%s_v1 %d", name, sequence))
		return err
	})
	require.NoError(s.t, err)
}

func userID(i int) string { return fmt.Sprintf("018f0000-0000-7000-8000-%012d", i) }

const insertUser = `insert into users (id, number, username, email, login_type, status, confirmed, roles, organizations, identities,
	created_at, updated_at, position) values ($1, $2, $3, $4, 'password', $5, true, '{owner}',
	'[{"organization":"o1","roles":["admin"]}]', '[{"provider":"github","subject":"7"}]',
	'2026-01-02T03:04:05.123456Z', '2026-01-02T03:04:05Z', 1)`

func (s *store) user(i int, username, email, status string) {
	s.t.Helper()
	s.exec(insertUser, userID(i), i, username, email, status)
}

const insertKey = `insert into keys (id, user_id, login_type, name, scopes, secret_hash, epoch, created_at, updated_at, expires_at)
	values ($1, $2, 'token', 'ci', '{all}', '\x0102', 3, $3, $3, '2027-01-01Z')`

const insertAccount = `insert into accounts (user_id, status, confirmed, epoch, roles, position) values ($1, 'active', true, 3, '{owner}', 1)`
