package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// superuser is the only role of the private server.
const superuser = "roster"

// clusterMajor returns the major version of the cluster in dir, 0 when there is
// none.
func clusterMajor(dir string) (int, error) {
	path := filepath.Join(dir, "PG_VERSION")
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", path, err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("%s holds %q, which is no version of PostgreSQL: %w", path, text, err)
	}
	return major, nil
}

// initialize makes a cluster beside its place and renames it, so that a killed
// initdb leaves nothing that looks like a cluster.
func initialize(ctx context.Context, b binaries, as account, dir string, fsync bool) error {
	half := dir + ".init"
	var err error
	// C.UTF-8 sorts by code point and knows upper and lower case; systems
	// without it get C.
	for _, locale := range []string{"C.UTF-8", "C"} {
		if err := os.RemoveAll(half); err != nil {
			return fmt.Errorf("remove the half-made cluster: %w", err)
		}
		if err := as.makeDir(half); err != nil {
			return err
		}
		args := []string{"-D", half, "-U", superuser, "-A", "trust", "-E", "UTF8", "--locale=" + locale, "--no-instructions"}
		if !fsync {
			args = append(args, "--no-sync")
		}
		if err = runChild(ctx, b.path("initdb"), args, as, filepath.Dir(dir)); err == nil {
			break
		}
		if !strings.Contains(err.Error(), "locale") {
			return err
		}
	}
	if err != nil {
		return err
	}
	if err := os.Rename(half, dir); err != nil {
		return fmt.Errorf("put the new cluster in place: %w", err)
	}
	return nil
}

// runChild runs a program to its end; it dies with this process.
func runChild(ctx context.Context, program string, args []string, as account, dir string) error {
	// The death signal is bound to the thread that starts the child.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = dir, childEnv()
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = childAttributes(as, deathKill)
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(program), err, lastLines(out.String(), 5))
	}
	return nil
}

// childEnv is this process's environment without what would steer PostgreSQL.
func childEnv() []string {
	var env []string
	for _, kv := range os.Environ() {
		if strings.HasPrefix(kv, "PG") || strings.HasPrefix(kv, "LC_") || strings.HasPrefix(kv, "LANG") ||
			strings.HasPrefix(kv, "ROSTER_") || strings.HasPrefix(kv, "DATABASE_URL=") {
			continue
		}
		env = append(env, kv)
	}
	return append(env, "LC_ALL=C", "TZ=UTC")
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "; ")
}
