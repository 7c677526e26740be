package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/rosterhq/roster/events"
)

// ErrDiffers says that archive and log are not the same.
var ErrDiffers = errors.New("archive and log differ")

// Source delivers the messages of one stream in order, and io.EOF behind the last.
type Source interface {
	Message() (events.Stored, error)
}

// Compared is what a comparison found.
type Compared struct {
	Messages uint64 // that both have
	LogFrom  uint64 // where the log begins, if it lost what the archive has before that to its retention
}

// Compare goes through a stream of an archive and of the log, position by
// position, up to the end of the archive. The first position that differs is
// ErrDiffers. A log that begins later, as its retention may make it, is told and
// no difference; so is a filler where the archive has nothing.
func (r *Reader) Compare(ctx context.Context, stream events.Stream, log Source, progress func(uint64)) (Compared, error) {
	c := comparing{stream: stream, end: r.manifest.End(stream).To, log: log, kept: r.Messages(stream), progress: progress}
	err := c.run(ctx)
	return c.Compared, errors.Join(err, c.kept.Close())
}

type comparing struct {
	Compared
	stream   events.Stream
	end      uint64
	log      Source
	kept     *Messages
	progress func(uint64)
	a, b     []byte
}

func (c *comparing) run(ctx context.Context) error {
	live, liveEnd, err := c.nextOfLog()
	if err != nil {
		return err
	}
	for first := true; ; first = false {
		kept, err := c.kept.Next(ctx)
		if errors.Is(err, io.EOF) {
			return c.nothingMore(live, liveEnd)
		}
		if err != nil {
			return err
		}
		if first && !liveEnd && live.Sequence > kept.Sequence {
			c.LogFrom = live.Sequence
		}
		if kept.Sequence < c.LogFrom {
			continue
		}
		for !liveEnd && live.Sequence < kept.Sequence {
			if !filler(live) {
				return c.differs(live.Sequence, "the log has a message, the archive none")
			}
			if live, liveEnd, err = c.nextOfLog(); err != nil {
				return err
			}
		}
		if liveEnd || live.Sequence != kept.Sequence {
			return c.differs(kept.Sequence, "the archive has a message, the log none")
		}
		if err := c.same(kept, live); err != nil {
			return err
		}
		if live, liveEnd, err = c.nextOfLog(); err != nil {
			return err
		}
	}
}

// nextOfLog passes over what lies behind the end of the archive.
func (c *comparing) nextOfLog() (m events.Stored, end bool, err error) {
	m, err = c.log.Message()
	if errors.Is(err, io.EOF) || err == nil && m.Sequence > c.end {
		return m, true, nil
	}
	if err != nil {
		return m, false, fmt.Errorf("read the log: %w", err)
	}
	return m, false, nil
}

func (c *comparing) nothingMore(live events.Stored, end bool) error {
	if end || filler(live) {
		return nil
	}
	return c.differs(live.Sequence, "the log has a message, the archive none")
}

func (c *comparing) same(kept, live events.Stored) error {
	var err error
	if c.a, err = AppendLine(c.a[:0], kept); err != nil {
		return err
	}
	if c.b, err = AppendLine(c.b[:0], live); err != nil {
		return err
	}
	if !bytes.Equal(c.a, c.b) {
		return c.differs(kept.Sequence, "the log has another message than the archive")
	}
	if c.Messages++; c.progress != nil && c.Messages%1000 == 0 {
		c.progress(c.Messages)
	}
	return nil
}

func (c *comparing) differs(sequence uint64, how string) error {
	return fmt.Errorf("%w at %s: %s", ErrDiffers, place(c.stream, sequence), how)
}

// filler says whether a message only takes the place of one that is missing, as a
// restore leaves it.
func filler(m events.Stored) bool { return m.Subject == strings.ToLower(string(m.Stream))+".filler" }
