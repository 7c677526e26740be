package main

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
)

// TestRebuildCommand builds models of a real system again, and goes back.
func TestRebuildCommand(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	run := func(args ...string) (int, string, string) {
		return roster(t.Context(), append(args, "--server", s.URL, "--token", owner.Token)...)
	}
	code, stdout, stderr := run("projections")
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "users")
	require.Contains(t, stdout, "active")

	code, _, stderr = run("rebuild", "users")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "Try: roster rebuild users --again")
	code, stdout, stderr = run("rebuild", "users", "credentials", "--again", "--max-rate", "0")
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "users: built from ")
	require.Contains(t, stdout, "credentials: built from ")
	code, stdout, stderr = run("rebuild", "users", "--back")
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "users: built from ")
	code, _, _ = run("rebuild", "users", "--again", "--max-rate=-1")
	require.Equal(t, exitUsage, code)
	code, _, stderr = run("rebuild", "nothing", "--again")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "there is no such projection")
}

func TestParkedCommands(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	conn, err := pgx.Connect(context.Background(), s.DSN)
	require.NoError(t, err)
	defer func() { _ = conn.Close(context.Background()) }()
	_, err = conn.Exec(context.Background(), `insert into roster.parked (name, version, stream, sequence, event_id, type, aggregate, subject,
		headers, data, error, attempts, handler_version, parked_at)
		values ('users', 2, 'ROSTER', 1001, 'id', 'roster.user.suspended.v1', 'user/x', 'roster.user.x', '{"ce-type":["t"]}', '{}', 'no such luck', 3, 'test', $1)`,
		time.Now())
	require.NoError(t, err)
	run := func(args ...string) (int, string, string) {
		return roster(t.Context(), append(args, "--server", s.URL, "--token", owner.Token)...)
	}
	code, stdout, stderr := run("parked", "list", "users")
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "no such luck")
	code, stdout, stderr = run("parked", "show", "users", "r1001")
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, `"ce-type": "t"`)
	code, _, stderr = run("parked", "drop", "users", "r1001")
	require.Equal(t, exitUsage, code, stderr)
	code, stdout, stderr = run("parked", "drop", "users", "r1001", "--reason", "made up")
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "left out")
	code, stdout, stderr = run("parked", "redrive", "users")
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "0 aggregates")
}
