package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/internal/testenv"
)

// mover runs the commands of a move.
type mover struct {
	t   *testing.T
	env []string
}

func (m mover) run(name string, args ...string) string {
	m.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = environment(m.env...)
	out, err := cmd.CombinedOutput()
	require.NoError(m.t, err, "%s %v: %s", name, args, out)
	return string(out)
}

func (m mover) roster(args ...string) string {
	m.t.Helper()
	return m.run(program("roster"), args...)
}

// postgresProgram finds a program where PostgreSQL's are.
func postgresProgram(t *testing.T, name string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	require.NoError(t, err)
	require.NotEmpty(t, found, name)
	return found[len(found)-1]
}

// TestOneMachineBecomesACluster is the way that docs/operations.md describes.
func TestOneMachineBecomesACluster(t *testing.T) {
	t.Parallel()
	dir, kept := dataDir(t), t.TempDir()
	archive, keys, oldKeys := filepath.Join(kept, "archive"), filepath.Join(kept, "keys.ndjson"), filepath.Join(kept, "old.ndjson")
	signing := filepath.Join(kept, "checkpoint.key")
	public := strings.TrimSpace(mover{t: t}.roster("checkpoints", "make-key", "--name", "example.org", signing))
	signs := []string{"ROSTER_CHECKPOINT_KEY=file:" + signing, "ROSTER_CHECKPOINT_INTERVAL=1s"}

	old := start(t, append(signs, "ROSTER_DATA_DIR="+dir)...)
	token := old.enter(t)
	for _, name := range []string{"grace", "linus"} {
		old.must(t, http.StatusCreated, http.MethodPost, "/v1/users", token, fmt.Sprintf(`{"username":%q,"email":"%s@example.com","name":"Named %s"}`, name, name, name))
	}
	record(t, old, token, "T-1")
	sees(t, old, "linus", token, "it is in the read models before they are copied")
	from := mover{t, []string{"ROSTER_SERVER=" + old.url, "ROSTER_TOKEN=" + token}}
	from.roster("archive", "--out", archive, "--keys", keys)
	from.run("cp", keys, oldKeys)
	copied := filepath.Join(kept, "roster.sql")
	from.run(postgresProgram(t, "pg_dump"), "--no-owner", "--host="+filepath.Join(dir, "postgresql", "run"), "--username=roster", "--file="+copied, "roster")

	// What comes after the copies: an erasure, an activity.
	from.roster("erase", "linus", "--yes")
	record(t, old, token, "T-2")
	require.Eventually(t, func() bool { return len(feedOf(t, old, token)) == 3 }, 20*time.Second, 20*time.Millisecond, "her account and two tickets")
	feed, grace := feedOf(t, old, token), old.must(t, http.StatusOK, http.MethodGet, "/v1/users/grace", token, "")
	witness := filepath.Join(kept, "witness")
	require.NoError(t, os.Mkdir(witness, 0o700))
	require.Eventually(t, func() bool {
		from.roster("checkpoints", "save", "--public-key", public, witness)
		found, err := filepath.Glob(filepath.Join(witness, "[ar]*.checkpoint"))
		require.NoError(t, err)
		return len(found) >= 2
	}, 20*time.Second, 200*time.Millisecond)
	old.terminate(t)

	here := mover{t, []string{"ROSTER_DATA_DIR=" + dir}}
	require.Regexp(t, `^archived [1-9]\d* messages`, here.roster("archive", "--out", archive, "--keys", keys, "--data-dir", dir))
	require.Regexp(t, `^archived 0 messages in 0 new`, here.roster("archive", "--out", archive, "--keys", keys, "--data-dir", dir))

	cluster, database := testenv.NATSClusterURL(t), testenv.Postgres(t)
	master, err := os.ReadFile(filepath.Join(dir, "master.key"))
	require.NoError(t, err)
	settings := []string{
		"ROSTER_NATS_URL=" + cluster, "ROSTER_NATS_REPLICAS=3", "DATABASE_URL=" + database,
		"ROSTER_MASTER_KEY=" + strings.TrimSpace(string(master)),
	}
	there := mover{t, settings}
	// The keys of before the erasure: the log that was archived tells of it.
	require.Regexp(t, `^restored [1-9]\d* messages`, lastLine(there.roster("restore", "--archive", archive, "--keys", oldKeys)))
	there.run(postgresProgram(t, "psql"), "--quiet", "--set=ON_ERROR_STOP=1", "--dbname="+database, "--file="+copied)
	mark(t, database)

	moved := start(t, append(signs, settings...)...)
	require.Eventually(t, func() bool { return fmt.Sprint(feedOf(t, moved, token)) == fmt.Sprint(feed) }, 20*time.Second, 20*time.Millisecond,
		"a session goes on, positions are the same, what came after the copy of PostgreSQL is caught up")
	var before, after map[string]any
	require.NoError(t, json.Unmarshal([]byte(grace), &before))
	require.NoError(t, json.Unmarshal([]byte(moved.must(t, http.StatusOK, http.MethodGet, "/v1/users/grace", token, "")), &after))
	require.Equal(t, "From the copy", after["name"], "the read models went on from their checkpoints: nothing was built again")
	before["name"] = after["name"]
	require.Equal(t, before, after)
	to := mover{t, []string{"ROSTER_SERVER=" + moved.url, "ROSTER_TOKEN=" + token}}
	forgotten(t, moved, to, token)
	replicated(t, cluster)
	require.Eventually(t, func() bool {
		found, err := filepath.Glob(filepath.Join(witness, "*.checkpoint"))
		require.NoError(t, err)
		cmd := exec.Command(program("roster"), append([]string{"checkpoints", "compare", "--public-key", public}, found...)...)
		cmd.Env = environment(to.env...)
		return cmd.Run() == nil
	}, 20*time.Second, 200*time.Millisecond, "what was signed of the old log is the begin of the new one")

	// It goes on behind the last position, and only what the mark changed differs from a replay.
	record(t, moved, token, "T-3")
	require.Eventually(t, func() bool { return len(feedOf(t, moved, token)) == 4 }, 20*time.Second, 20*time.Millisecond)
	require.Regexp(t, `log: ROSTER is as archived`, to.roster("verify", "--archive", archive, "--keys", keys, "--no-models"))
	moved.terminate(t)
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

func record(t *testing.T, r *running, token, id string) {
	t.Helper()
	r.must(t, http.StatusOK, http.MethodPost, "/v1/activities", token, fmt.Sprintf(
		`[{"source":"tracker","id":%q,"type":"ticket","action":"created","user":{"username":"grace"},"entity":{"id":%q,"title":"Title of %s"},"occurredAt":"2026-05-03T12:00:00Z"}]`, id, id, id))
}

// feedOf is what grace did: id and title.
func feedOf(t *testing.T, r *running, token string) []string {
	t.Helper()
	status, answer, err := r.call(http.MethodGet, "/v1/users/grace/activities?limit=100", token, "")
	require.NoError(t, err)
	if status != http.StatusOK {
		return nil
	}
	var page struct {
		Items []map[string]any `json:"items"`
	}
	require.NoError(t, json.Unmarshal([]byte(answer), &page))
	var out []string
	for _, a := range page.Items {
		out = append(out, fmt.Sprint(a["id"], " ", a["entity"]))
	}
	return out
}

// mark changes a row that no event to come touches.
func mark(t *testing.T, database string) {
	t.Helper()
	db, err := pgx.Connect(t.Context(), database)
	require.NoError(t, err)
	defer db.Close(context.Background())
	var schema string
	require.NoError(t, db.QueryRow(t.Context(), `select table_schema from information_schema.columns where table_name = 'users' and column_name = 'name'`).Scan(&schema))
	tag, err := db.Exec(t.Context(), `update `+pgx.Identifier{schema, "users"}.Sanitize()+` set name = 'From the copy' where username = 'grace'`)
	require.NoError(t, err)
	require.EqualValues(t, 1, tag.RowsAffected())
}

// forgotten: an erasure after the copy of the keys holds.
func forgotten(t *testing.T, r *running, to mover, token string) {
	t.Helper()
	require.Eventually(t, func() bool {
		status, _, err := r.call(http.MethodGet, "/v1/users/linus", token, "")
		return err == nil && status == http.StatusNotFound
	}, 20*time.Second, 20*time.Millisecond)
	events := to.roster("events", "--personal", "--type", "roster.user.*", "--output", "json")
	require.Contains(t, events, "Named grace")
	require.NotContains(t, events, "Named linus")
	r.must(t, http.StatusCreated, http.MethodPost, "/v1/users", token, `{"username":"linus","email":"linus@example.com"}`)
}

func replicated(t *testing.T, cluster string) {
	t.Helper()
	nc, err := nats.Connect(cluster)
	require.NoError(t, err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	names := 0
	for s := range js.ListStreams(t.Context()).Info() {
		names++
		require.Equal(t, 3, s.Config.Replicas, s.Config.Name)
		require.Len(t, s.Cluster.Replicas, 2, s.Config.Name)
	}
	require.GreaterOrEqual(t, names, 5)
}
