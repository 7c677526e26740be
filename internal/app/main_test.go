package app_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rosterhq/roster/internal/testenv"
)

// programs is where TestMain built the binaries.
var programs string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "roster-app-test-")
	if err == nil {
		err = os.Chmod(dir, 0o755) // other users run the programs, too
	}
	if err == nil {
		programs = dir
		var out []byte
		out, err = exec.Command("go", "build", "-o", dir, "../../cmd/api", "../../cmd/projector").CombinedOutput()
		if err != nil {
			err = fmt.Errorf("build: %w: %s", err, out)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	testenv.Main(m, func() { _ = os.RemoveAll(dir) })
}

func program(name string) string { return filepath.Join(programs, name) }
