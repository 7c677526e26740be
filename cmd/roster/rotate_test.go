package main

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTheMasterKeyOfADirectoryChanges goes on where a killed run stopped, and restores
// an archive with the new key.
func TestTheMasterKeyOfADirectoryChanges(t *testing.T) {
	t.Parallel()
	i := startIn(t, newDir(t))
	token := i.enter(t)
	i.register(t, token, "grace")
	code, _, complained := roster(t.Context(), "keys", "rotate", "--data-dir", i.dir)
	require.Equal(t, exitFailed, code)
	require.Contains(t, complained, "another Roster", "the server runs")
	i.stop(t)
	path := filepath.Join(i.dir, "master.key")
	old, err := os.ReadFile(path)
	require.NoError(t, err)

	// A run that was killed right after it made the new key.
	next := []byte("6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b\n")
	require.NoError(t, os.WriteFile(path+".next", next, 0o600))
	code, said, complained := roster(t.Context(), "keys", "rotate", "--data-dir", i.dir)
	require.Zero(t, code, complained)
	require.Regexp(t, `^wrapped \d+ keys under master key [0-9a-f]{8}, destroyed \d+ old copies\n$`, said)
	now, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(next), string(now))
	require.NoFileExists(t, path+".next")

	require.NoError(t, os.WriteFile(path, old, 0o600))
	code, _, complained = roster(t.Context(), "keys", "rotate", "--data-dir", i.dir)
	require.Equal(t, exitFailed, code)
	require.Contains(t, complained, "wrong master key")
	require.NoFileExists(t, path+".next", "nothing changed")
	require.NoError(t, os.WriteFile(path, now, 0o600))

	i = startIn(t, i.dir)
	me := i.call(t, http.StatusOK, http.MethodGet, "/v1/users/grace", token, "")
	require.Equal(t, "grace", me["username"], "sessions and names are as they were")
	kept, keys := filepath.Join(t.TempDir(), "archive"), filepath.Join(t.TempDir(), "keys")
	code, _, complained = roster(t.Context(), "archive", "--out", kept, "--keys", keys, "--server", i.api.URL(), "--token", token)
	require.Zero(t, code, complained)
	i.stop(t)

	restored := newDir(t)
	require.NoError(t, os.MkdirAll(restored, 0o711))
	restore := []string{"restore", "--archive", kept, "--keys", keys, "--data-dir", restored}
	require.NoError(t, os.WriteFile(filepath.Join(restored, "master.key"), old, 0o600))
	code, _, complained = roster(t.Context(), restore...)
	require.Equal(t, exitFailed, code)
	require.Contains(t, complained, "wrong master key")
	require.NoError(t, os.WriteFile(filepath.Join(restored, "master.key"), now, 0o600))
	code, _, complained = roster(t.Context(), restore...)
	require.Zero(t, code, complained)
}
