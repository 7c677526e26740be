package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

// dataDir is the directory of the embedded parts:
//
//	lock         held by the one process that uses it
//	master.key   wraps all data keys; without it the log can not be read
//	nats.url     address and credentials of the NATS listener, while it listens
//	nats/        the streams
//	postgresql/  the private PostgreSQL
type dataDir struct {
	path string
	lock *flock.Flock
}

func (d *dataDir) join(name string) string { return filepath.Join(d.path, name) }

// openDataDir makes the directory if need be and takes its lock.
func openDataDir(path string) (*dataDir, error) {
	mode := os.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711 // PostgreSQL's unprivileged user must pass through
	}
	if err := os.MkdirAll(path, mode); err != nil {
		return nil, unusable(path, err)
	}
	d := &dataDir{path: path, lock: flock.New(filepath.Join(path, "lock"), flock.SetPermissions(0o600))}
	held, err := d.lock.TryLock()
	if err != nil {
		return nil, unusable(path, err)
	}
	if !held {
		return nil, fmt.Errorf("another Roster%s runs on the data directory %s: stop it, or give this one a directory of its own with ROSTER_DATA_DIR", d.holder(), path)
	}
	if err := os.WriteFile(d.join("lock"), fmt.Appendf(nil, "%d\n", os.Getpid()), 0o600); err != nil {
		return nil, errors.Join(unusable(path, err), d.close())
	}
	return d, nil
}

func unusable(path string, err error) error {
	return fmt.Errorf("the data directory %s can not be used (%w): make it writable for this user, or choose another with ROSTER_DATA_DIR", path, err)
}

// holder names the process that holds the lock, as far as it is known.
func (d *dataDir) holder() string {
	text, err := os.ReadFile(d.join("lock"))
	if pid := strings.TrimSpace(string(text)); err == nil && pid != "" {
		return " (process " + pid + ")"
	}
	return ""
}

func (d *dataDir) close() error {
	if err := d.lock.Close(); err != nil {
		return fmt.Errorf("release the data directory: %w", err)
	}
	return nil
}

// exists says whether a file is there.
func exists(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for %s: %w", path, err)
	}
	return true, nil
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove %s: %w", path, err)
	}
	return nil
}
