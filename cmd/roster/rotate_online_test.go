package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTheMasterKeyChangesWhileTheServerRuns, and people are registered all the while.
func TestTheMasterKeyChangesWhileTheServerRuns(t *testing.T) {
	t.Parallel()
	i := startIn(t, newDir(t))
	token := i.enter(t)
	for n := range 20 {
		i.register(t, token, fmt.Sprintf("before-%d", n))
	}
	path := filepath.Join(i.dir, "master.key")
	old, err := os.ReadFile(path)
	require.NoError(t, err)

	registered := make(chan int, 1)
	stop := make(chan struct{})
	go func() {
		n := 0
		for ; ; n++ {
			select {
			case <-stop:
				registered <- n
				return
			default:
				i.register(t, token, fmt.Sprintf("during-%d", n))
			}
		}
	}()
	code, said, complained := i.roster(t, token, "keys", "rotate", "--online")
	close(stop)
	during := <-registered
	require.Zero(t, code, complained)
	require.Regexp(t, `^wrapped [1-9]\d+ keys under master key [0-9a-f]{8}, destroyed [1-9]\d+ old copies\n$`, said)
	require.Positive(t, during)
	now, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NotEqual(t, old, now)
	require.NoFileExists(t, path+".next")
	i.register(t, token, "after")
	i.stop(t)

	require.NoError(t, os.WriteFile(path, old, 0o600))
	code, _, complained = roster(t.Context(), "keys", "rotate", "--data-dir", i.dir)
	require.Equal(t, exitFailed, code)
	require.Contains(t, complained, "wrong master key", "the old one opens nothing")
	require.NoError(t, os.WriteFile(path, now, 0o600))
	i = startIn(t, i.dir)
	code, said, complained = i.roster(t, token, "events", "--personal", "--type", "roster.user.registered.*", "--limit", "0", "--output", "json")
	require.Zero(t, code, complained)
	for _, name := range []string{"before-0", "before-19", "during-0", fmt.Sprintf("during-%d", during-1), "after"} {
		require.Equal(t, 1, strings.Count(said, `"`+name+`@example.com"`), name)
	}
}

func TestOnlyOwnersChangeTheMasterKey(t *testing.T) {
	t.Parallel()
	i := startIn(t, newDir(t))
	token := i.enter(t)
	i.register(t, token, "grace")
	path := filepath.Join(i.dir, "master.key")
	old, err := os.ReadFile(path)
	require.NoError(t, err)
	code, _, complained := i.roster(t, i.login(t, "grace"), "keys", "rotate", "--online")
	require.Equal(t, exitFailed, code)
	require.Contains(t, complained, "owners")
	i.call(t, http.StatusUnauthorized, http.MethodPost, "/v1/admin/master-key/rotate", "", "")
	now, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, old, now)
}
