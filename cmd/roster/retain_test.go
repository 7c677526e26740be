package main

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	kept "github.com/rosterhq/roster/archive"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/app"
)

// recordAgain records what was recorded before.
func (i *installation) recordAgain(t *testing.T, token, id string) {
	t.Helper()
	answer := i.call(t, http.StatusOK, http.MethodPost, "/v1/activities", token,
		`[{"source":"tracker","id":"`+id+`","type":"ticket","action":"created","user":{"username":"grace"},"entity":{"id":"`+id+`"},"occurredAt":"2026-05-04T12:00:00Z"}]`)
	require.EqualValues(t, 1, answer["duplicates"], answer)
}

// TestOldActivitiesLeaveTheLog: what is archived may leave, and nothing else; feeds,
// positions and streams stay, nothing comes twice, and who would build on less than all
// is told. An archive brings all of it back.
func TestOldActivitiesLeaveTheLog(t *testing.T) {
	t.Parallel()
	old := startIn(t, newDir(t))
	dir := old.dir
	token := old.enter(t)
	old.register(t, token, "grace")
	for _, id := range []string{"T-1", "T-2", "T-3"} {
		old.record(t, token, id, "Ticket "+id)
	}
	require.Eventually(t, func() bool { return len(old.feed(t, token, "grace")) == 4 }, 20*time.Second, 20*time.Millisecond)
	out := filepath.Join(t.TempDir(), "archive")
	code, _, complained := old.roster(t, token, "archive", "--out", out)
	require.Zero(t, code, complained)
	archived, err := kept.Read(out)
	require.NoError(t, err)
	end := archived.Manifest().End(events.Activity).To
	old.record(t, token, "T-4", "Not archived yet")
	require.Eventually(t, func() bool { return len(old.feed(t, token, "grace")) == 5 }, 20*time.Second, 20*time.Millisecond)
	feed := old.feed(t, token, "grace")
	head := old.head(t, token, events.Activity).String()
	tailed := old.tail(t, token, "a0", head)
	code, _, complained = roster(t.Context(), "retain", "--archive", out, "--days", "30", "--data-dir", dir)
	require.Equal(t, exitFailed, code, "its server runs")
	require.Contains(t, complained, "nothing left the log that the archive lacks")
	old.stop(t)

	code, said, complained := roster(t.Context(), "retain", "--archive", out, "--data-dir", dir)
	require.Zero(t, code, complained)
	require.Contains(t, said, "nothing leaves the log")
	code, said, complained = roster(t.Context(), "retain", "--archive", out, "--days", "30", "--data-dir", dir)
	require.Zero(t, code, complained)
	require.Equal(t, "0 activities left the log, which begins with a1 now\n", said, "all of it is young")

	settings, err := offlineSettings("retain", dir)
	require.NoError(t, err)
	inAWhile := app.Retain{Settings: settings, Logger: zap.NewNop(), Archive: out, Before: time.Now().Add(time.Hour)}
	damaged := inAWhile
	damaged.Archive = filepath.Join(t.TempDir(), "damaged")
	require.NoError(t, os.CopyFS(damaged.Archive, os.DirFS(out)))
	segment := filepath.Join(damaged.Archive, filepath.FromSlash(archived.Manifest().End(events.Activity).File))
	whole, err := os.ReadFile(segment)
	require.NoError(t, err)
	whole[len(whole)/2] ^= 1
	require.NoError(t, os.WriteFile(segment, whole, 0o600))
	_, err = damaged.Run(t.Context())
	require.ErrorIs(t, err, kept.ErrDamaged)
	done, err := inAWhile.Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, app.Retained{Left: end, Begins: events.Position{Stream: events.Activity, Sequence: end + 1}}, done,
		"nothing left before, and what is not archived stays")
	done, err = inAWhile.Run(t.Context())
	require.NoError(t, err)
	require.Zero(t, done.Left)

	again := startIn(t, dir)
	require.Equal(t, feed, again.feed(t, token, "grace"))
	for _, id := range []string{"T-1", "T-3", "T-4"} {
		again.recordAgain(t, token, id)
	}
	require.Equal(t, head, again.head(t, token, events.Activity).String())
	require.Equal(t, tailed, again.tail(t, token, "a0", head), "streams go on from any position")
	code, said, complained = again.roster(t, token, "verify", "--archive", out, "--no-models")
	require.Zero(t, code, complained)
	require.Contains(t, said, "log: ACTIVITY begins at "+done.Begins.String()+"; what came before is in the archive alone")
	code, said, complained = again.roster(t, token, "rebuild", "activity", "--again")
	require.Equal(t, exitFailed, code, said)
	require.Contains(t, said+complained, "left it for an archive: restore that into an empty installation")
	require.Equal(t, feed, again.feed(t, token, "grace"), "what serves stays")
	code, _, complained = again.roster(t, token, "archive", "--out", out)
	require.Zero(t, code, complained)
	again.stop(t)

	fresh := newDir(t)
	putMasterKey(t, dir, fresh)
	code, _, complained = roster(t.Context(), "restore", "--archive", out, "--data-dir", fresh)
	require.Zero(t, code, complained)
	restored := startIn(t, fresh)
	require.Eventually(t, func() bool { return len(restored.feed(t, token, "grace")) == 5 }, 20*time.Second, 20*time.Millisecond)
	require.Equal(t, feed, restored.feed(t, token, "grace"))
	restored.recordAgain(t, token, "T-1")
}
