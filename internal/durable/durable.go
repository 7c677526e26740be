// Package durable writes files that are whole or not there, also after a power cut.
// They are private to their owner: mode 0600.
package durable

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

const fileMode = 0o600

// Draft is a file that gets its name when it is whole. Until then it has the name
// with ".new" behind it.
type Draft struct {
	*os.File
	path string
}

// Create begins a file, in place of an earlier draft of the same name.
func Create(path string) (*Draft, error) {
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, fileMode)
	if err != nil {
		return nil, fmt.Errorf("make %s: %w", path, err)
	}
	return &Draft{File: f, path: path}, nil
}

// Commit gives the file its name, in place of the one that has it. The name survives
// a power cut once the directory is synced (SyncDir).
func (d *Draft) Commit() error {
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("write %s: %w", d.path, err)
	}
	if err := os.Rename(d.Name(), d.path); err != nil {
		return fmt.Errorf("put %s in place: %w", d.path, err)
	}
	return nil
}

// Drop ends a draft and leaves nothing of it.
func (d *Draft) Drop() error { return errors.Join(d.Close(), os.Remove(d.Name())) }

// SyncDir makes the names in a directory survive a power cut.
func SyncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("sync %s: %w", path, err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync %s: %w", path, err)
	}
	return nil
}

// Replace writes a whole file, which survives a power cut once it returns.
func Replace(path string, data []byte) error {
	d, err := Create(path)
	if err != nil {
		return err
	}
	if _, err := d.Write(data); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), d.Drop())
	}
	if err := d.Commit(); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(path))
}
