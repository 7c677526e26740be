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

	live  events.Stored // the next message of the log
	ended bool          // there is none
}

func (c *comparing) run(ctx context.Context) error {
	if err := c.advance(); err != nil {
		return err
	}
	for first := true; ; first = false {
		kept, err := c.kept.Next(ctx)
		if errors.Is(err, io.EOF) {
			return c.passFillers(c.end + 1)
		}
		if err != nil {
			return err
		}
		if first && !c.ended && c.live.Sequence > kept.Sequence {
			c.LogFrom = c.live.Sequence
		}
		if kept.Sequence < c.LogFrom {
			continue
		}
		if err := c.meet(kept); err != nil {
			return err
		}
	}
}

// meet finds a message of the archive in the log.
func (c *comparing) meet(kept events.Stored) error {
	if err := c.passFillers(kept.Sequence); err != nil {
		return err
	}
	if c.ended || c.live.Sequence != kept.Sequence {
		return c.differs(kept.Sequence, "the archive has a message, the log none")
	}
	if err := c.same(kept, c.live); err != nil {
		return err
	}
	return c.advance()
}

// advance goes on to the log's next message, but not behind the end of the archive.
func (c *comparing) advance() error {
	m, err := c.log.Message()
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the log: %w", err)
	}
	if err != nil || m.Sequence > c.end {
		c.ended = true
		if err == nil && c.live.Sequence == 0 { // all that is archived left the log
			c.LogFrom = m.Sequence
		}
		return nil
	}
	c.live = m
	return nil
}

// passFillers passes what the log has before a sequence: nothing but fillers.
func (c *comparing) passFillers(before uint64) error {
	for !c.ended && c.live.Sequence < before {
		if !filler(c.live) {
			return c.differs(c.live.Sequence, "the log has a message, the archive none")
		}
		if err := c.advance(); err != nil {
			return err
		}
	}
	return nil
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
