// Package movein carries users from a file of NDJSON into a running server.
//
// There is no state to keep on this side: the server knows each user by id and
// content, so that a file can be sent again as often as it takes. Lines go in
// batches, a few at a time; memory is bounded by those.
package movein

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/rosterhq/roster/cmd/roster/internal/client"
)

// Server is what moving in needs of a server; *client.Client is one.
type Server interface {
	ImportUsers(ctx context.Context, lines [][]byte, highest int64) (client.Imported, error)
}

// Counts is what was done so far.
type Counts struct {
	Created, Unchanged, Refused int
	Offset                      int64 // bytes of the file that were dealt with
}

// Done is the number of users that were dealt with.
func (c Counts) Done() int { return c.Created + c.Unchanged + c.Refused }

// Options are the settings of an import. Server is required.
type Options struct {
	Server  Server
	Highest int64 // number of the file; 0 for none
	// Refused is told of every refused line, in no order, Progress of every step; one
	// goroutine at a time.
	Refused  func(client.RefusedLine)
	Progress func(Counts)

	BatchLines int // default 1000
	BatchBytes int // default 2 MiB
	AtOnce     int // batches; default 3
}

// ErrInterrupted says that an import ended because its context did.
var ErrInterrupted = errors.New("interrupted")

type importer struct {
	Options
	mu     sync.Mutex
	counts Counts
}

// Run imports what a file holds. When ctx ends, no further batch is begun, those on
// their way are finished, and the error is ErrInterrupted. The counts hold in
// every case.
func Run(ctx context.Context, in io.Reader, o Options) (Counts, error) {
	i := &importer{Options: withDefaults(o)}
	// Work on its way is finished even when ctx ends; the client stops waiting then.
	group, work := errgroup.WithContext(context.WithoutCancel(ctx))
	group.SetLimit(i.AtOnce)
	r := newReader(in)
	var readErr error
	for ctx.Err() == nil && work.Err() == nil {
		b, err := i.batch(r)
		if len(b.lines) > 0 {
			group.Go(func() error { return i.send(work, b) })
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				readErr = err
			}
			break
		}
	}
	err := group.Wait()
	if ctx.Err() != nil {
		return i.counts, ErrInterrupted
	}
	return i.counts, errors.Join(err, readErr)
}

func withDefaults(o Options) Options {
	if o.BatchLines <= 0 {
		o.BatchLines = 1000
	}
	if o.BatchBytes <= 0 {
		o.BatchBytes = 2 << 20
	}
	if o.AtOnce <= 0 {
		o.AtOnce = 3
	}
	if o.Refused == nil {
		o.Refused = func(client.RefusedLine) {}
	}
	if o.Progress == nil {
		o.Progress = func(Counts) {}
	}
	return o
}

// batch is lines of the file, from number first on, none left out: an empty one
// stands for what is not sent.
type batch struct {
	lines [][]byte
	first int
	bytes int64 // of the file
}

// batch reads the next one; at the end with io.EOF.
func (i *importer) batch(r *reader) (batch, error) {
	b := batch{first: r.line + 1}
	before, size := r.offset, 0
	for len(b.lines) < i.BatchLines && size < i.BatchBytes {
		line, tooLong, err := r.next()
		if err != nil {
			b.bytes = r.offset - before
			return b, err
		}
		if tooLong {
			i.refuse(client.RefusedLine{Line: r.line, Code: "too-large", Message: "the line is longer than 128 KiB"})
		}
		b.lines = append(b.lines, slices.Clone(line))
		size += len(line) + 1
	}
	b.bytes = r.offset - before
	return b, nil
}

func (i *importer) refuse(r client.RefusedLine) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.counts.Refused++
	i.Refused(r)
}

// listedMost is how many refusals the server lists.
const listedMost = 100

// send sends a batch. Where more was refused than is listed, it goes again in
// pieces of which every refusal is: what was taken is unchanged then.
func (i *importer) send(ctx context.Context, b batch) error {
	answer, err := i.Server.ImportUsers(ctx, b.lines, i.Highest)
	if err != nil {
		return fmt.Errorf("lines %d to %d: %w", b.first, b.first+len(b.lines)-1, err)
	}
	refused := offset(answer.Rejected, b.first-1)
	if answer.RejectedTotal > len(answer.Rejected) {
		refused = nil
		for at := 0; at < len(b.lines); at += listedMost {
			piece, err := i.Server.ImportUsers(ctx, b.lines[at:min(at+listedMost, len(b.lines))], i.Highest)
			if err != nil {
				return fmt.Errorf("lines from %d on: %w", b.first+at, err)
			}
			refused = append(refused, offset(piece.Rejected, b.first-1+at)...)
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.counts.Created += answer.Created
	i.counts.Unchanged += answer.Unchanged
	i.counts.Refused += len(refused)
	i.counts.Offset += b.bytes
	for _, r := range refused {
		i.Refused(r)
	}
	i.Progress(i.counts)
	return nil
}

// offset makes numbers of lines of a batch those of the file.
func offset(refused []client.RefusedLine, by int) []client.RefusedLine {
	out := slices.Clone(refused)
	for i := range out {
		out[i].Line += by
	}
	return out
}
