package archive

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/rosterhq/roster/events"
)

// A feed is how messages and keys travel: a line about itself, the lines of an
// archive, and a last line without which the feed was cut off.

// FeedHead is the first line of a feed.
type FeedHead struct {
	Installation string        `json:"installation"`
	Stream       events.Stream `json:"stream,omitempty"` // empty: wrapped keys
	From         uint64        `json:"from,omitempty"`
	To           uint64        `json:"to,omitempty"` // the last sequence that there was at the begin
}

type feedEnd struct {
	End *uint64 `json:"end"` // how many lines came before
}

// FeedWriter writes a feed.
type FeedWriter struct {
	out   io.Writer
	buf   []byte
	lines uint64
}

// NewFeedWriter begins a feed.
func NewFeedWriter(out io.Writer, h FeedHead) (*FeedWriter, error) {
	w := &FeedWriter{out: out}
	var err error
	if w.buf, err = appendJSON(nil, h); err != nil {
		return nil, err
	}
	return w, w.flush()
}

func (w *FeedWriter) flush() error {
	if _, err := w.out.Write(w.buf); err != nil {
		return fmt.Errorf("write feed: %w", err)
	}
	return nil
}

// Message writes a message.
func (w *FeedWriter) Message(m events.Stored) error {
	var err error
	if w.buf, err = AppendLine(w.buf[:0], m); err != nil {
		return err
	}
	w.lines++
	return w.flush()
}

// Key writes a wrapped key.
func (w *FeedWriter) Key(k events.WrappedKey) error {
	var err error
	if w.buf, err = AppendKey(w.buf[:0], k); err != nil {
		return err
	}
	w.lines++
	return w.flush()
}

// End writes that the feed is whole.
func (w *FeedWriter) End() error {
	var err error
	if w.buf, err = appendJSON(w.buf[:0], feedEnd{End: &w.lines}); err != nil {
		return err
	}
	return w.flush()
}

// Copies is a log as copies of it are made: everything, sealed.
type Copies interface {
	InstallationID() string
	Head(ctx context.Context, s events.Stream) (uint64, error)
	Messages(ctx context.Context, s events.Stream, from, to uint64, f func(events.Stored) error) error
	WrappedKeys(ctx context.Context, f func(events.WrappedKey) error) error
}

// FeedOf says which part of a stream a feed has that is asked for: from 0 is the
// first sequence, to 0, or one beyond the end, the end.
func FeedOf(ctx context.Context, log Copies, s events.Stream, from, to uint64) (FeedHead, error) {
	end, err := log.Head(ctx, s)
	if err != nil {
		return FeedHead{}, err
	}
	if to == 0 || to > end {
		to = end
	}
	return FeedHead{Installation: log.InstallationID(), Stream: s, From: max(from, 1), To: to}, nil
}

// FeedMessages writes a feed of messages.
func FeedMessages(ctx context.Context, out io.Writer, log Copies, h FeedHead) error {
	return feed(out, h, func(w *FeedWriter) error {
		if h.From > h.To {
			return nil
		}
		return log.Messages(ctx, h.Stream, h.From, h.To, w.Message)
	})
}

// FeedKeys writes a feed of all wrapped keys.
func FeedKeys(ctx context.Context, out io.Writer, log Copies) error {
	return feed(out, FeedHead{Installation: log.InstallationID()}, func(w *FeedWriter) error {
		return log.WrappedKeys(ctx, w.Key)
	})
}

func feed(out io.Writer, h FeedHead, write func(*FeedWriter) error) error {
	w, err := NewFeedWriter(out, h)
	if err != nil {
		return err
	}
	if err := write(w); err != nil {
		return err
	}
	return w.End()
}

// ErrCutOff says that a feed ended before its end.
var ErrCutOff = errors.New("the feed was cut off")

// FeedReader reads a feed.
type FeedReader struct {
	head  FeedHead
	lines *bufio.Scanner
	count uint64
}

// NewFeedReader reads the first line of a feed.
func NewFeedReader(in io.Reader) (*FeedReader, error) {
	r := &FeedReader{lines: bufio.NewScanner(in)}
	r.lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	r.lines.Split(WholeLines)
	if !r.lines.Scan() {
		return nil, r.cutOff()
	}
	if err := json.Unmarshal(r.lines.Bytes(), &r.head); err != nil || r.head.Installation == "" {
		return nil, fmt.Errorf("%w: the first line of a feed is wanted", errNoLine)
	}
	return r, nil
}

// Head is the first line.
func (r *FeedReader) Head() FeedHead { return r.head }

// Message returns the next message; io.EOF at the end, ErrCutOff before it.
func (r *FeedReader) Message() (events.Stored, error) {
	text, err := r.next()
	if err != nil {
		return events.Stored{}, err
	}
	return ParseLine(text)
}

// Key returns the next wrapped key; io.EOF at the end, ErrCutOff before it.
func (r *FeedReader) Key() (events.WrappedKey, error) {
	text, err := r.next()
	if err != nil {
		return events.WrappedKey{}, err
	}
	return ParseKey(text)
}

func (r *FeedReader) next() ([]byte, error) {
	if !r.lines.Scan() {
		return nil, r.cutOff()
	}
	text := r.lines.Bytes()
	var end feedEnd
	if len(text) < 40 && json.Unmarshal(text, &end) == nil && end.End != nil { // no other line is as short
		if *end.End != r.count {
			return nil, fmt.Errorf("%w: %d lines came of %d", ErrCutOff, r.count, *end.End)
		}
		return nil, io.EOF
	}
	r.count++
	return text, nil
}

func (r *FeedReader) cutOff() error {
	return fmt.Errorf("%w: %w", ErrCutOff, errors.Join(r.lines.Err(), io.ErrUnexpectedEOF))
}

// WholeLines splits as bufio.ScanLines does, but the beginning of a line that was cut
// off is none: it is io.ErrUnexpectedEOF.
func WholeLines(data []byte, atEOF bool) (advance int, line []byte, err error) {
	if bytes.IndexByte(data, '\n') < 0 && atEOF && len(data) > 0 {
		return 0, nil, io.ErrUnexpectedEOF
	}
	return bufio.ScanLines(data, false)
}
