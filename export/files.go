package export

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

const (
	fileMode = 0o600
	dirMode  = 0o700
	lockName = "lock"
)

var (
	setForm  = regexp.MustCompile(`^roster(\.[a-z0-9]+(-[a-z0-9]+)*)+$`)
	dayForm  = regexp.MustCompile(`^day=\d{4}-\d\d-\d\d$`)
	partForm = regexp.MustCompile(`^part-\d{6,}\.(ndjson|csv|parquet)(\.new)?$`)
)

func isSet(name string) bool { return name == envelopeSet || setForm.MatchString(name) }

// draft is a file that gets its name when it is whole.
type draft struct {
	*os.File
	path string
}

func create(path string) (*draft, error) {
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, fileMode)
	if err != nil {
		return nil, fmt.Errorf("make %s: %w", path, err)
	}
	return &draft{File: f, path: path}, nil
}

// commit gives the file its name. The directory is the caller's to sync.
func (d *draft) commit() error {
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("write %s: %w", d.path, err)
	}
	if err := os.Rename(d.Name(), d.path); err != nil {
		return fmt.Errorf("put %s in place: %w", d.path, err)
	}
	return nil
}

// syncDirs makes the names of files survive a power cut.
func syncDirs(paths map[string]bool) error {
	for path := range paths {
		d, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("sync %s: %w", path, err)
		}
		if err := errors.Join(d.Sync(), d.Close()); err != nil {
			return fmt.Errorf("sync %s: %w", path, err)
		}
	}
	return nil
}

func (d *draft) drop() error { return errors.Join(d.Close(), os.Remove(d.Name())) }

// sweep removes files of batches that were never finished. It touches nothing but
// files of its own form.
func sweep(dir string, m *Manifest) error {
	known := make(map[string]bool, len(m.Files))
	for _, f := range m.Files {
		known[filepath.Join(dir, filepath.FromSlash(f.Path))] = true
	}
	found, err := filepath.Glob(filepath.Join(dir, "*", "day=*", "part-*"))
	if err != nil {
		return fmt.Errorf("look for unfinished files: %w", err)
	}
	for _, path := range found {
		day := filepath.Base(filepath.Dir(path))
		set := filepath.Base(filepath.Dir(filepath.Dir(path)))
		if known[path] || !isSet(set) || !dayForm.MatchString(day) || !partForm.MatchString(filepath.Base(path)) {
			continue
		}
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("remove an unfinished file: %w", err)
		}
	}
	return nil
}
