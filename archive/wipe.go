package archive

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// wiping holds on to a file that is about to be replaced, so that what it held can be
// overwritten when nothing is called by its name any more.
type wiping struct{ file *os.File }

// toWipe opens the file that a path names now; there may be none.
func toWipe(path string) (*wiping, error) {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return &wiping{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return &wiping{file: f}, nil
}

// keep leaves the file as it is.
func (w *wiping) keep() error {
	if w.file == nil {
		return nil
	}
	return w.file.Close()
}

// wipe overwrites the file with zeros. Disks and file systems that write elsewhere
// than where they are told keep the old bytes for as long as they do.
func (w *wiping) wipe() error {
	if w.file == nil {
		return nil
	}
	info, err := w.file.Stat()
	if err == nil {
		_, err = io.CopyN(w.file, zeros{}, info.Size())
	}
	if err == nil {
		err = w.file.Sync()
	}
	if err := errors.Join(err, w.file.Close()); err != nil {
		return fmt.Errorf("overwrite the old %s: %w", w.file.Name(), err)
	}
	return nil
}

// zeros is an endless reader of zeros.
type zeros struct{}

// Read implements io.Reader.
func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
