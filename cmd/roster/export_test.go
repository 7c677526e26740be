package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/export"
)

// duckdb builds the program that answers queries: another implementation of
// Parquet than the one that writes it. It needs a C compiler and, once, a download:
// where either is missing its tests say that they skip, but for the checks of CI.
var duckdb = sync.OnceValues(func() (string, error) { //nolint:gochecknoglobals // built once for all tests
	dir, err := os.MkdirTemp("", "roster-duckdb-")
	if err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-o", dir, ".")
	build.Dir = "../../internal/duckdb"
	build.Env = append(os.Environ(), "CGO_ENABLED=1")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build duckdb: %w: %s", err, out)
	}
	return filepath.Join(dir, "duckdb"), nil
})

// ask runs a query in the directory of an export.
func ask(t *testing.T, dir, query string) [][]any {
	t.Helper()
	program, err := duckdb()
	if err != nil && os.Getenv("ROSTER_TEST_DUCKDB") == "" {
		t.Skip("DuckDB can not be built here (it needs a C compiler and its module): ", err)
	}
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), program, query)
	cmd.Dir = dir
	out, err := cmd.Output()
	if exit, ok := err.(*exec.ExitError); ok { //nolint:errorlint // of the line above
		require.NoError(t, err, "%s: %s", query, exit.Stderr)
	}
	require.NoError(t, err)
	var rows [][]any
	for line := range strings.Lines(string(out)) {
		var row []any
		require.NoError(t, json.Unmarshal([]byte(line), &row))
		rows = append(rows, row)
	}
	return rows
}

// settled waits until all read models are at the end of the log, and the feed has
// what happened to accounts.
func settled(t *testing.T, owner *apitest.Session) {
	t.Helper()
	require.Eventually(t, func() bool {
		var list struct {
			Items []struct {
				Name string
				Lag  int
			}
		}
		owner.Do("GET", "/v1/admin/projections", nil, nil).JSON(owner.System, &list)
		for _, p := range list.Items {
			if p.Lag > 0 {
				return false
			}
		}
		return len(list.Items) > 0
	}, 20*time.Second, 20*time.Millisecond)
}

func exportedAll(t *testing.T, s *apitest.System, token, dir string, args ...string) *export.Manifest {
	t.Helper()
	code, said, complained := roster(t.Context(), append([]string{"export", "--server", s.URL, "--token", token, "--out", dir}, args...)...)
	require.Zero(t, code, complained)
	require.Regexp(t, `^exported \d+ events \(r\d+, a\d+\) in [0-9.]+ s, \d+ in all\n$`, said)
	return exportManifest(t, dir)
}

func exportManifest(t *testing.T, dir string) *export.Manifest {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	require.NoError(t, err)
	m := &export.Manifest{}
	require.NoError(t, json.Unmarshal(text, m))
	return m
}

// logged counts the events of the log by type.
func logged(t *testing.T, s *apitest.System) (byType map[string]int64, all int64) {
	t.Helper()
	byType = map[string]int64{}
	for _, stream := range []events.Stream{events.Roster, events.Activity} {
		require.NoError(t, s.Log.Scan(t.Context(), stream, 0, 0, func(e events.Stored) error {
			byType[string(e.Meta.Type)]++
			all++
			return nil
		}))
	}
	return byType, all
}

// TestDuckDBReadsWhatTheReadModelsSay exports an hour of activity and compares what
// DuckDB counts in the files with the log and with the read models.
func TestDuckDBReadsWhatTheReadModelsSay(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	code, _, complained := roster(t.Context(), "import", "gharchive", "--server", s.URL, "--token", owner.Token, twin)
	require.Zero(t, code, complained)
	ada := owner.NewUser("ada")
	ada.Do("PATCH", "/v1/users/me", nil, map[string]any{"name": "Ada"})
	settled(t, owner)

	home := t.TempDir()
	dir := filepath.Join(home, "events")
	m := exportedAll(t, s, owner.Token, dir, "--personal")
	byType, all := logged(t, s)
	require.Equal(t, all, m.Events)
	require.Equal(t, byType, m.Types)

	queries := guideQueries(t)
	got := map[string]int64{}
	for _, row := range ask(t, home, queries[0]) {
		got[row[0].(string)] = int64(row[1].(float64))
	}
	require.Equal(t, byType, got, "counted by type")
	for _, row := range ask(t, home, queries[2]) {
		require.NotZero(t, row[1])
	}

	// Sums and groups beside the read models.
	facts := readFacts(t, twin)
	ids := facts.find(t, s)
	commits := map[string]float64{}
	for _, row := range ask(t, home, queries[1]) {
		commits[row[0].(string)] = row[1].(float64)
	}
	users := ask(t, dir, `select event_subject, username from read_parquet('roster.user.registered.v1/*/*.parquet')`)
	names := map[string]string{}
	for _, row := range users {
		names[strings.TrimPrefix(row[0].(string), "user/")] = row[1].(string)
	}
	kinds := ask(t, dir, `select "user", type, count(*) from read_parquet('roster.activity.recorded.v1/*/*.parquet') group by all`)
	totals := map[string]int64{}
	for _, row := range kinds {
		totals[row[0].(string)+" "+row[1].(string)] = int64(row[2].(float64))
	}
	require.NotEmpty(t, ids)
	for actor, id := range ids {
		user, err := s.Commands.Find(t.Context(), commands.UserRef{ID: id})
		require.NoError(t, err)
		require.Equal(t, user.Username, names[id])
		for _, kind := range []events.ActivityType{"ticket", "project", "comment", "review", "commit", "account"} {
			want, err := s.Queries.ActivityTotal(t.Context(), id, []events.ActivityType{kind})
			require.NoError(t, err)
			require.Equal(t, want, totals[id+" "+string(kind)], "%s of %s", kind, actor)
		}
		want := 0
		for _, f := range facts.people[actor] {
			want += f.commits
		}
		require.EqualValues(t, want, commits[id], "commits of %s", actor)
	}
}

