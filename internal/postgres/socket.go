package postgres

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// maxSocketPath is what fits in a sockaddr_un of every system, less a margin
// for PostgreSQL's lock file.
const maxSocketPath = 100

// socketDir returns a directory for the socket: run/ in the data directory, or
// one with a short name in the temporary directory where that is too long.
func socketDir(dir string, as account) (string, error) {
	run := filepath.Join(dir, "run")
	if len(run)+len("/.s.PGSQL.5432") <= maxSocketPath {
		return run, as.makeDir(run)
	}
	sum := sha256.Sum256([]byte(dir))
	short := filepath.Join("/tmp", "roster-pg-"+hex.EncodeToString(sum[:6]))
	if err := as.makeDir(short); err != nil {
		return "", err
	}
	// The temporary directory is everybody's: somebody else may have been there
	// first.
	info, err := os.Lstat(short)
	if err != nil {
		return "", fmt.Errorf("look at %s: %w", short, err)
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || info.Mode().Perm() != 0o700 || (ok && int(st.Uid) != as.uid) {
		return "", fmt.Errorf("%s, where PostgreSQL's socket would go, is not a directory of our own: remove it, or choose a data directory with a shorter path", short)
	}
	return short, nil
}
