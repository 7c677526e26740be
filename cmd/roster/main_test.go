package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/cmd/roster/internal/fakeserver"
	"github.com/rosterhq/roster/internal/testenv"
)

var update = flag.Bool("update", false, "write golden files")

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		_ = os.Unsetenv(asProgram)
		main()
	}
	flag.Parse()
	for _, name := range []string{"ROSTER_SERVER", "ROSTER_TOKEN", "ROSTER_PROFILE", "ROSTER_OUTPUT"} { // what the person at the terminal has set is not ours
		_ = os.Unsetenv(name)
	}
	_ = os.Setenv("ROSTER_PROFILES", "/nonexistent/profiles.json")
	testenv.Main(m)
}

// roster runs the command line.
func roster(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = run(ctx, args, outputs{out: &out, err: &err})
	return code, out.String(), err.String()
}

const twin = "../../internal/gharchive/testdata/hour.json"

func TestHelp(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"roster":               {"--help"},
		"archive":              {"archive", "--help"},
		"checkpoints":          {"checkpoints", "--help"},
		"checkpoints-list":     {"checkpoints", "list", "--help"},
		"checkpoints-save":     {"checkpoints", "save", "--help"},
		"checkpoints-compare":  {"checkpoints", "compare", "--help"},
		"checkpoints-make-key": {"checkpoints", "make-key", "--help"},
		"erase":                {"erase", "--help"},
		"export":               {"export", "--help"},
		"import":               {"import", "--help"},
		"import-gharchive":     {"import", "gharchive", "--help"},
		"import-users":         {"import", "users", "--help"},
		"make-owner":           {"make-owner", "--help"},
		"parked":               {"parked", "--help"},
		"parked-list":          {"parked", "list", "--help"},
		"parked-show":          {"parked", "show", "--help"},
		"parked-redrive":       {"parked", "redrive", "--help"},
		"parked-drop":          {"parked", "drop", "--help"},
		"projections":          {"projections", "--help"},
		"rebuild":              {"rebuild", "--help"},
		"restore":              {"restore", "--help"},
		"tail":                 {"tail", "--help"},
		"verify":               {"verify", "--help"},
		"version":              {"version", "--help"},
		"login":                {"login", "--help"},
		"logout":               {"logout", "--help"},
		"whoami":               {"whoami", "--help"},
		"users":                {"users", "--help"},
		"users-list":           {"users", "list", "--help"},
		"users-show":           {"users", "show", "--help"},
		"users-create":         {"users", "create", "--help"},
		"users-suspend":        {"users", "suspend", "--help"},
		"users-activate":       {"users", "activate", "--help"},
		"users-delete":         {"users", "delete", "--help"},
		"keys":                 {"keys", "--help"},
		"keys-list":            {"keys", "list", "--help"},
		"keys-create":          {"keys", "create", "--help"},
		"keys-delete":          {"keys", "delete", "--help"},
		"keys-rotate":          {"keys", "rotate", "--help"},
		"retain":               {"retain", "--help"},
		"migrate":              {"migrate", "--help"},
		"roles":                {"roles", "--help"},
		"roles-show":           {"roles", "show", "--help"},
		"roles-set":            {"roles", "set", "--help"},
		"activities":           {"activities", "--help"},
		"activities-list":      {"activities", "list", "--help"},
		"activities-count":     {"activities", "count", "--help"},
		"history":              {"history", "--help"},
		"events":               {"events", "--help"},
		"completion":           {"completion", "--help"},
	} {
		code, stdout, stderr := roster(t.Context(), args...)
		require.Zero(t, code)
		require.Empty(t, stderr)
		golden := filepath.Join("testdata", "help-"+name+".txt")
		if *update {
			require.NoError(t, os.WriteFile(golden, []byte(stdout), 0o600))
		}
		want, err := os.ReadFile(golden)
		require.NoError(t, err)
		require.Equal(t, string(want), stdout, "run go test ./cmd/roster -update if this is meant")
	}
	code, bare, _ := roster(t.Context())
	_, help, _ := roster(t.Context(), "--help")
	require.Zero(t, code)
	require.Equal(t, help, bare)
}

