// Package importer carries activities from a source system into a running
// server, and makes the users that they name.
//
// Nothing is done twice, however often and from wherever an import is run or
// broken off: an activity is unique by source and id, a user by identity, and
// the server keeps both. So there is no state to keep on this side either.
//
// Activities go in batches, one after the other in the order in which they were
// given, so that a feed shows what happened in the same second in that order.
// The users of the next batches are made meanwhile. Users who are there already
// cost nothing: activities are sent first, and only when the server rejects
// some for want of a user, users are made and those are sent again. While most
// users turn out to be new, users are made before their activities are sent.
// Memory is bounded by a few batches and eight bytes or so a known user.
package importer

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rosterhq/roster/cmd/roster/internal/client"
)

// Server is what an import needs of a server; *client.Client is one.
type Server interface {
	CreateUser(ctx context.Context, u client.NewUser) error
	Record(ctx context.Context, activities [][]byte) (client.Recorded, error)
}

// Origin is where an activity comes from, for messages.
type Origin struct {
	File string
	Line int
}

// Person is somebody whom an activity names.
type Person struct {
	Identity client.Identity
	Login    string // becomes the username as far as it can
}

// Item is one activity.
type Item struct {
	Activity []byte // its JSON, on one line
	People   []Person
	Origin   Origin
	Offset   int64 // how far the source was read, for progress
}

// Rejection is an activity that the server refused.
type Rejection struct {
	Origin  Origin
	Code    string
	Message string
}

// Counts is what an import did so far.
type Counts struct {
	New, Duplicates, Rejected int
	Users                     int   // made now
	Offset                    int64 // of the last item that was dealt with
}

// Done is the number of activities that were dealt with.
func (c Counts) Done() int { return c.New + c.Duplicates + c.Rejected }

// Options are the settings of an import. Server and Random are required.
type Options struct {
	Server Server
	// Random returns a number in [0,n), for usernames.
	Random func(n int) int

	BatchLines int           // default 500
	BatchBytes int           // default 512 KiB
	Creators   int           // users made at once; default 64
	Grace      time.Duration // how long work on its way may go on after an interruption; default 5 s

	// Rejected is told of every refused activity, Progress of every step; both
	// from one goroutine at a time.
	Rejected func(Rejection)
	Progress func(Counts)
}

// Importer runs imports with the same options.
type Importer struct {
	opts   Options
	people *people
	// createFirst says that the last look found mostly new users.
	createFirst atomic.Bool
}

// New fills in defaults.
func New(opts Options) *Importer {
	if opts.BatchLines <= 0 {
		opts.BatchLines = 500
	}
	if opts.BatchBytes <= 0 {
		opts.BatchBytes = 512 << 10
	}
	if opts.Creators <= 0 {
		opts.Creators = 64
	}
	if opts.Grace <= 0 {
		opts.Grace = 5 * time.Second
	}
	if opts.Rejected == nil {
		opts.Rejected = func(Rejection) {}
	}
	if opts.Progress == nil {
		opts.Progress = func(Counts) {}
	}
	return &Importer{opts: opts, people: newPeople(opts)}
}

// ErrInterrupted says that an import ended because its context did.
var ErrInterrupted = errors.New("interrupted")

// Run imports what next returns until it returns false. When ctx ends, no
// further batch is begun, the one on its way is finished, and the error is
// ErrInterrupted. The counts hold in every case.
func (i *Importer) Run(ctx context.Context, next func() (Item, bool)) (Counts, error) {
	work, stop := withGrace(ctx, i.opts.Grace)
	defer stop()
	group, work := errgroup.WithContext(work)

	read := make(chan batch)
	ready := make(chan batch, 1)
	group.Go(func() error {
		defer close(read)
		i.collect(ctx, work, next, read)
		return nil
	})
	group.Go(func() error {
		defer close(ready)
		return i.prepare(ctx, work, read, ready)
	})
	var counts Counts
	group.Go(func() error {
		return i.record(ctx, work, ready, &counts)
	})
	err := group.Wait()
	counts.Users = i.people.created()
	if ctx.Err() != nil {
		return counts, ErrInterrupted // whatever else failed, failed because of it or no longer matters
	}
	return counts, err
}

// withGrace returns a context that outlives ctx by the grace period.
func withGrace(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	unwatch := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(grace, cancel)
		context.AfterFunc(work, func() { timer.Stop() })
	})
	return work, func() {
		unwatch()
		cancel()
	}
}

type batch []Item

// collect forms batches until the source ends or somebody stops.
func (i *Importer) collect(ctx, work context.Context, next func() (Item, bool), out chan<- batch) {
	var b batch
	bytes := 0
	for ctx.Err() == nil && work.Err() == nil {
		item, more := next()
		if more {
			b = append(b, item)
			bytes += len(item.Activity) + 1
			if len(b) < i.opts.BatchLines && bytes < i.opts.BatchBytes {
				continue
			}
		}
		if len(b) > 0 {
			select {
			case out <- b:
			case <-ctx.Done():
			case <-work.Done():
			}
			b, bytes = nil, 0
		}
		if !more {
			return
		}
	}
}

// prepare makes the users of batches that are still to be sent, while most
// users are new.
func (i *Importer) prepare(ctx, work context.Context, in <-chan batch, out chan<- batch) error {
	for b := range in {
		if i.createFirst.Load() {
			missing := i.people.unknown(b.people())
			made, err := i.people.ensure(ctx, work, missing)
			if errors.Is(err, ErrInterrupted) {
				return nil // no error: that would cut off what record has on its way
			}
			if err != nil {
				return err
			}
			i.learn(made, len(missing))
		}
		select {
		case out <- b:
		case <-ctx.Done():
			return nil
		case <-work.Done():
			return work.Err()
		}
	}
	return nil
}

// learn decides whether the next users are made first: when at least half of
// those that a batch named, as far as nothing was known of them, were new.
func (i *Importer) learn(made, named int) {
	if named > 0 {
		i.createFirst.Store(made*2 >= named)
	}
}

func (i *Importer) record(ctx, work context.Context, in <-chan batch, counts *Counts) error {
	for b := range in {
		if ctx.Err() != nil {
			return nil //nolint:nilerr // Run says that it was interrupted
		}
		switch err := i.send(ctx, work, b, counts); {
		case errors.Is(err, ErrInterrupted):
			return nil // an error would cut off what prepare has on its way
		case err != nil:
			return fmt.Errorf("send activities: %w", err)
		}
		counts.Offset = b[len(b)-1].Offset
		step := *counts
		step.Users = i.people.created()
		i.opts.Progress(step)
	}
	return nil
}
