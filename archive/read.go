package archive

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/klauspost/compress/zstd"

	"github.com/rosterhq/roster/events"
)

// maxLine bounds a line: a message has at most 512 KiB, which JSON can make
// several times longer.
const maxLine = 8 << 20

// Reader reads an archive. It takes no lock: segments do not change.
type Reader struct {
	dir      string
	manifest Manifest
}

// Read opens an archive for reading.
func Read(dir string) (*Reader, error) {
	m, err := readManifest(dir)
	if err != nil {
		return nil, err
	}
	if m == nil {
		return nil, fmt.Errorf("%s is no archive: it has no %s", dir, manifestName)
	}
	return &Reader{dir: dir, manifest: *m}, nil
}

// Manifest says what the archive holds.
func (r *Reader) Manifest() *Manifest { return &r.manifest }

// Check reads all segments and says whether they are what the manifest says, and
// form a chain. progress, which may be nil, is told how many messages were read.
func (r *Reader) Check(ctx context.Context, progress func(messages uint64)) error {
	var done uint64
	for _, stream := range Streams() {
		records := r.Messages(stream)
		for {
			_, err := records.Next(ctx)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return errors.Join(err, records.Close())
			}
			if done++; progress != nil && done%1000 == 0 {
				progress(done)
			}
		}
	}
	return nil
}

// Messages reads a stream from its begin. It checks each segment as it goes: an
// error may come after messages of a damaged one.
func (r *Reader) Messages(stream events.Stream) *Messages {
	return &Messages{reader: r, stream: stream, left: r.manifest.Of(stream)}
}

// Messages are the messages of a stream, in order.
type Messages struct {
	reader   *Reader
	stream   events.Stream
	left     []Segment
	current  *reading
	previous Segment
}

// Next returns the next message, io.EOF at the end, or an error that is ErrDamaged
// and names the segment.
func (m *Messages) Next(ctx context.Context) (events.Stored, error) {
	if err := ctx.Err(); err != nil {
		return events.Stored{}, err
	}
	for {
		if m.current == nil {
			if len(m.left) == 0 {
				return events.Stored{}, io.EOF
			}
			if err := m.open(m.left[0]); err != nil {
				return events.Stored{}, err
			}
			m.left = m.left[1:]
		}
		message, err := m.current.next()
		if !errors.Is(err, io.EOF) {
			return message, err
		}
		m.previous = m.current.Segment
		if err := m.Close(); err != nil {
			return events.Stored{}, err
		}
	}
}

// Close ends the reading early.
func (m *Messages) Close() error {
	if m.current == nil {
		return nil
	}
	current := m.current
	m.current = nil
	return current.close()
}

func (m *Messages) open(s Segment) error {
	if s.Previous != m.previous.SHA256 || s.From <= m.previous.To {
		return damaged(s.File, "the chain is broken: it does not follow %s", orNothing(m.previous.File))
	}
	path := filepath.Join(m.reader.dir, filepath.FromSlash(s.File))
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return damaged(s.File, "is missing")
	case err != nil:
		return fmt.Errorf("read %s: %w", s.File, err)
	case info.Size() != s.Bytes:
		return damaged(s.File, "has %d bytes, not %d", info.Size(), s.Bytes)
	}
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read %s: %w", s.File, err)
	}
	r := &reading{Segment: s, file: file, sum: sha256.New()}
	if r.zip, err = zstd.NewReader(io.TeeReader(file, r.sum), zstd.WithDecoderConcurrency(1)); err != nil {
		return errors.Join(fmt.Errorf("read %s: %w", s.File, err), file.Close())
	}
	r.lines = bufio.NewScanner(r.zip)
	r.lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	m.current = r
	return r.readHead(m.reader.manifest.Installation)
}

func orNothing(file string) string {
	if file == "" {
		return "nothing, as the first must"
	}
	return file
}

// reading is a segment that is read.
type reading struct {
	Segment
	file  *os.File
	zip   *zstd.Decoder
	sum   hash.Hash
	lines *bufio.Scanner
	count uint64
	last  uint64
	final string // digest of the last message
}

func (r *reading) close() error {
	r.zip.Close()
	if err := r.file.Close(); err != nil {
		return fmt.Errorf("read %s: %w", r.File, err)
	}
	return nil
}

func (r *reading) readHead(installation string) error {
	if !r.lines.Scan() {
		return r.unreadable()
	}
	var h head
	if err := json.Unmarshal(r.lines.Bytes(), &h); err != nil {
		return damaged(r.File, "its first line can not be read: %v", err)
	}
	want := head{Format: Format, Installation: installation, Stream: r.Stream, From: r.From, Previous: r.Previous}
	if h != want {
		return damaged(r.File, "it says of itself to be %+v, the manifest says %+v", h, want)
	}
	return nil
}

func (r *reading) unreadable() error {
	return damaged(r.File, "can not be read behind %s: %v", place(r.Stream, max(r.last, r.From)), errors.Join(r.lines.Err(), io.ErrUnexpectedEOF))
}

func (r *reading) next() (events.Stored, error) {
	if !r.lines.Scan() {
		if r.lines.Err() != nil {
			return events.Stored{}, r.unreadable()
		}
		return events.Stored{}, r.finish()
	}
	m, err := ParseLine(r.lines.Bytes())
	switch {
	case err != nil:
		return m, damaged(r.File, "behind %s: %v", place(r.Stream, r.last), err)
	case m.Stream != r.Stream || m.Sequence <= r.last || m.Sequence < r.From || m.Sequence > r.To:
		return m, damaged(r.File, "%s stands behind %s", place(m.Stream, m.Sequence), place(r.Stream, r.last))
	}
	r.count, r.last = r.count+1, m.Sequence
	if r.last == r.To {
		r.final = sum(slices.Concat(r.lines.Bytes(), []byte{'\n'}))
	}
	return m, nil
}

// finish compares the whole with the manifest.
func (r *reading) finish() error {
	if _, err := io.Copy(io.Discard, io.TeeReader(r.file, r.sum)); err != nil { // what the decoder left
		return fmt.Errorf("read %s: %w", r.File, err)
	}
	switch got := hex.EncodeToString(r.sum.Sum(nil)); {
	case got != r.SHA256:
		return damaged(r.File, "its SHA-256 is %s, not %s", got, r.SHA256)
	case r.count != r.Messages || r.last != r.To || r.final != r.LastDigest:
		return damaged(r.File, "it holds %d messages and ends at %s, the manifest says %d and %s",
			r.count, place(r.Stream, r.last), r.Messages, place(r.Stream, r.To))
	}
	return io.EOF
}
