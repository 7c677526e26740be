package archive

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/rosterhq/roster/events"
)

// Archives are for their operator alone: claims and times are in clear.
const (
	fileMode = 0o600
	dirMode  = 0o700
)

// Errors of writing.
var (
	// ErrOther says that the archive is of another installation.
	ErrOther = errors.New("the archive is of another installation")
	// ErrBroken says that the log does not go on where the archive ends.
	ErrBroken = errors.New("the log does not continue the archive")
)

// Archive is a directory that one process writes to.
type Archive struct {
	dir      string
	lock     *flock.Flock
	clock    func() time.Time
	manifest Manifest
}

// Open opens an archive for writing, and makes it if need be. One process at a
// time can have it open.
func Open(dir string, clock func() time.Time) (*Archive, error) {
	if err := os.MkdirAll(filepath.Join(dir, segmentsName), dirMode); err != nil {
		return nil, fmt.Errorf("open archive: %w", err)
	}
	a := &Archive{dir: dir, clock: clock, lock: flock.New(filepath.Join(dir, "lock"), flock.SetPermissions(fileMode))}
	held, err := a.lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("open archive: %w", err)
	}
	if !held {
		return nil, fmt.Errorf("open archive: another process writes to %s", dir)
	}
	m, err := readManifest(dir)
	switch {
	case err != nil:
		return nil, errors.Join(fmt.Errorf("open archive: %w", err), a.Close())
	case m != nil:
		a.manifest = *m
	default:
		a.manifest.Format = Format
		if err := nothingThere(dir); err != nil {
			return nil, errors.Join(err, a.Close())
		}
	}
	return a, nil
}

// nothingThere refuses to begin anew beside segments whose manifest is gone.
func nothingThere(dir string) error {
	entries, err := os.ReadDir(filepath.Join(dir, segmentsName))
	if err != nil {
		return fmt.Errorf("open archive: %w", err)
	}
	for _, e := range entries {
		if filepath.Ext(e.Name()) == ".zst" {
			return fmt.Errorf("open archive: %w", damaged(manifestName, "is gone, but %s has segments", filepath.Join(dir, segmentsName)))
		}
	}
	return nil
}

// Close lets others write.
func (a *Archive) Close() error {
	if err := a.lock.Close(); err != nil {
		return fmt.Errorf("close archive: %w", err)
	}
	return nil
}

// Manifest says what is there.
func (a *Archive) Manifest() *Manifest {
	m := a.manifest
	return &m
}

// Of says whose log is archived; a new archive becomes that installation's.
func (a *Archive) Of(installation string) error {
	if a.manifest.Installation == "" {
		a.manifest.Installation = installation
	}
	if a.manifest.Installation != installation {
		return fmt.Errorf("%w: %s, not %s", ErrOther, a.manifest.Installation, installation)
	}
	return nil
}

// Next says from where the log is read for a stream: from the last message on
// that is archived, which shows that it is still the same log.
func (a *Archive) Next(stream events.Stream) uint64 {
	return max(a.manifest.End(stream).To, 1)
}

// exists says whether a file is there.
func exists(path string) (bool, error) {
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
