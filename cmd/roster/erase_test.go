package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	kept "github.com/rosterhq/roster/archive"
	"github.com/rosterhq/roster/events"
)

func TestEraseAsks(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	grace := owner.NewUser("grace")
	id, _ := grace.Do("GET", "/v1/users/me", nil, nil).Map(s)["id"].(string)
	d := newDesk(t)
	d.login(s, owner)

	code, _, stderr := d.roster("erase", "grace")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "say --yes\nTry: roster erase grace --yes\n")
	code, _, stderr = d.roster("erase", "grace", "--keys", "x")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "name it with --archive")
	for _, bad := range [][]string{{"--data-dir", t.TempDir()}, {"--archive", "/absent"}, {"--scrub", "--data-dir", "\x00"}} {
		code, _, stderr = d.roster(append([]string{"erase", "grace", "--yes"}, bad...)...)
		require.Equal(t, exitUsage, code, "%q: %s", bad, stderr)
		require.Equal(t, http.StatusOK, grace.Do("GET", "/v1/users/me", nil, nil).Status, "%q destroyed something", bad)
	}
	code, _, stderr = d.roster("erase", "nobody", "--yes")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "\nTry: roster users list\n")

	asked := func(answer string) (code int, stdout, stderr string) {
		var out, err bytes.Buffer
		o := outputs{out: &out, err: &err, ask: func(_ context.Context, question string) (string, error) {
			require.Equal(t, "This can not be undone. To erase grace ("+id+"), type grace: ", question)
			return answer, nil
		}}
		code = run(t.Context(), []string{"erase", "grace", "--profiles", d.profiles}, o)
		return code, out.String(), err.String()
	}
	code, _, stderr = asked("y")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "nobody was erased")
	require.Equal(t, http.StatusOK, grace.Do("GET", "/v1/users/me", nil, nil).Status)
	code, stdout, stderr := asked("grace")
	require.Zero(t, code, stderr)
	require.Equal(t, "erased "+id+"\n", stdout)
	require.Contains(t, stderr, "--archive DIR")
	require.Equal(t, http.StatusUnauthorized, grace.Do("GET", "/v1/users/me", nil, nil).Status)
	require.Equal(t, "erased "+id+"\n", d.ok("erase", id, "--yes"), "it may be repeated, by id")
	elsewhere := t.TempDir()
	code, _, stderr = d.roster("erase", id, "--yes", "--scrub", "--data-dir", elsewhere)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "may still hold what it held")
	require.Contains(t, stderr, "\nTry: roster erase "+id+" --yes --scrub --data-dir "+elsewhere+"\n")
}

// TestOlderKeysDoNotUndoAnErasure restores an archive with a copy of the keys that was
// made while the person was known.
func TestOlderKeysDoNotUndoAnErasure(t *testing.T) {
	t.Parallel()
	old := startIn(t, newDir(t))
	token := old.enter(t)
	old.register(t, token, "grace")
	id := old.call(t, http.StatusOK, http.MethodGet, "/v1/users/grace", token, "")["id"].(string)
	dir, keys := filepath.Join(t.TempDir(), "archive"), filepath.Join(t.TempDir(), "keys")
	code, _, complained := old.roster(t, token, "archive", "--out", dir, "--keys", keys)
	require.Zero(t, code, complained)
	older := filepath.Join(t.TempDir(), "older")
	text, err := os.ReadFile(keys)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(older, text, 0o600))
	box := wrapped(t, older, id)

	code, said, complained := old.roster(t, token, "erase", "grace", "--yes", "--archive", dir, "--keys", keys)
	require.Zero(t, code, complained)
	require.Equal(t, "erased "+id+"\nthe key is gone from the archive "+dir+"\n", said)
	require.Empty(t, wrapped(t, keys, id))
	require.NotContains(t, bytesBelow(t, keys), base64.StdEncoding.EncodeToString(box))
	old.stop(t)

	fresh := newDir(t)
	putMasterKey(t, old.dir, fresh)
	code, _, complained = roster(t.Context(), "restore", "--archive", dir, "--keys", older, "--data-dir", fresh)
	require.Zero(t, code, complained)
	again := startIn(t, fresh)
	left := again.call(t, http.StatusOK, http.MethodGet, "/v1/users/"+id, token, "")
	require.Equal(t, "deleted", left["status"])
	require.Empty(t, left["email"])
	newest := filepath.Join(t.TempDir(), "newest")
	code, _, complained = again.roster(t, token, "archive", "--out", dir, "--keys", newest)
	require.Zero(t, code, complained)
	require.Empty(t, wrapped(t, newest, id), "the key did not come back")
	require.False(t, strings.Contains(bytesBelow(t, filepath.Join(fresh, "nats")), string(box)), "nor does any file hold it")
}

// wrapped is a user's key in a file of keys; nothing where it was erased.
func wrapped(t *testing.T, file, id string) []byte {
	t.Helper()
	_, keys, err := kept.ReadKeys(file)
	require.NoError(t, err)
	for _, k := range keys {
		if k.Name == events.UserKeyName(id) {
			require.Equal(t, len(k.Box) == 0, k.Erased)
			return k.Box
		}
	}
	require.Fail(t, "the file knows nothing of the user")
	return nil
}

// bytesBelow is all that a file, or the files of a directory, hold.
func bytesBelow(t *testing.T, path string) string {
	t.Helper()
	var all strings.Builder
	require.NoError(t, filepath.WalkDir(path, func(at string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(at)
		all.Write(text)
		return err
	}))
	return all.String()
}
