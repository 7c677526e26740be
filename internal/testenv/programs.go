package testenv

import (
	"context"
	"fmt"
	"os"
	"os/exec"
)

// Programs builds commands, named as for go build, into a directory that other users
// of the machine can read, too. It is for a TestMain, which removes the directory; what
// can not be built ends the test process.
func Programs(commands ...string) (dir string) {
	dir, err := os.MkdirTemp("", "roster-programs-")
	if err == nil {
		err = os.Chmod(dir, 0o755) //nolint:gosec // other users run the programs, too
	}
	if err == nil {
		var out []byte
		if out, err = exec.CommandContext(context.Background(), "go", append([]string{"build", "-o", dir}, commands...)...).CombinedOutput(); err != nil {
			err = fmt.Errorf("build: %w: %s", err, out)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return dir
}
