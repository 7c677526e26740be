package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/cmd/roster/internal/client"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

func writeUsers(t *testing.T, lines ...string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "users.ndjson")
	require.NoError(t, os.WriteFile(name, []byte(strings.Join(lines, "\n")), 0o600))
	return name
}

func numberedUsers(n int) []string {
	lines := make([]string, n)
	for i := range lines { // the highest first
		lines[i] = fmt.Sprintf(`{"number":%d,"username":"u%d","email":"u%d@example.com"}`, 10_000-i, i, i)
	}
	return lines
}

func TestMovingUsersIn(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	lines := numberedUsers(1500)
	for i := 0; i < len(lines); i += 10 { // more than a server lists of a batch
		lines[i] = `{"username":"owner"}`
	}
	lines[13], lines[17] = "", strings.Repeat("x", 200<<10)
	file, report := writeUsers(t, lines...), filepath.Join(t.TempDir(), "refused.ndjson")
	args := []string{"import", "users", "--server", s.URL, "--token", owner.Token, "--refused", report, file}
	code, stdout, stderr := roster(t.Context(), args...)
	require.Equal(t, exitFailed, code, "some were refused")
	require.Contains(t, stdout, "imported 1348 new, 0 unchanged, 151 refused in ", stderr)
	require.Contains(t, stderr, "refused "+file+":1: conflict: username: this username is already in use\n")
	require.Contains(t, stderr, "refused "+file+":18: too-large: the line is longer than 128 KiB\n")
	require.Contains(t, stderr, "refused 141 more; --refused FILE lists them all\n")
	raw, err := os.ReadFile(report)
	require.NoError(t, err)
	refused := strings.Split(strings.TrimSpace(string(raw)), "\n")
	require.Len(t, refused, 151)
	for i, want := range []int{1, 11, 18, 21} {
		var r client.RefusedLine
		require.NoError(t, json.Unmarshal([]byte(refused[i]), &r))
		require.Equal(t, want, r.Line)
	}
	u, err := s.Commands.Find(t.Context(), commands.UserRef{Username: "u1"})
	require.NoError(t, err)
	require.EqualValues(t, 9999, u.Number)

	head, err := s.Log.Head(t.Context(), events.Roster)
	require.NoError(t, err)
	_, stdout, _ = roster(t.Context(), args...)
	require.Contains(t, stdout, "imported 0 new, 1348 unchanged, 151 refused in ")
	after, err := s.Log.Head(t.Context(), events.Roster)
	require.NoError(t, err)
	require.Equal(t, head, after, "the second run wrote nothing")
}

// An import that is interrupted in its midst is run again and brings the rest.
func TestMovingInGoesOnAfterAnInterruption(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	target, err := url.Parse(s.URL)
	require.NoError(t, err)
	proxy := httputil.NewSingleHostReverseProxy(target)
	var calls atomic.Int64
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && calls.Add(1) == 2 {
			interrupt()
		}
		proxy.ServeHTTP(w, r)
	}))
	defer front.Close()
	file := writeUsers(t, numberedUsers(6000)...)
	code, stdout, stderr := roster(ctx, "import", "users", "--server", front.URL, "--token", owner.Token, file)
	require.Equal(t, exitInterrupted, code, stderr)
	require.Contains(t, stderr, "interrupted: run the same command again")
	var first, unchanged, rest int
	_, err = fmt.Sscanf(stdout, "imported %d new, %d unchanged", &first, &unchanged)
	require.NoError(t, err)
	require.Less(t, first, 6000)
	require.Positive(t, first)
	_, stdout, _ = roster(t.Context(), "import", "users", "--server", s.URL, "--token", owner.Token, file)
	_, err = fmt.Sscanf(stdout, "imported %d new, %d unchanged", &rest, &unchanged)
	require.NoError(t, err)
	require.Equal(t, 6000, first+rest)
	require.Equal(t, first, unchanged)
}

func TestMovingInCanNotBegin(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	admin := s.FirstUser().NewUser("admin", "user-admin")
	file := writeUsers(t, numberedUsers(3)...)
	code, stdout, stderr := roster(t.Context(), "import", "users", "--server", s.URL, "--token", admin.Token, file)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "it takes an owner")
	require.Contains(t, stdout, "imported 0 new, 0 unchanged, 0 refused")
	code, _, stderr = roster(t.Context(), "import", "users", "--server", s.URL, "--token", admin.Token, file+"x")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "open users: ")
}
