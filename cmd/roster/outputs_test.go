package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWhatWasDoneIsToldAsJSON: each command that ends with a line says the same as one
// JSON document, and nothing else, on its output.
func TestWhatWasDoneIsToldAsJSON(t *testing.T) {
	t.Parallel()
	i := startIn(t, newDir(t))
	token := i.enter(t)
	dir := t.TempDir()
	said := func(want int, args ...string) map[string]any {
		t.Helper()
		code, out, complained := i.roster(t, token, append(args, "--output", "json")...)
		require.Equal(t, want, code, "%s%s", out, complained)
		var document map[string]any
		require.NoError(t, json.Unmarshal([]byte(out), &document), out)
		if _, timed := document["seconds"]; timed {
			require.Positive(t, document["seconds"])
			delete(document, "seconds")
		}
		return document
	}

	users := filepath.Join(dir, "users.ndjson")
	lines := []string{`{"username":"grace"}`, `{"username":"linus","email":"linus@example.com"}`, `{"username":7}`}
	require.NoError(t, os.WriteFile(users, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
	require.Equal(t, map[string]any{"new": 2., "unchanged": 0., "refused": 1.}, said(exitFailed, "import", "users", users))
	require.Equal(t, map[string]any{"new": 0., "unchanged": 2., "refused": 1.}, said(exitFailed, "import", "users", users))

	pushed := filepath.Join(dir, "hour.json")
	require.NoError(t, os.WriteFile(pushed, []byte(`{"id":"1","type":"PushEvent","actor":{"id":9,"login":"octo"},`+
		`"repo":{"id":3,"name":"octo/web"},"payload":{"distinct_size":2},"created_at":"2015-01-01T00:00:00Z"}`+"\n"), 0o600))
	require.Equal(t, map[string]any{"new": 1., "duplicates": 0., "rejected": 0., "users": 1.}, said(exitOK, "import", "gharchive", pushed))

	kept := filepath.Join(dir, "archive")
	archived := said(exitOK, "archive", "--out", kept)
	require.Equal(t, 2., archived["segments"])
	require.Positive(t, archived["messages"])
	require.Positive(t, archived["keys"])
	reached, ok := archived["reached"].(map[string]any)
	require.True(t, ok)
	require.Regexp(t, `^r\d+$`, reached["roster"])
	require.Regexp(t, `^a\d+$`, reached["activity"])

	exported := said(exitOK, "export", "--format", "ndjson", "--out", filepath.Join(dir, "export"))
	require.Equal(t, exported["events"], exported["inAll"])
	require.Positive(t, exported["events"])
	require.Contains(t, exported, "reached")

	verified := said(exitOK, "verify", "--archive", kept)
	require.Equal(t, map[string]any{"messages": archived["messages"], "segments": 2., "keys": archived["keys"]}, verified["archive"])
	require.Len(t, verified["log"], 2)
	models, ok := verified["models"].([]any)
	require.True(t, ok)
	for _, m := range models {
		require.Equal(t, true, m.(map[string]any)["equal"], m)
	}

	restored := filepath.Join(newDir(t), "data")
	require.NoError(t, os.MkdirAll(restored, 0o755))
	master, err := os.ReadFile(filepath.Join(i.dir, "master.key"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(restored, "master.key"), master, 0o600))
	require.Equal(t, map[string]any{"messages": archived["messages"], "reached": archived["reached"]},
		said(exitOK, "restore", "--archive", kept, "--data-dir", restored))
}
