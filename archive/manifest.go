package archive

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/durable"
)

// Format is the version of the archive's form.
const Format = 1

const (
	manifestName = "manifest.json"
	keysName     = "keys.ndjson"
	usesName     = "uses.ndjson"
	segmentsName = "segments"
)

// Manifest says what an archive holds.
type Manifest struct {
	Format       int       `json:"format"`
	Installation string    `json:"installation"` // of which the log is
	Segments     []Segment `json:"segments"`     // those of a stream in order
}

// Segment describes one file.
type Segment struct {
	File       string        `json:"file"` // in the archive's directory, with slashes
	Stream     events.Stream `json:"stream"`
	From       uint64        `json:"from"` // sequence of the first message
	To         uint64        `json:"to"`   // and of the last
	Messages   uint64        `json:"messages"`
	Bytes      int64         `json:"bytes"`  // of the file
	SHA256     string        `json:"sha256"` // of the file
	Previous   string        `json:"previous,omitempty"`
	LastDigest string        `json:"lastDigest"` // SHA-256 of the last message's line
	WrittenAt  time.Time     `json:"writtenAt"`
}

// Streams are those that are archived, in the order in which they are restored.
func Streams() []events.Stream { return []events.Stream{events.Roster, events.Activity} }

// Of returns the segments of a stream, in order.
func (m *Manifest) Of(stream events.Stream) []Segment {
	var out []Segment
	for _, s := range m.Segments {
		if s.Stream == stream {
			out = append(out, s)
		}
	}
	return out
}

// End returns the newest segment of a stream; a zero one where there is none.
func (m *Manifest) End(stream events.Stream) Segment {
	of := m.Of(stream)
	if len(of) == 0 {
		return Segment{}
	}
	return of[len(of)-1]
}

// Messages counts all messages.
func (m *Manifest) Messages() uint64 {
	var n uint64
	for _, s := range m.Segments {
		n += s.Messages
	}
	return n
}

// readManifest returns nil where there is none.
func readManifest(dir string) (*Manifest, error) {
	text, err := os.ReadFile(filepath.Join(dir, manifestName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // an archive that was not begun
	}
	if err != nil {
		return nil, fmt.Errorf("read the archive's manifest: %w", err)
	}
	var m Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("%w: %s can not be read: %w", ErrDamaged, manifestName, err)
	}
	if m.Format != Format {
		return nil, fmt.Errorf("the archive has format %d, this release knows %d", m.Format, Format)
	}
	return &m, nil
}

func (m *Manifest) write(dir string) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the archive's manifest: %w", err)
	}
	return durable.Replace(filepath.Join(dir, manifestName), append(text, '\n'))
}

// ErrDamaged says that an archive is not what its manifest says.
var ErrDamaged = errors.New("the archive is damaged")

func damaged(file, format string, args ...any) error {
	return fmt.Errorf("%w: %s: %s", ErrDamaged, file, fmt.Sprintf(format, args...))
}
