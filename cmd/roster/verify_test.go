package main

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// TestVerifyTellsWhichOfTheThreeIsDamaged damages a read model, the archive and the log,
// one after the other.
func TestVerifyTellsWhichOfTheThreeIsDamaged(t *testing.T) {
	t.Parallel()
	i := startIn(t, newDir(t))
	token := i.enter(t)
	i.register(t, token, "grace")
	i.register(t, token, "linus")
	id := i.call(t, http.StatusOK, http.MethodGet, "/v1/users/grace", token, "")["id"].(string)
	newest := i.call(t, http.StatusOK, http.MethodGet, "/v1/users/grace/history?limit=1", token, "")["items"].([]any)
	last := newest[0].(map[string]any)["position"].(string)
	kept := filepath.Join(t.TempDir(), "archive")
	code, _, complained := i.roster(t, token, "archive", "--out", kept)
	require.Zero(t, code, complained)
	verify := func(want int, args ...string) string {
		t.Helper()
		code, said, complained := i.roster(t, token, append([]string{"verify"}, args...)...)
		require.Equal(t, want, code, "%s%s", said, complained)
		return said + complained
	}
	whole := verify(exitOK, "--archive", kept)
	require.Contains(t, whole, "archive: whole")
	require.Contains(t, whole, "log: ROSTER is as archived")
	require.Regexp(t, `read model users_v\d+: as the log says at r\d+`, whole)
	require.NotContains(t, whole, "DIFFERS")

	damage := func(change string) {
		t.Helper()
		db, err := pgx.Connect(t.Context(), "user=roster dbname=roster host="+filepath.Join(i.dir, "postgresql", "run"))
		require.NoError(t, err)
		defer func() { require.NoError(t, db.Close(context.WithoutCancel(t.Context()))) }()
		var schema string
		require.NoError(t, db.QueryRow(t.Context(),
			`select table_schema from information_schema.columns where table_name = 'users' and column_name = 'name'`).Scan(&schema))
		_, err = db.Exec(t.Context(), "set search_path = "+pgx.Identifier{schema}.Sanitize())
		require.NoError(t, err)
		changed, err := db.Exec(t.Context(), change, id)
		require.NoError(t, err)
		require.EqualValues(t, 1, changed.RowsAffected())
	}
	damage(`update users set name = 'Somebody' where id = $1`)
	differs := verify(exitFailed, "--archive", kept)
	require.Contains(t, differs, "log: ROSTER is as archived")
	require.Regexp(t, `read model users_v\d+: DIFFERS from the log at r\d+\n  users: 0 rows missing, 0 too many, 1 different\n    \S+ .*`+id, differs)
	require.Contains(t, differs, "1 read models differ from the log; build them anew: roster rebuild NAME --again")
	code, document, _ := i.roster(t, token, "verify", "--model", "users", "--output", "json")
	require.Equal(t, exitFailed, code)
	require.Regexp(t, `^\{\s*"models": \[\s*\{\s*"projection": "users_v\d+",\s*"position": "r\d+",\s*"equal": false,`, document)
	damage(`delete from users where id = $1`)
	require.Regexp(t, `users: 1 rows missing, 0 too many, 0 different\n    \S+ .*`+id, verify(exitFailed, "--model", "users"))
	require.Contains(t, verify(exitOK, "--archive", kept, "--no-models"), "log: ROSTER is as archived", "the others are whole")

	i.stop(t)
	blocks, err := filepath.Glob(filepath.Join(i.dir, "nats", "jetstream", "*", "streams", "ROSTER", "msgs", "*.blk"))
	require.NoError(t, err)
	require.Len(t, blocks, 1)
	text, err := os.ReadFile(blocks[0])
	require.NoError(t, err)
	at := bytes.LastIndex(text, []byte("roster.user."+id))
	require.Positive(t, at)
	text[at+len("roster.user.")+len(id)+40] ^= 1
	require.NoError(t, os.WriteFile(blocks[0], text, 0o600))
	i = startIn(t, i.dir)
	require.Contains(t, verify(exitFailed, "--archive", kept, "--no-models"),
		"archive and log differ at "+last+": the archive has a message, the log none")
}
