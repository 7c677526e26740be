// Package exporter brings events from a running server into an export.
package exporter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/rosterhq/roster/cmd/roster/internal/client"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/export"
)

// Server has the events.
type Server interface {
	Events(ctx context.Context, q client.EventsQuery) (*client.EventLines, error)
}

// Options say what is exported, and how.
type Options struct {
	Server Server
	Into   *export.Exporter
	Query  client.EventsQuery // Stream empty is both
	Follow bool
	// Every is how often an export that follows is committed.
	Every time.Duration
	// Progress is told where a stream is, and where it ends.
	Progress func(s events.Stream, at, end uint64)
	// Notice is told what a person may want to know.
	Notice func(string)
}

// Run exports what there is, and goes on with what comes if it is to follow, until
// ctx ends. What was added is committed in any case.
func Run(ctx context.Context, o Options) error {
	r := &run{o}
	err := r.all(ctx)
	if broken := o.Into.Commit(); broken != nil && !errors.Is(err, broken) {
		err = errors.Join(err, broken)
	}
	return err
}

type run struct{ Options }

func (r *run) all(ctx context.Context) error {
	for _, s := range r.streams() {
		if err := r.catchUp(ctx, s); err != nil {
			return fmt.Errorf("export %s: %w", s, err)
		}
	}
	if !r.Follow {
		return nil
	}
	if err := r.Into.Commit(); err != nil {
		return err
	}
	return r.follow(ctx)
}

func (r *run) streams() []events.Stream {
	if r.Query.Stream != "" {
		return []events.Stream{r.Query.Stream}
	}
	return []events.Stream{events.Roster, events.Activity}
}

// tries is how often an answer that was cut off is asked for again without getting on.
const tries = 5

func (r *run) catchUp(ctx context.Context, s events.Stream) error {
	failed := 0
	for {
		before := r.Into.Added()
		err := r.once(ctx, s)
		if r.Into.Added() > before {
			failed = 0
		}
		lost := (*client.ConnectionError)(nil)
		if failed++; !errors.As(err, &lost) || failed == tries || ctx.Err() != nil {
			return err
		}
	}
}

// once takes one answer. It begins with what was reached, which is passed by.
func (r *run) once(ctx context.Context, s events.Stream) error {
	q := r.Query
	q.Stream, q.From, q.To = s, of(s, q.From), of(s, q.To)
	if reached := r.Into.Reached(s); reached > 0 {
		q.From = events.Position{Stream: s, Sequence: reached}.String()
	}
	lines, err := r.Server.Events(ctx, q)
	if err != nil {
		return err
	}
	defer lines.Close()
	var end events.Position
	for _, p := range lines.Reached {
		if p.Stream == s {
			end = p
		}
	}
	for n := 0; ; n++ {
		line, err := lines.Next()
		if errors.Is(err, io.EOF) {
			r.Into.Reach(end)
			return nil
		}
		if err != nil {
			return err
		}
		if err := r.Into.Add(line); err != nil {
			return err
		}
		if n%1000 == 0 {
			r.Progress(s, r.Into.Reached(s), end.Sequence)
		}
	}
}

// of takes from a list of positions the one of a stream; a time is for all.
func of(s events.Stream, bound string) string {
	list, err := events.ParsePositions(bound)
	if err != nil || bound == "" {
		return bound
	}
	for _, p := range list {
		if p.Stream == s {
			return p.String()
		}
	}
	return ""
}

// line is what a connection delivered.
type line struct {
	text []byte
	err  error
}

// follow takes what comes, and commits it now and then. A lost connection is made
// anew, however long the server is away: it answered before.
func (r *run) follow(ctx context.Context) error {
	tick := time.NewTicker(r.Every)
	defer tick.Stop()
	for {
		if err := r.followOnce(ctx, tick.C); err != nil {
			return err
		}
		if err := r.Into.Commit(); err != nil {
			return err
		}
		r.Notice("the connection is lost; coming back")
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// followOnce returns nil when the connection was lost.
func (r *run) followOnce(ctx context.Context, tick <-chan time.Time) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	q := r.Query
	q.Follow = true
	var from []string
	for _, s := range r.streams() {
		from = append(from, events.Position{Stream: s, Sequence: max(r.Into.Reached(s), 1)}.String())
	}
	q.From = strings.Join(from, ",")
	lines, err := r.Server.Events(ctx, q)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return ctx.Err()
	case client.MayPass(err):
		return nil
	default:
		return err
	}
	coming := make(chan line)
	var reading sync.WaitGroup
	reading.Go(func() { deliver(ctx, lines, coming) })
	defer func() {
		end()
		lines.Close()
		reading.Wait()
	}()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick:
			if err := r.Into.Commit(); err != nil {
				return err
			}
		case l := <-coming:
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case l.err != nil:
				return nil // whoever called comes back
			}
			if err := r.Into.Add(l.text); err != nil {
				return err
			}
		}
	}
}

// deliver reads lines until the connection or ctx ends.
func deliver(ctx context.Context, lines *client.EventLines, to chan<- line) {
	for {
		text, err := lines.Next()
		select {
		case to <- line{append([]byte(nil), text...), err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}
