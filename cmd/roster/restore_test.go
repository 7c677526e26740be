package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/app"
	"github.com/rosterhq/roster/internal/config"
)

// installation is a whole Roster in a directory of its own.
type installation struct {
	dir  string
	api  *app.API
	http *http.Client
}

// newDir is a data directory that every user can reach.
func newDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "roster-cli-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755))
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return filepath.Join(dir, "data")
}

// startIn starts everything on a data directory.
func startIn(t *testing.T, dir string) *installation {
	t.Helper()
	settings := map[string]string{
		"ROSTER_HTTP_ADDR": "127.0.0.1:0", "ROSTER_DATA_DIR": dir, "ROSTER_RATE_LIMITS": "off", "ROSTER_SYNC": "interval",
		"ROSTER_TRUSTED_PROXIES": "127.0.0.1",
	}
	c, err := config.ReadAPI(config.Input{
		Lookup: func(name string) (string, bool) { v, ok := settings[name]; return v, ok }, Out: io.Discard, Name: "api",
	})
	require.NoError(t, err)
	api, err := app.StartAPI(t.Context(), c, zap.NewNop())
	require.NoError(t, err)
	i := &installation{dir: dir, api: api, http: &http.Client{Transport: &http.Transport{}}}
	t.Cleanup(func() { i.stop(t) })
	return i
}

func (i *installation) stop(t *testing.T) {
	t.Helper()
	if i.api == nil {
		return
	}
	i.http.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	require.NoError(t, i.api.Stop(ctx))
	i.api = nil
}

func (i *installation) call(t *testing.T, want int, method, path, token, body string) map[string]any {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, i.api.URL()+path, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := i.http.Do(req)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Equal(t, want, res.StatusCode, "%s %s: %s", method, path, text)
	var out map[string]any
	if len(text) > 0 {
		require.NoError(t, json.Unmarshal(text, &out))
	}
	return out
}

const somePassword = "SomeSecurePassword!"

// enter makes the first user and returns a session's token.
func (i *installation) enter(t *testing.T) string {
	t.Helper()
	i.call(t, http.StatusCreated, http.MethodPost, "/api/v2/users/first", "",
		`{"email":"ada@example.com","username":"ada","password":"`+somePassword+`"}`)
	return i.login(t, "ada")
}

func (i *installation) login(t *testing.T, name string) string {
	t.Helper()
	answer := i.call(t, http.StatusCreated, http.MethodPost, "/api/v2/users/login", "",
		`{"email":"`+name+`@example.com","password":"`+somePassword+`"}`)
	return answer["session_token"].(string)
}

func (i *installation) register(t *testing.T, token, name string) {
	t.Helper()
	i.call(t, http.StatusCreated, http.MethodPost, "/v1/users", token,
		fmt.Sprintf(`{"username":%q,"email":%q,"password":%q}`, name, name+"@example.com", somePassword))
}

func (i *installation) record(t *testing.T, token, id, title string) {
	t.Helper()
	i.call(t, http.StatusOK, http.MethodPost, "/v1/activities", token, fmt.Sprintf(
		`[{"source":"tracker","id":%q,"type":"ticket","action":"created","user":{"username":"grace"},"entity":{"id":%q,"title":%q},"occurredAt":"2026-05-03T12:00:00Z"}]`,
		id, id, title))
}

// feed reads a user's activities: position and title of each.
func (i *installation) feed(t *testing.T, token, user string) []string {
	t.Helper()
	var out []string
	for _, item := range i.call(t, http.StatusOK, http.MethodGet, "/v1/users/"+user+"/activities?limit=100", token, "")["items"].([]any) {
		a := item.(map[string]any)
		out = append(out, fmt.Sprint(a["id"], " ", a["type"], " ", a["entity"]))
	}
	return out
}

func (i *installation) roster(t *testing.T, token string, args ...string) (int, string, string) {
	t.Helper()
	if args[0] != "restore" {
		args = append(args, "--server", i.api.URL(), "--token", token)
	}
	return roster(t.Context(), args...)
}