// guideQueries are the statements of the guide.
func guideQueries(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../docs/guides/export.md")
	require.NoError(t, err)
	var out []string
	for _, m := range regexp.MustCompile("(?s)```sql\n(.*?)\n```").FindAllStringSubmatch(string(text), -1) {
		out = append(out, m[1])
	}
	require.Len(t, out, 3)
	return out
}

// TestAnExportIsGoneOnWithAndFollows: again adds what is new, following adds what comes.
func TestAnExportIsGoneOnWithAndFollows(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	dir := filepath.Join(t.TempDir(), "export")
	first := exportedAll(t, s, owner.Token, dir, "--format", "ndjson")
	owner.NewUser("ada")
	settled(t, owner)
	second := exportedAll(t, s, owner.Token, dir, "--format", "ndjson")
	require.Greater(t, second.Events, first.Events)
	_, all := logged(t, s)
	require.Equal(t, all, second.Events)
	require.Equal(t, second, exportedAll(t, s, owner.Token, dir, "--format", "ndjson"), "nothing is new")
	eachOnce(t, dir, second)

	code, _, complained := roster(t.Context(), "export", "--server", s.URL, "--token", owner.Token, "--out", dir)
	require.Equal(t, exitFailed, code)
	require.Contains(t, complained, "holds another export")

	// Ctrl-C while it follows: what came until then is there.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"export", "--server", s.URL, "--token", owner.Token, "--out", dir, "--format", "ndjson", "--follow"},
			outputs{out: &strings.Builder{}, err: &strings.Builder{}})
	}()
	owner.NewUser("grace")
	require.Eventually(t, func() bool {
		_, all := logged(t, s)
		text, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
		m := export.Manifest{}
		return err == nil && json.Unmarshal(text, &m) == nil && m.Events == all
	}, followedEvery+20*time.Second, 50*time.Millisecond)
	cancel()
	require.Equal(t, exitInterrupted, <-ended)
	eachOnce(t, dir, exportManifest(t, dir))
}

// eachOnce fails unless each event of an NDJSON export is there once, in its day's file.
func eachOnce(t *testing.T, dir string, m *export.Manifest) {
	t.Helper()
	seen := map[string]bool{}
	for _, f := range m.Files {
		text, err := os.ReadFile(filepath.Join(dir, f.Path))
		require.NoError(t, err)
		for line := range strings.Lines(string(text)) {
			var e struct{ Position, Time string }
			require.NoError(t, json.Unmarshal([]byte(line), &e))
			require.False(t, seen[e.Position], e.Position)
			require.True(t, strings.HasPrefix(e.Time, f.Day))
			seen[e.Position] = true
		}
	}
	require.Len(t, seen, int(m.Events))
}

func TestPersonalDataIsExportedToWhoMayReadItAlone(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	owner.NewUser("ada")
	key := func(name, scope string) string {
		a := owner.Do("POST", "/v1/users/me/keys", nil, map[string]any{"name": name, "scopes": []string{scope}})
		return a.Map(s)["token"].(string)
	}
	plain := filepath.Join(t.TempDir(), "plain")
	exportedAll(t, s, key("plain", "events:read"), plain, "--format", "ndjson")
	require.NotContains(t, contents(t, plain), "ada@example.com")
	open := filepath.Join(t.TempDir(), "open")
	exportedAll(t, s, key("open", "events:personal"), open, "--format", "ndjson", "--personal")
	require.Contains(t, contents(t, open), "ada@example.com")
	require.NotContains(t, strings.ToLower(contents(t, open)), "passwordhash")
	code, _, complained := roster(t.Context(), "export", "--server", s.URL, "--token", key("curious", "events:read"), "--out", filepath.Join(t.TempDir(), "x"), "--personal")
	require.Equal(t, exitFailed, code)
	require.NotEmpty(t, complained)
}

func contents(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	for _, f := range exportManifest(t, dir).Files {
		text, err := os.ReadFile(filepath.Join(dir, f.Path))
		require.NoError(t, err)
		all.Write(text)
	}
	return all.String()
}
