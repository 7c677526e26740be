package export

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/rosterhq/roster/internal/durable"
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

// syncDirs makes the names of files survive a power cut.
func syncDirs(paths map[string]bool) error {
	for path := range paths {
		if err := durable.SyncDir(path); err != nil {
			return err
		}
	}
	return nil
}

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
