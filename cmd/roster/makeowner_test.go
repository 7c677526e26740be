package main

import (
	"bytes"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMakeOwnerOfALockedOutInstallation: nobody knows the owner's password, and who is
// to follow was suspended.
func TestMakeOwnerOfALockedOutInstallation(t *testing.T) {
	t.Parallel()
	i := startIn(t, newDir(t))
	token := i.enter(t)
	i.register(t, token, "grace")
	i.call(t, http.StatusOK, http.MethodPost, "/v1/users/grace/suspend", token, "")
	code, _, complained := roster(t.Context(), "make-owner", "grace", "--data-dir", i.dir)
	require.Equal(t, exitFailed, code)
	require.Contains(t, complained, "another Roster", "the server runs")
	i.stop(t)

	code, _, complained = roster(t.Context(), "make-owner", "nobody", "--data-dir", i.dir)
	require.Equal(t, exitFailed, code)
	require.Contains(t, complained, "make nobody an owner: there is no such user")
	const password = "compilers-1952-cobol"
	promote := func(user, stdin string) (int, string, string) {
		var out, err bytes.Buffer
		args := []string{"make-owner", user, "--data-dir", i.dir, "--with-password"}
		code := run(t.Context(), args, outputs{out: &out, err: &err, in: strings.NewReader(stdin)})
		return code, out.String(), err.String()
	}
	code, _, complained = promote("grace", "\n")
	require.Equal(t, exitUsage, code)
	require.Contains(t, complained, "no password")
	code, _, complained = promote("grace", strings.Repeat("a", 2000)+"\n")
	require.Equal(t, exitFailed, code)
	require.Contains(t, complained, "set the password")
	code, said, complained := promote("Grace@example.com", password+"\n")
	require.Zero(t, code, complained)
	require.Regexp(t, `^grace \(.+\) is an owner now\n$`, said)
	require.NotContains(t, said+complained, password)
	code, said, complained = roster(t.Context(), "make-owner", "grace", "--data-dir", i.dir)
	require.Zero(t, code, complained)
	require.Regexp(t, `^grace \(.+\) was an owner already\n$`, said)

	again := startIn(t, i.dir)
	entered := again.call(t, http.StatusCreated, http.MethodPost, "/api/v2/users/login", "",
		`{"email":"grace@example.com","password":"`+password+`"}`)["session_token"].(string)
	me := again.call(t, http.StatusOK, http.MethodGet, "/v1/users/me", entered, "")
	require.Equal(t, "active", me["status"])
	require.Contains(t, me["roles"], "owner")
	again.call(t, http.StatusOK, http.MethodPost, "/v1/users/ada/suspend", entered, "")
}

func TestMakeOwnerMakesNoInstallation(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	code, _, complained := roster(t.Context(), "make-owner", "ada", "--data-dir", dir)
	require.Equal(t, exitFailed, code)
	require.Contains(t, complained, "there is no master.key in "+dir)
	require.NoError(t, os.WriteFile(dir+"/master.key", []byte(strings.Repeat("ab", 32)+"\n"), 0o600))
	code, _, complained = roster(t.Context(), "make-owner", "ada", "--data-dir", dir)
	require.Equal(t, exitFailed, code)
	require.Contains(t, complained, "there is no installation")
	require.NoDirExists(t, dir+"/nats/jetstream/$G/streams/ROSTER")
}
