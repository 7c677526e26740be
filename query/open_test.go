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
	"github.com/rosterhq/roster/projections/history"
	"github.com/rosterhq/roster/projections/runtime"
	"github.com/rosterhq/roster/projections/skills"
	"github.com/rosterhq/roster/projections/statistics"
	"github.com/rosterhq/roster/projections/users"
	"github.com/rosterhq/roster/projections/workspaces"
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
		users.Projection(), credentials.Projection(), skills.Projection(), activity.Projection(), statistics.Projection(),
		workspaces.Projection(), history.Projection(),
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
	version := map[string]int{"users": 2, "credentials": 2, "skills": 1, "activity": 1, "statistics": 1, "workspaces": 1, "history": 1}[name]
	err := pgx.BeginFunc(ctx, s.conn, func(tx pgx.Tx) error {
		if sql != "" {
			if _, err := tx.Exec(ctx, sql, args...); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `insert into checkpoints (name, version, stream, sequence, event_id, updated_at)
			values ($1, $2, '', $3, '', now()) on conflict (name, version) do update set sequence = excluded.sequence`,
			name, version, sequence); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `select pg_notify('roster_checkpoint', $1)`, fmt.Sprintf("%s_v%d %d", name, version, sequence))
		return err
	})
	require.NoError(s.t, err)
}

func userID(i int) string { return fmt.Sprintf("018f0000-0000-7000-8000-%012d", i) }

const insertUser = `with u as (
		insert into users (id, number, username, email, login_type, status, confirmed, roles, identities,
			active_since, created_at, updated_at, position)
		values ($1, $2, $3, $4, 'password', $5, true, '{owner}', '[{"provider":"github","subject":"7"}]',
			'2026-01-02T03:04:05.123456Z', '2026-01-02T03:04:05.123456Z', '2026-01-02T03:04:05Z', 1)
		returning id
	) insert into memberships (user_id, organization_id, roles, joined, place, position)
		select id, '018f0000-0000-7000-9000-000000000001', '{admin}', 1, 1, 1 from u on conflict do nothing`

const insertOrganization = `insert into organizations (id, number, name, is_default, created_at, updated_at, position)
	values ($1, 1, $2, true, '2026-01-01Z', '2026-01-01Z', 1) on conflict do nothing`

func organizationID(i int) string { return fmt.Sprintf("018f0000-0000-7000-9000-%012d", i) }

func (s *store) user(i int, username, email, status string) {
	s.t.Helper()
	s.exec(insertOrganization, organizationID(1), "coder")
	s.exec(insertUser, userID(i), i, username, email, status)
}

const insertKey = `insert into keys (id, user_id, login_type, name, scopes, lifetime, secret_hash, epoch, created_at, updated_at, expires_at)
	values ($1, $2, 'token', 'ci', '{all}', 3600, '\x0102', 3, $3, $3, '2027-01-01Z')`

const insertAccount = `insert into accounts (user_id, status, confirmed, epoch, roles, position) values ($1, 'active', true, 3, '{owner}', 1)`