// TestAnInstallationLivesOnFromItsArchive loses a whole installation, and begins
// anew from archive, keys and master key.
func TestAnInstallationLivesOnFromItsArchive(t *testing.T) {
	t.Parallel()
	old := startIn(t, newDir(t))
	token := old.enter(t)
	old.register(t, token, "grace")
	old.record(t, token, "T-1", "A first ticket")
	kept := filepath.Join(t.TempDir(), "archive")
	code, said, complained := old.roster(t, token, "archive", "--out", kept)
	require.Zero(t, code, complained)
	require.Regexp(t, `^archived \d+ messages in 2 new segments \(r\d+, a\d+\), [1-9]\d* keys in [0-9.]+ s\n$`, said)

	// What is new since goes into new segments; what was archived stays as it is.
	old.register(t, token, "linus")
	old.record(t, token, "T-2", "A second ticket")
	// The accounts' own entries come by a reaction.
	require.Eventually(t, func() bool {
		return len(old.feed(t, token, "grace")) == 3 && len(old.feed(t, token, "linus")) == 1
	}, 20*time.Second, 20*time.Millisecond)
	feed := old.feed(t, token, "grace")
	head := old.head(t, token, events.Activity).String()
	tailed := old.tail(t, token, "earliest", head)
	code, said, complained = old.roster(t, token, "archive", "--out", kept)
	require.Zero(t, code, complained)
	require.Contains(t, said, "2 new segments")
	code, said, complained = old.roster(t, token, "archive", "--out", kept)
	require.Zero(t, code, complained)
	require.Contains(t, said, "archived 0 messages in 0 new segments")
	ended := strings.TrimSuffix(strings.SplitN(said, "(", 2)[1], "\n")
	old.stop(t)

	fresh := newDir(t)
	restore := []string{"restore", "--archive", kept, "--data-dir", fresh}
	code, _, complained = roster(t.Context(), restore...)
	require.Equal(t, exitFailed, code)
	require.Contains(t, complained, "put master.key of the old installation into "+fresh)
	putMasterKey(t, old.dir, fresh)
	code, said, complained = roster(t.Context(), restore...)
	require.Zero(t, code, complained)
	require.Contains(t, said, "("+strings.Split(ended, ")")[0]+")", "it ends where the archive ends")
	code, _, complained = roster(t.Context(), restore...)
	require.Equal(t, exitFailed, code)
	require.Contains(t, complained, "the log is not empty")

	again := startIn(t, fresh)
	require.Equal(t, "grace", again.call(t, http.StatusOK, http.MethodGet, "/v1/users/grace", token, "")["username"], "a session goes on")
	require.Equal(t, feed, again.feed(t, token, "grace"), "positions are the same, and titles can be read")
	require.Equal(t, tailed, again.tail(t, token, "a0", head))
	newest, _, _ := strings.Cut(tailed[len(tailed)-2], " ")
	require.Equal(t, tailed[len(tailed)-1], again.tail(t, token, newest, head)[0], "a client comes back behind the last that it has")

	for _, name := range []string{"ada", "grace", "linus"} {
		again.login(t, name)
	}
	again.call(t, http.StatusConflict, http.MethodPost, "/v1/users", token, `{"username":"linus","email":"other@example.com","password":"`+somePassword+`"}`)
	again.register(t, token, "barbara")
	numbers := map[float64]bool{}
	for _, name := range []string{"ada", "grace", "linus", "barbara"} {
		numbers[again.call(t, http.StatusOK, http.MethodGet, "/v1/users/"+name, token, "")["number"].(float64)] = true
	}
	require.Len(t, numbers, 4, "no number is given twice")

	// The archive goes on with the new installation, and both are the same.
	code, _, complained = again.roster(t, token, "archive", "--out", kept)
	require.Zero(t, code, complained)
	code, said, complained = again.roster(t, token, "verify", "--archive", kept, "--no-models")
	require.Zero(t, code, complained)
	require.Contains(t, said, "archive: whole")
	require.Contains(t, said, "log: ROSTER is as archived")
	require.Contains(t, said, "log: ACTIVITY is as archived")
}

// tail follows from a position until another one came.
func (i *installation) tail(t *testing.T, token, since, until string) []string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &lineWriter{until: until + " ", found: cancel}
	code := run(ctx, []string{"tail", "--server", i.api.URL(), "--token", token, "--since", since}, outputs{out: out, err: io.Discard})
	require.Equal(t, exitInterrupted, code)
	return out.lines
}

// lineWriter collects lines until one begins with a text. What comes before the
// command has stopped is not collected.
type lineWriter struct {
	until string
	found func()
	over  bool
	lines []string
}

func (w *lineWriter) Write(b []byte) (int, error) {
	for line := range strings.Lines(string(b)) {
		if w.over {
			break
		}
		w.lines = append(w.lines, strings.TrimSpace(line))
		if w.over = strings.HasPrefix(line, w.until); w.over {
			w.found()
		}
	}
	return len(b), nil
}

