// Command generate writes the catalogue of events from the code: a JSON Schema for
// each type and version, the AsyncAPI document of the streams, and docs/events.md.
//
// What was released stays as it was: generate refuses to write a schema that its
// readers would not bear, and says what to do instead.
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rosterhq/roster/catalogue/compatibility"
	"github.com/rosterhq/roster/events"
)

func main() {
	if err := run("../"); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "generate the catalogue of events:", err)
		os.Exit(1)
	}
}

// run writes everything; root is the directory of the repository.
func run(root string) error {
	files, err := generated(root)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := write(f.path, f.text); err != nil {
			return err
		}
	}
	return nil
}

// file is one that was made.
type file struct {
	path string
	text []byte
}

// generated makes all files. It fails when a released schema would change.
func generated(root string) ([]file, error) {
	source, err := readSource(filepath.Join(root, "events"))
	if err != nil {
		return nil, err
	}
	made, err := schemas(events.Released(), source, filepath.Join(root, "events", "testdata", "golden"))
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(root, "catalogue", "schemas")
	if err := refused(dir, made); err != nil {
		return nil, err
	}
	var files []file
	for _, s := range made {
		files = append(files, file{filepath.Join(dir, s.file()), s.text})
	}
	text, err := asyncAPI(made)
	if err != nil {
		return nil, err
	}
	return append(files,
		file{filepath.Join(root, "catalogue", "asyncapi.yaml"), text},
		file{filepath.Join(root, "docs", "events.md"), markdown(made)},
	), nil
}

// refused compares what was released with what the code says now.
func refused(dir string, made []schema) error {
	now := map[string][]byte{}
	for _, s := range made {
		now[s.file()] = s.text
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("read released schemas: %w", err)
	}
	var problems []error
	for _, f := range files {
		released, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			return fmt.Errorf("read released schema: %w", err)
		}
		for _, b := range compatibility.Check(strings.TrimSuffix(f.Name(), ".json"), released, now[f.Name()]) {
			problems = append(problems, b)
		}
	}
	return errors.Join(problems...)
}

func write(path string, text []byte) error {
	if old, err := os.ReadFile(path); err == nil && string(old) == string(text) {
		return nil
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil { //nolint:gosec // documents for everybody
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
