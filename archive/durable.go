package archive

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Archives are for their operator alone: claims and times are in clear.
const (
	fileMode = 0o600
	dirMode  = 0o700
)

// replace writes a file that is whole or as it was, also after a power cut.
func replace(path string, text []byte) error {
	f, err := create(path)
	if err != nil {
		return err
	}
	if _, err := f.Write(text); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), f.drop())
	}
	return f.commit()
}

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

func (d *draft) commit() error {
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("write %s: %w", d.path, err)
	}
	if err := os.Rename(d.Name(), d.path); err != nil {
		return fmt.Errorf("put %s in place: %w", d.path, err)
	}
	return syncDir(filepath.Dir(d.path))
}

func (d *draft) drop() error {
	return errors.Join(d.Close(), os.Remove(d.Name()))
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("sync %s: %w", path, err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync %s: %w", path, err)
	}
	return nil
}