func TestVersion(t *testing.T) {
	t.Parallel()
	code, stdout, _ := roster(t.Context(), "version")
	require.Zero(t, code)
	require.Regexp(t, `^roster \S+ \(go1\.\S+, \w+/\w+\)\n$`, stdout)
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args    []string
		message string
	}{
		"unknown command": {[]string{"nonsense"}, "unexpected argument nonsense"},
		"unknown flag":    {[]string{"import", "gharchive", "--fast", "x"}, "unknown flag --fast\nTry: roster import gharchive --help\n"},
		"no file":         {[]string{"import", "gharchive", "--token", "t"}, `expected "<file> ..."`},
		"no token":        {[]string{"import", "gharchive", twin}, "no token: sign in, or set ROSTER_TOKEN or give --token\nTry: roster login --server http://127.0.0.1:8080\n"},
		"no URL":          {[]string{"import", "gharchive", "--token", "t", "--server", "example.com", twin}, "begins with http:// or https://"},
		"password in URL": {[]string{"import", "gharchive", "--token", "t", "--server", "http://ada:hunter2@example.com", twin}, "holds a user or password"},
	} {
		code, stdout, stderr := roster(t.Context(), c.args...)
		require.Equal(t, exitUsage, code, name)
		require.Empty(t, stdout, name)
		require.Contains(t, stderr, c.message, name)
		require.NotContains(t, stderr, "hunter2", name)
	}
}

func TestImportTwin(t *testing.T) {
	t.Parallel()
	server := fakeserver.Start(t)
	args := []string{"import", "gharchive", "--server", server.URL, "--token", fakeserver.Token, twin}
	code, stdout, stderr := roster(t.Context(), args...)
	require.Zero(t, code, stderr)
	require.Regexp(t, `^imported 24 new, 0 duplicates, 0 rejected, 5 users in \d+\.\d s\n$`, stdout)
	require.Equal(t, "left out 2 events that Roster has no activity for: IssuesEvent labeled (1), SponsorshipEvent (1)\n", stderr)
	require.Equal(t, "maple-fox", server.Users["github:900002"])
	require.Equal(t, "tinwhistlebot", server.Users["github:900004"])
	require.Equal(t, "quiet-newt", server.Users["github:900009"])
	require.Regexp(t, `^[a-z]+-[a-z]+\d+$`, server.Users["github:900003"])

	code, stdout, _ = roster(t.Context(), args...)
	require.Zero(t, code)
	require.Regexp(t, `^imported 0 new, 24 duplicates, 0 rejected, 0 users in \d+\.\d s\n$`, stdout)
}

// write makes a file of the test's own.
func write(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}

func stars(t *testing.T, from, to int) string {
	t.Helper()
	var b strings.Builder
	for n := from; n < to; n++ {
		fmt.Fprintf(&b, `{"id":"%d","type":"WatchEvent","actor":{"id":%d,"login":"user%d"},"repo":{"name":"o/r"},"payload":{"action":"started"},"created_at":"2015-01-01T00:00:00Z"}`+"\n", n, n%97+1, n%97)
	}
	return b.String()
}

