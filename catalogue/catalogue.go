// Package catalogue shows every event type and version that Roster ever wrote: its
// JSON Schema, an example, and the AsyncAPI document of the streams. All of it is
// made from the code of package events by `go generate`, and embedded.
package catalogue

import (
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"strconv"

	"github.com/rosterhq/roster/events"
)

//go:generate go run ./internal/generate

//go:embed schemas
var files embed.FS

//go:embed asyncapi.yaml
var asyncAPI []byte

// Entry is one type and version.
type Entry struct {
	Type        events.Type
	Current     events.Type // the newest version of this type
	Version     int
	Stream      events.Stream
	Description string
	Members     []Member        // of the public part
	Sealed      []Member        // of the sealed part; none: there is no such part
	Example     json.RawMessage // the body as the log holds it
	Opened      json.RawMessage // the sealed part of the example, opened; nil when there is none
	Schema      []byte          // JSON Schema 2020-12
}

// Kind is the kind of aggregate that the type is about: "user".
func (e Entry) Kind() string { return kindAndVersion.FindStringSubmatch(string(e.Type))[1] }

// Old says that a newer version is written today.
func (e Entry) Old() bool { return e.Type != e.Current }

// Member is a member of a body.
type Member struct {
	Name        string
	Type        string // as people say it: "time", "list of text"
	Required    bool
	Secret      bool // else, in the sealed part, personal
	Values      []string
	Description string
}

// Catalogue is all of them. It is safe for concurrent use.
type Catalogue struct {
	entries []Entry
	byType  map[events.Type]int
}

// New reads what is embedded. It fails for a build whose generated files are stale.
func New() (*Catalogue, error) {
	released := events.Released()
	c := &Catalogue{byType: map[events.Type]int{}}
	for _, t := range released.Types() {
		text, err := files.ReadFile(path.Join("schemas", string(t)+".json"))
		if err != nil {
			return nil, fmt.Errorf("the catalogue lacks %s: run go generate ./catalogue: %w", t, err)
		}
		e, err := Read(t, text)
		if err != nil {
			return nil, err
		}
		e.Current, _ = released.Current(t)
		c.byType[t] = len(c.entries)
		c.entries = append(c.entries, e)
	}
	return c, nil
}

// Entries lists all types and versions, in order of name.
func (c *Catalogue) Entries() []Entry { return c.entries }

// Find returns a type by its full name with the version.
func (c *Catalogue) Find(t events.Type) (Entry, bool) {
	i, ok := c.byType[t]
	if !ok {
		return Entry{}, false
	}
	return c.entries[i], true
}

// AsyncAPI is the AsyncAPI 3 document of the streams, in YAML.
func AsyncAPI() []byte { return asyncAPI }

var kindAndVersion = regexp.MustCompile(`^roster\.([a-z]+)\.[a-z-]+\.v(\d+)$`)

// Read makes an entry of a schema. Current is left to the caller.
func Read(t events.Type, text []byte) (Entry, error) {
	var s document
	if err := json.Unmarshal(text, &s); err != nil {
		return Entry{}, fmt.Errorf("read schema of %s: %w", t, err)
	}
	m := kindAndVersion.FindStringSubmatch(string(t))
	if m == nil || len(s.Examples) != 1 {
		return Entry{}, fmt.Errorf("read schema of %s: want roster.<kind>.<what-happened>.v<n>, and one example", t)
	}
	version, err := strconv.Atoi(m[2])
	if err != nil {
		return Entry{}, fmt.Errorf("read schema of %s: %w", t, err)
	}
	e := Entry{
		Type: t, Version: version, Stream: events.Stream(s.Stream), Description: s.Description,
		Members: s.members(), Example: s.Examples[0], Schema: text,
	}
	if inner, ok := s.Defs["sealed"]; ok {
		e.Sealed = inner.members()
		if len(inner.Examples) == 1 {
			e.Opened = inner.Examples[0]
		}
	}
	return e, nil
}
