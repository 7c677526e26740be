package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"path/filepath"

	"github.com/klauspost/compress/zstd"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/durable"
)

// A segment ends with this many messages, or bytes before compression.
const (
	segmentMessages = 100_000
	segmentBytes    = 64 << 20
)

// head is the first line of a segment.
type head struct {
	Format       int           `json:"format"`
	Installation string        `json:"installation"`
	Stream       events.Stream `json:"stream"`
	From         uint64        `json:"from"`
	Previous     string        `json:"previous,omitempty"` // SHA-256 of the segment before it
}

// Appender adds messages of one stream behind those that are archived.
type Appender struct {
	archive *Archive
	stream  events.Stream
	end     Segment // what the archive ends with
	current *writing
	added   uint64
	last    uint64
}

// Append begins to add to a stream. The first message must be that of Next, where
// the archive has it already.
func (a *Archive) Append(stream events.Stream) *Appender {
	end := a.manifest.End(stream)
	return &Appender{archive: a, stream: stream, end: end, last: end.To}
}

// Last is the sequence of the last message that was taken, and Added how many are
// new. They count before their segment is whole.
func (p *Appender) Last() uint64 { return p.last }

// Added counts the new messages.
func (p *Appender) Added() uint64 { return p.added }

// Add takes the next message.
func (p *Appender) Add(m events.Stored) error {
	if m.Stream != p.stream {
		return fmt.Errorf("archive %s: a message of %s", p.stream, m.Stream)
	}
	if p.added == 0 && p.end.To > 0 {
		known, err := p.continues(m)
		if known || err != nil {
			return err
		}
	}
	if m.Sequence <= p.last {
		return fmt.Errorf("archive %s: message %d comes after %d", p.stream, m.Sequence, p.last)
	}
	if p.current == nil {
		var err error
		if p.current, err = p.archive.begin(p.stream, m.Sequence, p.end.SHA256); err != nil {
			return err
		}
	}
	if err := p.current.add(m); err != nil {
		return err
	}
	p.last = m.Sequence
	p.added++
	if p.current.messages >= segmentMessages || p.current.plain >= segmentBytes {
		return p.Commit()
	}
	return nil
}

// continues says whether a message is the one that the archive ends with.
func (p *Appender) continues(m events.Stored) (known bool, err error) {
	switch {
	case m.Sequence == p.end.To:
		got, err := digest(m)
		if err == nil && got != p.end.LastDigest {
			err = fmt.Errorf("%w: the log holds another message at %s than the archive", ErrBroken, place(p.stream, m.Sequence))
		}
		return true, err
	case m.Sequence > p.end.To+1:
		return false, fmt.Errorf("%w: the archive ends at %s, and the log begins at %s", ErrBroken, place(p.stream, p.end.To), place(p.stream, m.Sequence))
	}
	return false, nil
}

// Commit makes what was added part of the archive.
func (p *Appender) Commit() error {
	if p.current == nil {
		return nil
	}
	done, err := p.current.commit()
	p.current = nil
	if err != nil {
		return err
	}
	done.WrittenAt = p.archive.clock().UTC()
	p.archive.manifest.Segments = append(p.archive.manifest.Segments, done)
	p.end = done
	return p.archive.manifest.write(p.archive.dir)
}

// Drop forgets what was added since the last segment.
func (p *Appender) Drop() error {
	if p.current == nil {
		return nil
	}
	err := p.current.drop()
	p.current = nil
	return err
}

// writing is a segment that is not whole yet.
type writing struct {
	Segment
	file     *durable.Draft
	zip      *zstd.Encoder
	sum      hash.Hash
	buf      []byte
	messages int
	plain    int
}

func (a *Archive) begin(stream events.Stream, from uint64, previous string) (*writing, error) {
	name := fmt.Sprintf("%s/%s-%020d.ndjson.zst", segmentsName, stream, from)
	file, err := durable.Create(filepath.Join(a.dir, filepath.FromSlash(name)))
	if err != nil {
		return nil, err
	}
	w := &writing{Segment: Segment{File: name, Stream: stream, From: from, Previous: previous}, file: file, sum: sha256.New()}
	if w.zip, err = zstd.NewWriter(io.MultiWriter(file, w.sum)); err != nil {
		return nil, errors.Join(fmt.Errorf("compress %s: %w", name, err), file.Drop())
	}
	err = w.write(head{Format: Format, Installation: a.manifest.Installation, Stream: stream, From: from, Previous: previous})
	if err != nil {
		return nil, errors.Join(err, w.drop())
	}
	return w, nil
}

func (w *writing) write(v any) error {
	var err error
	if w.buf, err = appendJSON(w.buf[:0], v); err != nil {
		return err
	}
	return w.flush()
}

func (w *writing) flush() error {
	if _, err := w.zip.Write(w.buf); err != nil {
		return fmt.Errorf("write %s: %w", w.File, err)
	}
	w.plain += len(w.buf)
	return nil
}

func (w *writing) add(m events.Stored) error {
	var err error
	if w.buf, err = AppendLine(w.buf[:0], m); err != nil {
		return err
	}
	w.messages++
	w.To = m.Sequence
	return w.flush()
}

func (w *writing) commit() (Segment, error) {
	if err := w.zip.Close(); err != nil {
		return Segment{}, errors.Join(fmt.Errorf("write %s: %w", w.File, err), w.file.Drop())
	}
	info, err := w.file.Stat()
	if err != nil {
		return Segment{}, errors.Join(fmt.Errorf("write %s: %w", w.File, err), w.file.Drop())
	}
	if err := w.file.Commit(); err != nil {
		return Segment{}, err
	}
	if err := durable.SyncDir(filepath.Dir(w.file.Name())); err != nil {
		return Segment{}, err
	}
	w.Bytes, w.Messages = info.Size(), uint64(w.messages)
	w.SHA256 = hex.EncodeToString(w.sum.Sum(nil))
	w.LastDigest = sum(w.buf) // the last line that was written is the last message's
	return w.Segment, nil
}

func (w *writing) drop() error {
	_ = w.zip.Close() // of no use
	return w.file.Drop()
}