func packed(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

func TestBrokenFilesAndLines(t *testing.T) {
	t.Parallel()
	server := fakeserver.Start(t)
	good := write(t, "good.json.gz", packed(t, stars(t, 0, 50)))
	bad := write(t, "bad.json", []byte(stars(t, 50, 53)+"{broken\n"+stars(t, 53, 55)+strings.Repeat("[]\n", 11)))
	whole := packed(t, stars(t, 100, 3000))
	cut := write(t, "cut.json.gz", whole[:len(whole)/2])

	code, stdout, stderr := roster(t.Context(), "import", "gharchive", "--server", server.URL, "--token", fakeserver.Token, cut, bad, good)
	require.Equal(t, exitFailed, code, "the cut file was not imported whole")
	require.Contains(t, stderr, "rejected "+bad+":4: not a GH Archive event: ")
	require.Equal(t, listed, strings.Count(stderr, "rejected "+bad))
	require.Contains(t, stderr, "rejected 2 more\n")
	require.Contains(t, stderr, "roster: "+cut+": unreadable after line ")
	found := regexp.MustCompile(`^imported (\d+) new, 0 duplicates, 12 rejected, 97 users in `).FindStringSubmatch(stdout)
	require.NotNil(t, found, stdout)
	_, activities := server.Counts()
	require.Equal(t, fmt.Sprint(activities), found[1])
	require.Greater(t, activities, 55)

	code, stdout, _ = roster(t.Context(), "import", "gharchive", "--server", server.URL, "--token", fakeserver.Token, bad)
	require.Zero(t, code, "rejected lines alone are no failure")
	require.Contains(t, stdout, "imported 0 new, 5 duplicates, 12 rejected, 0 users in ")
}

func TestMissingFileBeforeAnything(t *testing.T) {
	t.Parallel()
	server := fakeserver.Start(t)
	code, stdout, stderr := roster(t.Context(), "import", "gharchive", "--server", server.URL, "--token", fakeserver.Token, twin, "missing.json.gz")
	require.Equal(t, exitFailed, code)
	require.Empty(t, stdout)
	require.Equal(t, "roster: open archive: open missing.json.gz: no such file or directory\n", stderr)
	users, _ := server.Counts()
	require.Zero(t, users)
}

func TestWrongToken(t *testing.T) {
	t.Parallel()
	server := fakeserver.Start(t)
	const wrong = "cccccccccc-dddddddddddddddddddddd"
	code, stdout, stderr := roster(t.Context(), "import", "gharchive", "--server", server.URL, "--token", wrong, twin)
	require.Equal(t, exitFailed, code)
	require.Empty(t, stdout)
	require.Equal(t, "roster: the server does not accept the token: sign in again, or make a new key\nTry: roster login\n", stderr)
}

func TestServerFailsOnTheWay(t *testing.T) {
	t.Parallel()
	server := fakeserver.Start(t)
	file := write(t, "hour.json", []byte(stars(t, 0, 3000)))
	var n atomic.Int64
	server.SetFault(func(r *http.Request) (int, http.Header) {
		if r.URL.Path == "/v1/activities" && n.Add(1) > 3 {
			return http.StatusInternalServerError, nil
		}
		return 0, nil
	})
	args := []string{"import", "gharchive", "--server", server.URL, "--token", fakeserver.Token, file}
	code, stdout, stderr := roster(t.Context(), args...)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "roster: send activities: the server answered 500: try later\n")
	require.Contains(t, stderr, "run the same command again to go on")
	_, before := server.Counts()
	require.Contains(t, stdout, fmt.Sprintf("imported %d new, ", before))

	server.SetFault(nil)
	code, stdout, _ = roster(t.Context(), args...)
	require.Zero(t, code)
	require.Contains(t, stdout, fmt.Sprintf("imported %d new, %d duplicates, 0 rejected, ", 3000-before, before))
}

func TestInterruptedAndResumed(t *testing.T) {
	t.Parallel()
	server := fakeserver.Start(t)
	file := write(t, "hour.json.gz", packed(t, stars(t, 0, 4000)))
	args := []string{"import", "gharchive", "--server", server.URL, "--token", fakeserver.Token, file}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var n atomic.Int64
	server.SetFault(func(r *http.Request) (int, http.Header) {
		if r.URL.Path == "/v1/activities" && n.Add(1) == 4 {
			cancel()
		}
		return 0, nil
	})
	code, stdout, stderr := roster(ctx, args...)
	require.Equal(t, exitInterrupted, code)
	require.Equal(t, "interrupted: run the same command again to go on; nothing is imported twice\n", stderr)
	_, before := server.Counts()
	require.Less(t, before, 4000)
	require.Contains(t, stdout, fmt.Sprintf("imported %d new, 0 duplicates, 0 rejected, 97 users in ", before))

	code, stdout, _ = roster(t.Context(), args...)
	require.Zero(t, code)
	require.Contains(t, stdout, fmt.Sprintf("imported %d new, %d duplicates, 0 rejected, 0 users in ", 4000-before, before))
}

// Whatever happens, the token is in no output.
func TestTokenIsNeverPrinted(t *testing.T) {
	t.Parallel()
	server := fakeserver.Start(t)
	for _, status := range []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusInternalServerError, http.StatusFound} {
		server.SetFault(func(*http.Request) (int, http.Header) {
			return status, http.Header{"Location": {"http://127.0.0.1:1/" + fakeserver.Token}}
		})
		code, stdout, stderr := roster(t.Context(), "import", "gharchive", "--server", server.URL, "--token", fakeserver.Token, twin)
		require.Equal(t, exitFailed, code, status)
		require.NotContains(t, stdout+stderr, fakeserver.Token)
	}
	_, stdout, stderr := roster(t.Context(), "import", "gharchive", "--token", fakeserver.Token, "--help")
	require.NotContains(t, stdout+stderr, fakeserver.Token)
	_, stdout, stderr = roster(t.Context(), "import", "gharchive", "--token", fakeserver.Token, "--wrong")
	require.NotContains(t, stdout+stderr, fakeserver.Token)
}