func putMasterKey(t *testing.T, from, to string) {
	t.Helper()
	key, err := os.ReadFile(filepath.Join(from, "master.key"))
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(to, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(to, "master.key"), key, 0o600))
}

func TestARestoreIsRefusedBeforeAnythingIsWritten(t *testing.T) {
	t.Parallel()
	old := startIn(t, newDir(t))
	token := old.enter(t)
	kept, keys := filepath.Join(t.TempDir(), "archive"), filepath.Join(t.TempDir(), "keys")
	code, _, complained := old.roster(t, token, "archive", "--out", kept, "--keys", keys)
	require.Zero(t, code, complained)
	require.NoFileExists(t, filepath.Join(kept, "keys.ndjson"))

	refused := func(dir string, args ...string) string {
		code, said, complained := roster(t.Context(), append([]string{"restore", "--data-dir", dir}, args...)...)
		require.Equal(t, exitFailed, code, said)
		require.Contains(t, complained, "nothing was restored")
		_, err := os.Stat(filepath.Join(dir, "nats", "jetstream", "$G", "streams", "ROSTER"))
		require.ErrorIs(t, err, os.ErrNotExist)
		return complained
	}
	require.Contains(t, refused(newDir(t), "--archive", kept), "keys.ndjson is missing")
	require.Contains(t, refused(newDir(t), "--archive", t.TempDir()), "is no archive")

	another := newDir(t)
	require.NoError(t, os.MkdirAll(another, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(another, "master.key"), []byte(strings.Repeat("ab", 32)+"\n"), 0o600))
	require.Contains(t, refused(another, "--archive", kept, "--keys", keys), "wrong master key")

	segments, err := filepath.Glob(filepath.Join(kept, "segments", "ROSTER-*"))
	require.NoError(t, err)
	text, err := os.ReadFile(segments[0])
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(segments[0], append(text[:len(text)-1:len(text)-1], text[len(text)-1]^1), 0o600))
	good := newDir(t)
	putMasterKey(t, old.dir, good)
	require.Contains(t, refused(good, "--archive", kept, "--keys", keys), filepath.Base(segments[0]))
	code, _, complained = old.roster(t, token, "verify", "--archive", kept, "--keys", keys)
	require.Equal(t, exitFailed, code)
	require.Contains(t, complained, filepath.Base(segments[0]))
}

// TestVerifyNamesWhatDiffers changes log and archive behind each other's back.
func TestVerifyNamesWhatDiffers(t *testing.T) {
	t.Parallel()
	one, two := startIn(t, newDir(t)), startIn(t, newDir(t))
	first, second := one.enter(t), two.enter(t)
	kept := filepath.Join(t.TempDir(), "archive")
	code, _, complained := one.roster(t, first, "archive", "--out", kept)
	require.Zero(t, code, complained)
	code, _, complained = two.roster(t, second, "verify", "--archive", kept)
	require.Equal(t, exitFailed, code)
	require.Contains(t, complained, "the archive is of another installation")
	code, _, complained = two.roster(t, second, "archive", "--out", kept)
	require.Equal(t, exitFailed, code)
	require.Contains(t, complained, "the archive is of another installation")

	// A copy of the directory goes on by itself: the log of the other one differs.
	fork := newDir(t)
	putMasterKey(t, one.dir, fork)
	code, _, complained = roster(t.Context(), "restore", "--archive", kept, "--data-dir", fork)
	require.Zero(t, code, complained)
	other := startIn(t, fork)
	other.register(t, first, "barbara")
	one.register(t, first, "grace")
	code, _, complained = one.roster(t, first, "archive", "--out", kept)
	require.Zero(t, code, complained)
	code, _, complained = other.roster(t, first, "verify", "--archive", kept, "--no-models")
	require.Equal(t, exitFailed, code)
	require.Regexp(t, `archive and log differ at r\d+: the log has another message`, complained)
	code, _, complained = other.roster(t, first, "archive", "--out", kept)
	require.Equal(t, exitFailed, code)
	require.Contains(t, complained, "does not continue the archive")
}

// head is the end of a stream.
func (i *installation) head(t *testing.T, token string, stream events.Stream) events.Position {
	t.Helper()
	name := strings.ToLower(string(stream))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, i.api.URL()+"/v1/admin/log?from=999999&stream="+name, nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := i.http.Do(req)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	var head struct{ To uint64 }
	require.NoError(t, json.NewDecoder(res.Body).Decode(&head))
	return events.Position{Stream: stream, Sequence: head.To}
}
