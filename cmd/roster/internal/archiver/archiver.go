// Package archiver keeps a log in an archive, and compares the two.
package archiver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/rosterhq/roster/archive"
	"github.com/rosterhq/roster/events"
)

// Source is what is archived: the log of a server, or one that lies here.
type Source interface {
	Log(ctx context.Context, s events.Stream, from, to uint64) (*archive.Feed, error)
	LogKeys(ctx context.Context) (*archive.Feed, error)
}

// Options say what is archived where.
type Options struct {
	From     Source
	Dir      string
	Keys     string // the file of keys; "" is the one in Dir
	KeysOnly bool   // the file of keys alone is written anew
	Clock    func() time.Time
	// Progress is told of the stream, how many messages of how many went by.
	Progress func(s events.Stream, messages, of uint64)
}

// Result is what a run added.
type Result struct {
	Added    map[events.Stream]uint64 // messages
	Segments int                      // new ones
	Keys     int                      // all there are
	Manifest *archive.Manifest        // of the archive as it is now
}

// Run adds to an archive what the log has more than it, and writes keys and last
// uses anew. What it added before it failed or was interrupted stays, in whole
// segments.
func Run(ctx context.Context, o Options) (Result, error) {
	a, err := archive.Open(o.Dir, o.Clock)
	if err != nil {
		return Result{}, err
	}
	r := &run{Options: o, archive: a, result: Result{Added: map[events.Stream]uint64{}}}
	err = errors.Join(r.all(ctx), a.Close())
	r.result.Manifest = a.Manifest()
	return r.result, err
}

type run struct {
	Options
	archive *archive.Archive
	result  Result
}

func (r *run) all(ctx context.Context) error {
	if !r.KeysOnly {
		before := len(r.archive.Manifest().Segments)
		for _, s := range archive.Streams() {
			if err := r.stream(ctx, s); err != nil {
				return err
			}
		}
		r.result.Segments = len(r.archive.Manifest().Segments) - before
		if err := r.uses(ctx); err != nil {
			return err
		}
	}
	// Behind the events: each of them has its key among these.
	return r.keys(ctx)
}

// tries is how often a feed that was cut off is asked for again without getting on.
const tries = 5

func (r *run) stream(ctx context.Context, s events.Stream) error {
	to := r.archive.Append(s)
	failed := 0
	for from := r.archive.Next(s); ; from = max(to.Last(), 1) {
		before := to.Added()
		err := r.copy(ctx, s, from, to)
		r.result.Added[s] = to.Added()
		if err == nil {
			return to.Commit()
		}
		if to.Added() > before {
			failed = 0
		}
		if failed++; !errors.Is(err, archive.ErrCutOff) || failed == tries || ctx.Err() != nil {
			return errors.Join(fmt.Errorf("archive %s: %w", s, err), to.Drop())
		}
	}
}

// copy takes one feed. Messages that were taken from an earlier one pass by.
func (r *run) copy(ctx context.Context, s events.Stream, from uint64, to *archive.Appender) error {
	feed, err := r.From.Log(ctx, s, from, 0)
	if err != nil {
		return err
	}
	defer feed.Close()
	head := feed.Head()
	if err := r.archive.Of(head.Installation); err != nil {
		return err
	}
	if head.To < r.archive.Manifest().End(s).To {
		return fmt.Errorf("%w: it ends at %d, the archive at %d: is this log restored from something older?", archive.ErrBroken, head.To, r.archive.Manifest().End(s).To)
	}
	for n := 0; ; n++ {
		m, err := feed.Message()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if to.Added() > 0 && m.Sequence <= to.Last() {
			continue
		}
		if err := to.Add(m); err != nil {
			return err
		}
		if n%1000 == 0 {
			r.Progress(s, m.Sequence-from, head.To-from)
		}
	}
}

func (r *run) uses(ctx context.Context) error {
	feed, err := r.From.Log(ctx, events.UsageStream, 1, 0)
	if err != nil {
		return err
	}
	defer feed.Close()
	var uses []events.Stored
	for {
		u, err := feed.Message()
		if errors.Is(err, io.EOF) {
			return r.archive.WriteUses(uses)
		}
		if err != nil {
			return fmt.Errorf("archive last uses: %w", err)
		}
		uses = append(uses, u)
	}
}

func (r *run) keys(ctx context.Context) error {
	feed, err := r.From.LogKeys(ctx)
	if err != nil {
		return err
	}
	defer feed.Close()
	if err := r.archive.Of(feed.Head().Installation); err != nil {
		return err
	}
	var keys []events.WrappedKey
	for {
		k, err := feed.Key()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("archive keys: %w", err)
		}
		keys = append(keys, k)
	}
	path := archive.KeysFile(r.Dir, r.Keys)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("archive keys: %w", err)
	}
	r.result.Keys = len(keys)
	return archive.WriteKeys(path, feed.Head().Installation, keys)
}

// Compare compares an archive, which was checked, with the log of a server.
func Compare(ctx context.Context, log Source, a *archive.Reader, s events.Stream, progress func(uint64)) (archive.Compared, error) {
	if a.Manifest().End(s).To == 0 {
		return archive.Compared{}, nil
	}
	// Not to the archive's end alone: what stands behind it tells where the log begins.
	feed, err := log.Log(ctx, s, 1, 0)
	if err != nil {
		return archive.Compared{}, err
	}
	defer feed.Close()
	if of := feed.Head().Installation; of != a.Manifest().Installation {
		return archive.Compared{}, fmt.Errorf("%w: %s, the log is of %s", archive.ErrOther, a.Manifest().Installation, of)
	}
	return a.Compare(ctx, s, feed, progress)
}
