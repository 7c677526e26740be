package main

import (
	"context"
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	api "github.com/rosterhq/roster/api/v1/client"
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
	require.Equal(t, "users: the copy that served before serves again\n", stdout)
	for _, wrong := range []string{"--again --max-rate=-1", "--back --max-rate 5", "--back --anew", "--back --again"} {
		code, _, stderr = run(append([]string{"rebuild", "users"}, strings.Fields(wrong)...)...)
		require.Equal(t, exitUsage, code, wrong)
		require.Contains(t, stderr, "\nTry: roster rebuild --help\n", wrong)
	}
	code, _, stderr = run("rebuild", "nothing", "--again")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "there is no such projection")
	require.Contains(t, stderr, "\nTry: roster projections\n")
	code, _, stderr = run("rebuild", "skills", "unknown", "--again", "--max-rate", "1")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "there is no such projection")
	require.Contains(t, stderr, "roster: the build of skills ", "what was asked for before the refusal is not left alone")
}

// TestRebuildIsInterrupted sends SIGINT to the command while the server builds: the
// build stops with it, reads go on, and the same command goes on with the build.
func TestRebuildIsInterrupted(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	const tickets = 40
	for n := range tickets {
		ticket(owner, t, strconv.Itoa(n))
	}
	settings := []string{"ROSTER_SERVER=" + s.URL, "ROSTER_TOKEN=" + owner.Token}
	again := []string{"rebuild", "activity", "--again", "--max-rate"}
	slow := newProgram(t, settings, append(again, "4")...)
	require.NoError(t, slow.Start())
	build := func() api.ProjectionBuild {
		var list api.ProjectionList
		_, stdout, stderr := roster(t.Context(), "projections", "-o", "json", "--server", s.URL, "--token", owner.Token)
		require.NoError(t, json.Unmarshal([]byte(stdout), &list), stderr)
		for _, p := range list.Items {
			if p.Name == "activity" && len(p.Builds) == 1 {
				return p.Builds[0]
			}
		}
		return api.ProjectionBuild{}
	}
	require.Eventually(t, func() bool { return build().Events > 2 }, time.Minute, 50*time.Millisecond)
	code, _, stderr := roster(t.Context(), append(again, "4", "--server", s.URL, "--token", owner.Token)...)
	require.Equal(t, exitFailed, code, "it was asked for already")
	require.Contains(t, stderr, "a build is under way")
	require.Contains(t, stderr, "\nTry: roster projections\n")

	require.NoError(t, slow.Process.Signal(os.Interrupt))
	require.Equal(t, exitInterrupted, slow.code(t))
	require.Contains(t, slow.err.String(), "roster: the build of activity is stopped; the same command goes on with it\n")
	require.Empty(t, slow.out.String(), "what is no result goes to standard error")
	require.NotContains(t, slow.err.String(), owner.Token)
	stopped := build()
	require.EqualValues(t, "cancelled", stopped.State)
	require.Less(t, stopped.Events, int64(tickets))
	require.Len(t, owner.Do("GET", "/v1/users/me/activities?type=ticket&limit=100", nil, nil).Map(s)["items"], tickets, "reads go on")

	fast := newProgram(t, settings, append(again, "0")...)
	require.Zero(t, fast.code(t), fast.err.String())
	require.Regexp(t, `^activity: built from \d+ events in \S+\n$`, fast.out.String())
	require.EqualValues(t, "done", build().State)
	require.GreaterOrEqual(t, build().Events, int64(tickets))
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
		values ('users', 2, 'ROSTER', 1001, 'id', 'roster.user.suspended.v1', 'user/x', 'roster.user.x',
			'{"ce-type":["roster.user.suspended.v1"],"ce-time":["yesterday"]}', '{}', 'no such luck', 3, 'test', $1),
		('users', 2, 'ROSTER', 1002, 'id', 'roster.user.activated.v1', 'user/x', 'roster.user.x', '{}', '{}', '', 0, 'test', $1)`,
		time.Date(2026, 5, 3, 10, 0, 0, 0, time.UTC))
	require.NoError(t, err)
	run := func(args ...string) (int, string, string) {
		return roster(t.Context(), append(args, "--server", s.URL, "--token", owner.Token)...)
	}
	code, stdout, stderr := run("parked", "list", "users")
	require.Zero(t, code, stderr)
	matches(t, "parked-list", stdout)
	code, stdout, stderr = run("parked", "list", "users", "--limit", "1", "-o", "json")
	require.Zero(t, code, stderr)
	matches(t, "parked-list-json", stdout)
	code, stdout, stderr = run("parked", "list", "users", "--limit", "1")
	require.Zero(t, code, stderr)
	require.Equal(t, 2, strings.Count(stdout, "\n"))
	require.Contains(t, stderr, "there are more than these 1")
	code, stdout, stderr = run("parked", "show", "users", "r1001")
	require.Zero(t, code, stderr)
	matches(t, "parked-show", stdout)
	code, stdout, stderr = run("parked", "show", "users", "r1001", "-o", "json")
	require.Zero(t, code, stderr)
	matches(t, "parked-show-json", stdout)

	// An event that still fails stays, with the new failure, and so does what waits.
	code, stdout, stderr = run("parked", "redrive", "users")
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "1 aggregates are tried again")
	require.Eventually(t, func() bool {
		var e api.ParkedEvent
		_, stdout, stderr := run("parked", "show", "users", "r1001", "-o", "json")
		require.NoError(t, json.Unmarshal([]byte(stdout), &e), stderr)
		return e.Attempts == 4 && e.Error != "no such luck"
	}, time.Minute, 50*time.Millisecond)
	code, _, stderr = run("parked", "show", "users", "r1002")
	require.Zero(t, code, stderr)

	for args, try := range map[string]string{
		"show users r1": "roster parked list users", "show users a1001": "roster parked list users",
		"drop users r1 --reason x": "roster parked list users", "drop users first --reason x": "roster parked list users",
		"list nothing": "roster projections", "redrive nothing": "roster projections", "drop nothing r1 --reason x": "roster projections",
	} {
		code, stdout, stderr = run(append([]string{"parked"}, strings.Fields(args)...)...)
		require.Equal(t, exitFailed, code, args)
		require.Empty(t, stdout, args)
		require.True(t, strings.HasSuffix(stderr, "\nTry: "+try+"\n"), "%s: %s", args, stderr)
	}
	ada := owner.NewUser("ada", "user-admin")
	for _, args := range []string{
		"projections", "parked list users", "parked show users r1001", "parked redrive users", "parked drop users r1001 --reason x",
		"rebuild users --again", "rebuild users --back", "verify",
	} {
		code, stdout, stderr := roster(t.Context(), append(strings.Fields(args), "--server", s.URL, "--token", ada.Token)...)
		require.Equal(t, exitFailed, code, args)
		require.Empty(t, stdout, args)
		require.Contains(t, stderr, "the server answered 403: ", args)
		require.True(t, strings.HasSuffix(stderr, "\nTry: roster whoami\n"), "%s: %s", args, stderr)
	}
	code, _, stderr = run("parked", "drop", "users", "r1001")
	require.Equal(t, exitUsage, code, stderr)
	code, stdout, stderr = run("parked", "drop", "users", "r1001", "--reason", "made up")
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "left out")
	require.Eventually(t, func() bool {
		_, stdout, stderr := run("parked", "list", "users", "-o", "json")
		require.Empty(t, stderr)
		return stdout == "{\n  \"items\": [],\n  \"more\": false\n}\n"
	}, time.Minute, 50*time.Millisecond, "what waited is replayed, or gone with its handler")
	code, stdout, stderr = run("parked", "redrive", "users")
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "0 aggregates")
}
