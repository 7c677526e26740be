package export

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/durable"
)

// manifestFormat is the version of the export's form.
const manifestFormat = 1

const manifestName = "manifest.json"

// Manifest says what an export holds.
type Manifest struct {
	Format   int                      `json:"format"`
	Form     string                   `json:"form"` // ndjson, csv or parquet
	Personal bool                     `json:"personal"`
	Filters  map[string][]string      `json:"filters"`
	Reached  map[events.Stream]uint64 `json:"reached"` // the last sequence that was looked at
	Events   int64                    `json:"events"`
	Types    map[string]int64         `json:"types"`
	Files    []File                   `json:"files"`
}

// File describes one file.
type File struct {
	Path   string `json:"path"` // in the export's directory, with slashes
	Set    string `json:"set"`  // "events" or a type
	Day    string `json:"day"`
	Events int64  `json:"events"`
	First  string `json:"first"` // positions
	Last   string `json:"last"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// ErrOther says that the directory holds another export than was asked for.
var ErrOther = errors.New("the directory holds another export")

// load reads the manifest of a directory, or begins a new one.
func load(dir string, want Manifest) (*Manifest, error) {
	text, err := os.ReadFile(filepath.Join(dir, manifestName))
	if errors.Is(err, fs.ErrNotExist) {
		want.Format, want.Reached, want.Types, want.Files = manifestFormat, map[events.Stream]uint64{}, map[string]int64{}, []File{}
		return &want, nothingElse(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("read the export's manifest: %w", err)
	}
	var m Manifest
	if err := json.Unmarshal(text, &m); err != nil || m.Format != manifestFormat {
		return nil, fmt.Errorf("%s is no manifest that this release knows", filepath.Join(dir, manifestName))
	}
	same := func(a, b []string) bool { return slices.Equal(a, b) }
	if m.Form != want.Form || m.Personal != want.Personal || !maps.EqualFunc(m.Filters, want.Filters, same) {
		return nil, fmt.Errorf("%w: %s, personal %t, filters %v; give the same options or another directory", ErrOther, m.Form, m.Personal, m.Filters)
	}
	if m.Reached == nil {
		m.Reached = map[events.Stream]uint64{}
	}
	if m.Types == nil {
		m.Types = map[string]int64{}
	}
	return &m, nil
}

// nothingElse keeps an export from taking over, and clearing, a directory that
// somebody uses for something else.
func nothingElse(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("look into %s: %w", dir, err)
	}
	for _, e := range entries {
		if e.Name() != lockName && !isSet(e.Name()) {
			return fmt.Errorf("%w: %s holds %s, and no manifest; give an empty directory", ErrOther, dir, e.Name())
		}
	}
	return nil
}

func (m *Manifest) write(dir string) error {
	text, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return fmt.Errorf("encode the export's manifest: %w", err)
	}
	return durable.Replace(filepath.Join(dir, manifestName), append(text, '\n'))
}

// next is the number of the files of the next batch: higher than all there are.
func (m *Manifest) next() int {
	n := 0
	for _, f := range m.Files {
		var number int
		if _, err := fmt.Sscanf(filepath.Base(f.Path), "part-%d.", &number); err == nil {
			n = max(n, number)
		}
	}
	return n + 1
}
