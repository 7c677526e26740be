package main

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	kept "github.com/rosterhq/roster/archive"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/evidence"
)

// witness is a system whose log is signed, and a directory of who watches it.
type witness struct {
	*apitest.System
	owner  *apitest.Session
	key    *evidence.Key
	dir    string
	follow *evidence.Follower
}

func newWitness(t *testing.T) *witness {
	t.Helper()
	w := &witness{System: apitest.New(t), dir: t.TempDir()}
	w.owner = w.FirstUser()
	path := filepath.Join(w.dir, "key")
	code, public, stderr := roster(t.Context(), "checkpoints", "make-key", "--name", "example.org", path)
	require.Zero(t, code, stderr)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	secret, err := os.ReadFile(path)
	require.NoError(t, err)
	w.key, err = evidence.ParseKey(string(secret))
	require.NoError(t, err)
	require.Equal(t, w.key.Public()+"\n", public)
	code, _, stderr = roster(t.Context(), "checkpoints", "make-key", "--name", "example.org", path)
	require.Equal(t, exitFailed, code, "a key is never written over")
	require.Contains(t, stderr, "file exists")
	w.follow, err = evidence.NewFollower(evidence.Config{Log: w.Log, Store: w.Log, Key: w.key, Interval: time.Minute})
	require.NoError(t, err)
	return w
}

func (w *witness) run(t *testing.T, want int, args ...string) string {
	t.Helper()
	code, stdout, stderr := roster(t.Context(), append(args, "--server", w.URL, "--token", w.owner.Token)...)
	require.Equal(t, want, code, "%v\n%s%s", args, stdout, stderr)
	return stdout + stderr
}

// save signs and keeps what was signed, and returns the file of ROSTER.
func (w *witness) save(t *testing.T) string {
	t.Helper()
	require.NoError(t, w.follow.Sweep(t.Context()))
	said := w.run(t, exitOK, "checkpoints", "save", "--public-key", w.key.Public(), w.dir)
	path, _, ok := strings.Cut(strings.TrimPrefix(said, "saved "), "\n")
	require.True(t, ok, said)
	return path
}

func TestVerifyTheChain(t *testing.T) {
	t.Parallel()
	w := newWitness(t)
	pub := "--public-key=" + w.key.Public()
	require.Contains(t, w.run(t, exitOK, "verify", "--chain", pub), "chain: of ROSTER nothing is signed\n")
	first := w.save(t)
	ada := w.owner.NewUser("ada")
	second := w.save(t)
	require.NotEqual(t, first, second)
	require.Contains(t, w.run(t, exitOK, "checkpoints", "save", pub, w.dir), "was there: "+second)

	require.Regexp(t, `chain: ROSTER is as it was signed up to r\d+, 2 checkpoints; 0 positions behind them\n`,
		w.run(t, exitOK, "verify", "--chain", pub))
	require.Contains(t, w.run(t, exitOK, "verify", "--chain", pub, "--checkpoint", first, "--checkpoint", second), "4 checkpoints")
	require.Contains(t, w.run(t, exitOK, "checkpoints", "compare", pub, first, second), "is the begin of what is signed up to r")
	require.GreaterOrEqual(t, strings.Count(w.run(t, exitOK, "checkpoints", "list"), "example.org"), 2)
	require.Contains(t, w.run(t, exitOK, "checkpoints", "list", "--newest", "-o", "json"), `"note": "roster/`)

	// Erased is a key, and none of the messages.
	w.run(t, exitOK, "erase", ada.ID, "--yes")
	require.Contains(t, w.run(t, exitOK, "verify", "--chain", pub, "--checkpoint", first), "as it was signed")

	for _, c := range []struct {
		want int
		said string
		args []string
	}{
		{exitUsage, "no public key", []string{"verify", "--chain"}},
		{exitUsage, "name+hash+key", []string{"verify", "--chain", "--public-key", "x"}},
		{exitUsage, "compared with --chain", []string{"verify", "--checkpoint", first}},
		{exitFailed, "not signed by a key that is known here", []string{"verify", "--chain", "--public-key", newKey(t).Public()}},
		{exitFailed, "not signed by a key that is known here", []string{"checkpoints", "compare", "--public-key", newKey(t).Public(), first}},
		{exitFailed, "is beyond the end of the log", []string{"verify", "--chain", pub, "--checkpoint", w.forged(t, 1_000_000)}},
		{exitFailed, "is beyond the end of the log", []string{"checkpoints", "compare", pub, w.forged(t, 1_000_001)}},
		{exitFailed, "the log is not what was signed", []string{"verify", "--chain", pub, "--checkpoint", w.forged(t, 3)}},
		{exitFailed, "is not the begin of what was signed at r", []string{"checkpoints", "compare", pub, w.forged(t, 4)}},
	} {
		require.Contains(t, w.run(t, c.want, c.args...), c.said, "%v", c.args)
	}
	w.archives(t, second)
}

// archives verifies copies without a server: one as it is, and one whose maker changed a
// message and forged all of the archive's own chain anew.
func (w *witness) archives(t *testing.T, checkpoint string) {
	t.Helper()
	offline := []string{"verify", "--chain", "--offline", "--public-key", w.key.Public(), "--checkpoint", checkpoint, "--archive"}
	dir := filepath.Join(w.dir, "archive")
	w.run(t, exitOK, "archive", "--out", dir)
	code, stdout, stderr := roster(t.Context(), append(offline, dir)...)
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "chain: ROSTER is as it was signed up to r")
	require.Contains(t, w.run(t, exitOK, "verify", "--chain", "--archive", dir, "--public-key", w.key.Public()), "chain: ROSTER is as it was signed")
	require.Regexp(t, `"chain": \[\s*\{\s*"stream": "ROSTER",\s*"signed": "r\d+",\s*"checkpoints": [1-9]`,
		w.run(t, exitOK, "verify", "--chain", "--output", "json", "--archive", dir, "--public-key", w.key.Public()))

	forged := filepath.Join(w.dir, "forged")
	a, err := kept.Open(forged, time.Now)
	require.NoError(t, err)
	require.NoError(t, a.Of(w.Log.InstallationID()))
	to := a.Append(events.Roster)
	require.NoError(t, w.Log.Messages(t.Context(), events.Roster, 1, 0, func(m events.Stored) error {
		if m.Sequence == 2 {
			m.Data = append(m.Data, ' ')
		}
		return to.Add(m)
	}))
	require.NoError(t, to.Commit())
	require.NoError(t, a.Close())
	keys, err := os.ReadFile(filepath.Join(dir, "keys.ndjson"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(forged, "keys.ndjson"), keys, 0o600))
	code, stdout, stderr = roster(t.Context(), append(offline, forged)...)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stdout, "archive: whole", "in itself it is")
	require.Contains(t, stderr, "the log is not what was signed: the first position that differs is one from r1 to r")
}

// forged is a checkpoint of something else, by the right key.
func (w *witness) forged(t *testing.T, size uint64) string {
	t.Helper()
	c := evidence.Checkpoint{Installation: w.Log.InstallationID(), Stream: events.Roster, Size: size, Time: time.Now(), From: 1}
	require.NoError(t, c.Sign(w.key))
	path := filepath.Join(t.TempDir(), "forged.checkpoint")
	require.NoError(t, os.WriteFile(path, c.Text, 0o600))
	return path
}

func newKey(t *testing.T) *evidence.Key {
	t.Helper()
	secret, err := evidence.MakeKey(rand.Reader, "example.org")
	require.NoError(t, err)
	key, err := evidence.ParseKey(secret)
	require.NoError(t, err)
	return key
}
