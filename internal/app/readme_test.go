package app_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// block is a fenced block of a document, with the answer shown after it.
type block struct {
	commands string
	answer   string // of a ```json block that follows directly
}

var fence = regexp.MustCompile("(?ms)^```(sh|json)\n(.*?)^```")

func blocks(t *testing.T, file string) []block {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var out []block
	for _, m := range fence.FindAllStringSubmatch(string(text), -1) {
		switch {
		case m[1] == "sh":
			out = append(out, block{commands: m[2]})
		case len(out) > 0 && out[len(out)-1].answer == "":
			out[len(out)-1].answer = m[2]
		}
	}
	require.NotEmpty(t, out)
	return out
}

// TestReadmeCommandsWork does what a newcomer does: the first command starts the
// system, the others run against it, in one shell, in the order of the README.
func TestReadmeCommandsWork(t *testing.T) {
	t.Parallel()
	all := blocks(t, "../../README.md")
	require.Contains(t, all[0].commands, "make run ")
	require.Contains(t, all[0].commands, "make test ")

	dry := exec.Command("make", "-n", "test")
	dry.Dir = "../.."
	out, err := dry.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "go test", "it is what runs this test")

	cmd := exec.Command("make", "run")
	cmd.Dir = "../.."
	cmd.Env = environment("ROSTER_DATA_DIR=" + dataDir(t))
	r := launch(t, cmd).awaitReady(t)
	t.Cleanup(func() { // make hands the signal on, and then says that it was ended
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		_, said := r.fails(t)
		require.Contains(t, said, `"stopped"`)
	})

	token := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(token, nil, 0o600))
	for _, b := range all[1:] {
		answer := runBlock(t, r.url, token, b.commands)
		if b.answer != "" {
			require.Equal(t, members(t, b.answer), members(t, answer), "the answer shown under\n%s", b.commands)
		}
	}
}

// runBlock runs a block in bash; the token that it gets is kept in a file for
// the blocks after it.
func runBlock(t *testing.T, url, token, commands string) string {
	t.Helper()
	commands = strings.ReplaceAll(commands, "http://127.0.0.1:8080", url)
	commands = strings.ReplaceAll(commands, "curl -s ", "curl -sS --fail-with-body ")
	script := "set -euo pipefail\nTOKEN=$(cat " + token + ")\n" + commands + "\necho \"$TOKEN\" > " + token + "\n"
	cmd := exec.Command("bash", "-c", script)
	cmd.Dir = "../.."
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s\n%s", commands, out)
	return string(out)
}

// members lists the names of an object's members.
func members(t *testing.T, text string) []string {
	t.Helper()
	var object map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(text), &object), text)
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
