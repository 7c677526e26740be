package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/internal/natsserver"
	"github.com/rosterhq/roster/internal/testenv"
)

// The login roles of these tests, one a process. There is one of each in the server of
// the tests.
const (
	loginMigrator  = "somebody_who_migrates"
	loginProjector = "a_projector"
	loginAPI       = "an_api"
	loginNobody    = "nobody_of_ours"
)

// TestSeparateRoles lives a life in which each process has the role that is meant for
// it, and then tries what each must not do.
func TestSeparateRoles(t *testing.T) {
	t.Parallel()
	admin := testenv.Postgres(t)
	separate(t, admin)
	broker, err := natsserver.Start(natsserver.Options{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	require.NoError(t, err)
	t.Cleanup(broker.Stop)
	with := func(login string) []string {
		return []string{
			"ROSTER_NATS_URL=" + broker.URL(), "DATABASE_URL=" + dsnAs(t, admin, login), "ROSTER_PROJECTORS=off",
			fmt.Sprintf("ROSTER_MASTER_KEY=%x", testenv.MasterKey()),
		}
	}

	for _, refused := range []struct{ program, login string }{{"api", loginAPI}, {"projector", loginProjector}} {
		cmd := exec.Command(program(refused.program))
		cmd.Env = environment(with(refused.login)...)
		code, said := launch(t, cmd).fails(t)
		require.Equal(t, 2, code, said)
		require.Contains(t, said, "run `roster migrate`")
	}
	code, said := migrate(t, dsnAs(t, admin, loginAPI))
	require.Equal(t, 1, code, said)
	require.Contains(t, said, loginAPI)
	code, said = migrate(t, dsnAs(t, admin, loginMigrator))
	require.Zero(t, code, said)
	require.Contains(t, said, "migrated roster; granted the roles their rights")
	code, said = migrate(t, dsnAs(t, admin, loginMigrator))
	require.Zero(t, code, said)
	require.Contains(t, said, "nothing was missing")

	api := exec.Command(program("api")) // first: it waits for the tables of the other
	api.Env = environment(with(loginAPI)...)
	waiting := launch(t, api)
	cmd := exec.Command(program("projector"))
	cmd.Env = environment(with(loginProjector)...)
	projector := launch(t, cmd).awaitReady(t)
	waiting.awaitReady(t)

	live(t, waiting, admin)
	waiting.terminate(t)
	projector.terminate(t)
	refuse(t, admin)
}

// TestRolesAreSeparatedLater: a database that one role made and owned.
func TestRolesAreSeparatedLater(t *testing.T) {
	t.Parallel()
	admin := testenv.Postgres(t)
	code, said := migrate(t, admin)
	require.Zero(t, code, said)
	require.Contains(t, said, "users_v2")
	separate(t, admin)
	code, said = migrate(t, dsnAs(t, admin, loginMigrator))
	require.Zero(t, code, said)
	require.Contains(t, said, "nothing was missing; granted")

	var wrong []string
	require.NoError(t, connectAs(t, admin, "").QueryRow(t.Context(), `select coalesce(array_agg(c.oid::regclass::text), '{}') from pg_class c
		join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'i', 'S') and n.nspname !~ '^(pg_|information)'
			and pg_get_userbyid(c.relowner) <> case n.nspname when 'roster' then 'roster_migrator' else 'roster_projector' end`).Scan(&wrong))
	require.Empty(t, wrong, "of another owner")
	for _, sql := range []string{"select from users_v2.users", "select from roster.checkpoints", "select roster.cancel_rebuild('users', 2)"} {
		_, err := connectAs(t, admin, loginAPI).Exec(t.Context(), sql)
		require.NoError(t, err, sql)
	}
	_, err := connectAs(t, admin, loginProjector).Exec(t.Context(), "alter schema users_v2 rename to users_v2_kept")
	require.NoError(t, err, "as the end of a rebuild does")
}

// TestLoginsOfCompose runs what docker-compose.yml does, twice, with other passwords.
func TestLoginsOfCompose(t *testing.T) {
	t.Parallel()
	psql, err := exec.LookPath("psql")
	if err != nil {
		t.Skip("psql is not on this machine")
	}
	admin := testenv.Postgres(t)
	defer inTurn(t, admin)()
	hashes := func() (all map[string]string) {
		rows, err := connectAs(t, admin, "").Query(t.Context(), `select m.member::regrole::text, a.rolpassword from pg_auth_members m
			join pg_authid a on a.oid = m.member where m.roleid::regrole::text = 'roster_' || m.member::regrole::text and a.rolcanlogin`)
		require.NoError(t, err)
		all = map[string]string{}
		var name, hash string
		_, err = pgx.ForEachRow(rows, []any{&name, &hash}, func() error {
			all[name] = hash
			return nil
		})
		require.NoError(t, err)
		return all
	}
	var before map[string]string
	for _, password := range []string{"it's", "another"} {
		cmd := exec.Command(psql, "--no-psqlrc", "--dbname="+admin, "--file=../../deploy/postgres/logins.sql")
		cmd.Env = environment("POSTGRES_MIGRATOR_PASSWORD="+password, "POSTGRES_PROJECTOR_PASSWORD="+password, "POSTGRES_API_PASSWORD="+password)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		require.NotContains(t, string(out), password)
		after := hashes()
		require.Len(t, after, 3)
		for name, hash := range after {
			require.NotEqual(t, before[name], hash, name)
		}
		before = after
	}
	code, said := migrate(t, dsnAs(t, admin, "migrator"))
	require.Zero(t, code, said)
	require.Contains(t, said, "granted the roles their rights")
}

// live does what reaches PostgreSQL.
func live(t *testing.T, api *running, admin string) {
	t.Helper()
	token := api.enter(t)
	api.must(t, http.StatusCreated, http.MethodPost, "/v1/users", token, `{"username":"grace","email":"grace@example.com"}`)
	api.must(t, http.StatusOK, http.MethodPatch, "/v1/users/grace", token, `{"name":"Grace Hopper"}`)
	require.Contains(t, api.must(t, http.StatusOK, http.MethodGet, "/v1/users?q=grac", token, ""), "Grace Hopper")
	api.must(t, http.StatusOK, http.MethodPost, "/v1/activities", token, `{"source":"tracker","id":"1","user":{"username":"grace"},
		"type":"ticket","action":"completed","entity":{"id":"T-1"},"occurredAt":"2026-01-03T10:00:00Z"}`)
	for _, path := range []string{
		"/v1/users/grace/activities", "/v1/users/grace/statistics", "/v1/users/grace/history", "/v1/users/grace/keys",
		"/v1/users/me/data", "/v1/groups", "/v1/organizations", "/v1/admin/projections", "/metrics", "/readyz",
	} {
		api.must(t, http.StatusOK, http.MethodGet, path, token, "")
	}
	rebuild(t, api, token)
	require.Contains(t, api.must(t, http.StatusOK, http.MethodPost, "/v1/admin/projections/statistics/verify", token, ""), `"equal":true`)
	api.must(t, http.StatusConflict, http.MethodPost, "/v1/admin/projections/users/cancel", token, "")
	park(t, api, token, admin)
	api.must(t, http.StatusNoContent, http.MethodPost, "/v1/users/grace/erase", token, "")
	require.NotContains(t, api.must(t, http.StatusOK, http.MethodGet, "/v1/users", token, ""), "Hopper")
}

const projectionsPath = "/v1/admin/projections"

// rebuild asks for copies of all models; the switches rename what the projector owns.
func rebuild(t *testing.T, api *running, token string) {
	t.Helper()
	names := []string{"users", "credentials", "skills", "workspaces", "history", "activity", "statistics"}
	for _, name := range names {
		api.must(t, http.StatusAccepted, http.MethodPost, projectionsPath+"/"+name+"/rebuild", token, `{"again":true,"maxRate":0}`)
	}
	type list struct {
		Items []struct {
			Name   string
			Builds []struct{ Kind, State, Error string }
		}
	}
	require.Eventually(t, func() bool {
		var all list
		require.NoError(t, json.Unmarshal([]byte(api.must(t, http.StatusOK, http.MethodGet, projectionsPath, token, "")), &all))
		done := 0
		for _, p := range all.Items {
			for _, b := range p.Builds {
				require.Empty(t, b.Error, p.Name)
				if b.Kind == "again" && b.State == "done" {
					done++
				}
			}
		}
		return done == len(names)
	}, time.Minute, 50*time.Millisecond, "all are built and switched")
	require.Contains(t, api.must(t, http.StatusOK, http.MethodGet, "/v1/users/grace", token, ""), "Grace Hopper", "from the new copy")
}

// park lets two events fail, for reasons that go away, and has one replayed and one
// left out.
func park(t *testing.T, api *running, token, admin string) {
	t.Helper()
	conn := connectAs(t, admin, "")
	_, err := conn.Exec(t.Context(), "alter table users_v2.users add constraint poison check (username not like 'poison%')")
	require.NoError(t, err)
	for _, name := range []string{"poison1", "poison2"} {
		api.must(t, http.StatusCreated, http.MethodPost, "/v1/users", token, `{"username":"`+name+`"}`)
	}
	var found struct {
		Items []struct{ Position, Aggregate string }
	}
	parked := func() int {
		answer := api.must(t, http.StatusOK, http.MethodGet, projectionsPath+"/users/parked", token, "")
		require.NoError(t, json.Unmarshal([]byte(answer), &found))
		return len(found.Items)
	}
	require.Eventually(t, func() bool { return parked() == 2 }, 20*time.Second, 20*time.Millisecond)
	_, err = conn.Exec(t.Context(), "alter table users_v2.users drop constraint poison")
	require.NoError(t, err)
	api.must(t, http.StatusAccepted, http.MethodPost, projectionsPath+"/users/parked/redrive", token, `{"aggregate":"`+found.Items[0].Aggregate+`"}`)
	require.Eventually(t, func() bool { return parked() == 1 }, 20*time.Second, 20*time.Millisecond)
	api.must(t, http.StatusNoContent, http.MethodPost, projectionsPath+"/users/parked/"+found.Items[0].Position+"/drop", token, `{"reason":"made up"}`)
	require.Zero(t, parked())
}

// separate runs what is committed, and makes the login roles.
func separate(t *testing.T, admin string) {
	t.Helper()
	roles, err := os.ReadFile("../../deploy/postgres/roles.sql")
	require.NoError(t, err)
	defer inTurn(t, admin)()
	conn := connectAs(t, admin, "")
	for range 2 { // it may be repeated
		_, err = conn.Exec(t.Context(), string(roles))
		require.NoError(t, err)
	}
	for login, group := range map[string]string{
		loginMigrator: "roster_migrator", loginProjector: "roster_projector", loginAPI: "roster_api", loginNobody: "",
	} {
		membership := ""
		if group != "" {
			membership = " in role " + group
		}
		_, err = conn.Exec(t.Context(), fmt.Sprintf(`do $$ begin
			if not exists (select from pg_roles where rolname = '%[1]s') then create role %[1]s login%[2]s; end if; end $$`, login, membership))
		require.NoError(t, err)
	}
}

// inTurn keeps tests that make roles from each other: roles are the whole server's.
func inTurn(t *testing.T, admin string) (done func()) {
	t.Helper()
	u, err := url.Parse(admin)
	require.NoError(t, err)
	u.Path = "/postgres"
	conn, err := pgx.Connect(t.Context(), u.String())
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), "select pg_advisory_lock(1)")
	require.NoError(t, err)
	return func() { require.NoError(t, conn.Close(context.Background())) }
}

// migrate runs roster migrate.
func migrate(t *testing.T, dsn string) (code int, said string) {
	t.Helper()
	cmd := exec.Command(program("roster"), "migrate")
	cmd.Env = environment("DATABASE_URL=" + dsn)
	out, err := cmd.CombinedOutput()
	if err != nil {
		var ended *exec.ExitError
		require.ErrorAs(t, err, &ended)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// dsnAs is the address of a database for another role.
func dsnAs(t *testing.T, admin, login string) string {
	t.Helper()
	u, err := url.Parse(admin)
	require.NoError(t, err)
	if login != "" {
		q := u.Query()
		q.Set("user", login)
		u.RawQuery = q.Encode()
	}
	return u.String()
}

func connectAs(t *testing.T, admin, login string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsnAs(t, admin, login))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}
