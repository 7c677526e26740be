package roster_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestGuidesAreFollowed does what the guides for developers say, one after the other,
// in a copy of the tree: writes their files, makes their changes, runs their commands.
func TestGuidesAreFollowed(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("compiles half of the tree")
	}
	copied := copyTree(t)
	for _, guide := range []string{"add-an-event", "add-a-command", "add-a-read-model"} {
		follow(t, copied, filepath.Join("docs", "guides", guide+".md"))
	}
}

// copyTree copies what the go command reads.
func copyTree(t *testing.T) string {
	t.Helper()
	to := t.TempDir()
	require.NoError(t, os.Chmod(to, 0o755)) // #nosec G302 -- PostgreSQL may run as another user
	kept := regexp.MustCompile(`\.(go|sql|json|yaml|yml|html|css|js|md|mod|sum|txt|tmpl)$`)
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if path != "." && strings.HasPrefix(d.Name(), ".") || path == "bin" {
				return filepath.SkipDir
			}
			return os.MkdirAll(filepath.Join(to, path), 0o755) // #nosec G301 -- as above
		}
		if !kept.MatchString(path) || !d.Type().IsRegular() {
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, path), content, 0o600)
	})
	require.NoError(t, err)
	return to
}

var codeBlock = regexp.MustCompile("(?ms)^```(go|sql|diff|sh)\n(.*?)^```$")

// follow does what one guide says.
func follow(t *testing.T, dir, guide string) {
	t.Helper()
	text, err := os.ReadFile(guide)
	require.NoError(t, err)
	blocks := codeBlock.FindAllStringSubmatch(string(text), -1)
	require.NotEmpty(t, blocks, guide)
	for _, block := range blocks {
		language, body := block[1], block[2]
		first, rest, _ := strings.Cut(body, "\n")
		switch language {
		case "sh":
			runIn(t, dir, body)
		case "diff":
			change(t, filepath.Join(dir, strings.TrimPrefix(first, "--- ")), rest)
		default:
			path := filepath.Join(dir, first[3:]) // behind "// " or "-- "
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
			require.NoError(t, os.WriteFile(path, []byte(rest), 0o600))
		}
	}
}

// change replaces the lines of a difference, which must be there exactly once.
func change(t *testing.T, path, difference string) {
	t.Helper()
	var before, after []string
	for line := range strings.Lines(difference) {
		mark, text := line[0], strings.TrimSuffix(line[1:], "\n")
		if mark != '+' {
			before = append(before, text)
		}
		if mark != '-' {
			after = append(after, text)
		}
	}
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	old := strings.Join(before, "\n")
	require.Equal(t, 1, strings.Count(string(content), old), "%s has not exactly one\n%s", path, old)
	changed := strings.Replace(string(content), old, strings.Join(after, "\n"), 1)
	require.NoError(t, os.WriteFile(path, []byte(changed), 0o600))
}

func runIn(t *testing.T, dir, script string) {
	t.Helper()
	shell := exec.CommandContext(t.Context(), "sh", "-e", "-c", script)
	shell.Dir = dir
	// Without paths in what is compiled, what this tree has compiled is taken from the cache.
	shell.Env = append(os.Environ(), "GOFLAGS=-trimpath", "GOPROXY=off", "GOWORK=off")
	out, err := shell.CombinedOutput()
	require.NoError(t, err, "%s\n%s", script, out)
	t.Logf("%s%s", script, out)
}
