package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)\n```")

// commandsOf lists the commands that a page shows, in order, with paths and names of
// the page replaced by those of the test.
func commandsOf(t *testing.T, page string, replace ...string) []string {
	t.Helper()
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	var out []string
	for _, block := range shellBlock.FindAllStringSubmatch(string(text), -1) {
		joined := strings.ReplaceAll(block[1], "\\\n", "")
		out = append(out, strings.Split(strings.NewReplacer(replace...).Replace(joined), "\n")...)
	}
	require.NotEmpty(t, out)
	return out
}

// TestTheOperationsPageIsFollowed runs every command on back-ups of the page, in its
// order, up to the start of a server on what was restored.
func TestTheOperationsPageIsFollowed(t *testing.T) {
	t.Parallel()
	old, fresh, backup := startIn(t, newDir(t)), newDir(t), t.TempDir()
	token := old.enter(t)
	old.register(t, token, "grace")
	old.register(t, token, "alan")
	for _, command := range commandsOf(t, "../../docs/operations.md",
		"/backup-keys/roster.ndjson", filepath.Join(backup, "keys"), "/backup/roster", filepath.Join(backup, "archive"),
		"/safe/master.key", filepath.Join(old.dir, "master.key"), "/new/roster", fresh) {
		switch words := strings.Fields(command); {
		case words[0] == "roster":
			code, said, complained := old.roster(t, token, words[1:]...)
			require.Zero(t, code, "%s\n%s%s", command, said, complained)
			require.NotContains(t, said, "DIFFERS")
		case words[len(words)-1] == "bin/api":
			require.Equal(t, "ROSTER_DATA_DIR="+fresh, words[0])
			old.stop(t)
			startIn(t, fresh).login(t, "grace")
			return
		default:
			shell := exec.CommandContext(t.Context(), "bash", "-euc", strings.Replace(command, "curl -s ", "curl -sS --fail-with-body ", 1))
			shell.Env = append(os.Environ(), "ROSTER_SERVER="+old.api.URL(), "ROSTER_TOKEN="+token)
			out, err := shell.CombinedOutput()
			require.NoError(t, err, "%s\n%s", command, out)
		}
	}
	require.Fail(t, "the page does not end with a server that starts on what was restored")
}
