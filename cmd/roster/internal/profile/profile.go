// Package profile keeps servers and the tokens for them in one file of the person
// who uses the command line. The file is readable by its owner alone, and refused
// otherwise: whoever reads a token can do all that its user may.
package profile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Default is the name of the profile that is used when none is named.
const Default = "default"

// Profile is one server, and who one is there.
type Profile struct {
	Server string `json:"server"`
	Token  string `json:"token"`
}

// File is all profiles of a person.
type File struct {
	path     string
	Profiles map[string]Profile `json:"profiles"`
}

// Path returns where the file lies by default: roster/profiles.json in the
// person's directory of settings.
func Path() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("find the directory of settings: %w", err)
	}
	return filepath.Join(dir, "roster", "profiles.json"), nil
}

// ErrReadable says that others than its owner can read or change the file.
var ErrReadable = errors.New("others can read it")

// Read reads the file; one that is not there has no profiles. It fails with
// ErrReadable when others could read it. No error repeats what is in it.
func Read(path string) (*File, error) {
	f := &File{path: path, Profiles: map[string]Profile{}}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read profiles: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	info, err := file.Stat()            // of what was opened, not of what lies there now
	if err != nil {
		return nil, fmt.Errorf("read profiles: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("profiles in %s: %w", path, ErrReadable)
	}
	if err := json.NewDecoder(file).Decode(f); err != nil {
		return nil, fmt.Errorf("profiles in %s: not the JSON that roster login writes", path)
	}
	if f.Profiles == nil {
		f.Profiles = map[string]Profile{}
	}
	return f, nil
}

// Names lists the profiles.
func (f *File) Names() []string {
	names := make([]string, 0, len(f.Profiles))
	for name := range f.Profiles {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Write replaces the file as a whole, so that no reader sees half of it.
func (f *File) Write() error {
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return fmt.Errorf("write profiles: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(f.path), 0o700); err != nil {
		return fmt.Errorf("write profiles: %w", err)
	}
	// CreateTemp makes files that their owner alone can read.
	file, err := os.CreateTemp(filepath.Dir(f.path), ".profiles-*")
	if err != nil {
		return fmt.Errorf("write profiles: %w", err)
	}
	_, err = file.Write(append(text, '\n'))
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), f.path)
	}
	if err != nil {
		_ = os.Remove(file.Name())
		return fmt.Errorf("write profiles: %w", err)
	}
	return nil
}
