package query

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rosterhq/roster/events"
)

// EventFilter selects events of the log. Empty members select everything.
type EventFilter struct {
	Streams   []events.Stream
	Aggregate events.Aggregate
	// Types are names of types, or their begins, marked by "*" at the end.
	Types   []string
	Actor   string
	Dialect string
	// First and Last are positions; zero ones are the begin, and the end at the call.
	First, Last EventPlace
	// Since and Until bound the time of the envelope, both included.
	Since, Until time.Time
	// Backwards gives the newest first.
	Backwards bool
}

// EventPlace is a place in both streams.
type EventPlace struct{ Roster, Activity uint64 }

// In returns the sequence in a stream.
func (p *EventPlace) In(s events.Stream) *uint64 {
	if s == events.Activity {
		return &p.Activity
	}
	return &p.Roster
}

// String is a list of positions.
func (p EventPlace) String() string {
	return events.Position{Stream: events.Roster, Sequence: p.Roster}.String() + "," +
		events.Position{Stream: events.Activity, Sequence: p.Activity}.String()
}

// span is a range of sequences, both included; last 0 is the end.
type span struct {
	first, last uint64
	backwards   bool
}

func (s span) empty() bool { return s.last < s.first }

// EventReader reads what a filter selects, from a log that ends where it did when
// the reader was made.
type EventReader struct {
	q       *Queries
	filter  EventFilter
	streams []events.Stream
	spans   map[events.Stream]span
	// End is up to where the log is looked at.
	End EventPlace
}

// Events prepares the reading of events. A position beyond the log is ErrAhead.
func (q *Queries) Events(ctx context.Context, f EventFilter) (*EventReader, error) {
	if q.log == nil {
		return nil, errNoEvents
	}
	r := &EventReader{q: q, filter: f, streams: f.Streams, spans: map[events.Stream]span{}}
	if len(r.streams) == 0 {
		r.streams = []events.Stream{events.Roster, events.Activity}
	}
	if k := f.Aggregate.Kind; k != "" && k != events.User { // activities are about users
		r.streams = slices.DeleteFunc(slices.Clone(r.streams), func(s events.Stream) bool { return s == events.Activity })
	}
	for _, s := range r.streams {
		bounds, err := r.bounds(ctx, s)
		if err != nil {
			return nil, err
		}
		r.spans[s] = bounds
		*r.End.In(s) = bounds.last
	}
	return r, nil
}

// bounds finds the sequences of a stream that matter.
func (r *EventReader) bounds(ctx context.Context, s events.Stream) (span, error) {
	head, err := r.q.log.Head(ctx, s)
	if err != nil {
		return span{}, logFailure("read events", err)
	}
	first, last := max(*r.filter.First.In(s), 1), *r.filter.Last.In(s)
	switch {
	case first > head+1 || last > head:
		return span{}, fmt.Errorf("%s ends at %d: %w", s, head, ErrAhead)
	case last == 0:
		last = head
	}
	if !r.filter.Since.IsZero() {
		at, err := r.q.log.Before(ctx, s, r.filter.Since)
		if err != nil {
			return span{}, logFailure("read events", err)
		}
		first = max(first, at)
	}
	if !r.filter.Until.IsZero() {
		at, err := r.q.log.Behind(ctx, s, r.filter.Until)
		if err != nil {
			return span{}, logFailure("read events", err)
		}
		last = min(last, at)
	}
	return span{first: first, last: last, backwards: r.filter.Backwards}, nil
}

// Begin returns the position at which each stream begins to be read.
func (r *EventReader) Begin() map[events.Stream]uint64 {
	out := make(map[events.Stream]uint64, len(r.spans))
	for s, at := range r.spans {
		if out[s] = at.first; at.backwards {
			out[s] = at.last
		}
	}
	return out
}

// ErrEnough ends a reading that has what it wants: Each then returns nil.
var ErrEnough = errors.New("enough events")

// Each hands over the events, in their order: each stream in its own; of both, the
// one with the earlier time first (the later one, backwards). An error of f ends it
// and is returned.
func (r *EventReader) Each(ctx context.Context, f func(*events.Stored) error) error {
	var err error
	switch sources := r.sources(); len(sources) {
	case 0:
	case 1:
		err = sources[0](ctx, f)
	default:
		err = r.merge(ctx, sources, f)
	}
	if errors.Is(err, ErrEnough) {
		return nil
	}
	return err
}

// source hands over the events of one stream that the filter selects.
type source func(ctx context.Context, f func(*events.Stored) error) error

func (r *EventReader) sources() []source {
	out := make([]source, 0, len(r.streams))
	for _, s := range r.streams {
		bounds := r.spans[s]
		if bounds.empty() {
			continue
		}
		read := r.scan
		switch {
		case s == events.Activity && r.filter.Aggregate.ID != "":
			read = r.activitiesOf
		case s == events.Roster && r.filter.selective():
			read = r.indexed
		}
		out = append(out, func(ctx context.Context, f func(*events.Stored) error) error {
			return read(ctx, s, bounds, func(e events.Stored) error {
				if !r.filter.Selects(&e) {
					return nil
				}
				return f(&e)
			})
		})
	}
	if r.filter.Backwards { // of the same time, the one that comes last the other way is first
		slices.Reverse(out)
	}
	return out
}

// selective says that an index of the read model helps.
func (f *EventFilter) selective() bool {
	return f.Aggregate.ID != "" || f.Actor != "" || len(f.Types) > 0
}

// Selects says whether an event is of those that the filter asks for, positions
// and streams apart.
func (f *EventFilter) Selects(e *events.Stored) bool {
	m := &e.Meta
	switch {
	case f.Aggregate.ID != "" && m.Aggregate != f.Aggregate,
		f.Actor != "" && m.Actor != f.Actor,
		f.Dialect != "" && m.Dialect != f.Dialect,
		!f.Since.IsZero() && m.Time.Before(f.Since),
		!f.Until.IsZero() && m.Time.After(f.Until):
		return false
	}
	return len(f.Types) == 0 || slices.ContainsFunc(f.Types, func(wanted string) bool { return typeMatches(wanted, m.Type) })
}

func typeMatches(wanted string, t events.Type) bool {
	if begin, open := strings.CutSuffix(wanted, "*"); open {
		return strings.HasPrefix(string(t), begin)
	}
	return wanted == string(t)
}

// merge reads several streams at once and puts them in order of time, without
// changing the order of any of them.
func (r *EventReader) merge(ctx context.Context, sources []source, f func(*events.Stored) error) error {
	ctx, stop := context.WithCancel(ctx)
	lanes := make([]*lane, len(sources))
	for i, read := range sources {
		lanes[i] = newLane()
		go lanes[i].run(ctx, read)
	}
	err := r.inOrder(lanes, f)
	stop()
	for _, l := range lanes {
		l.drain()
	}
	return err
}

func (r *EventReader) inOrder(lanes []*lane, f func(*events.Stored) error) error {
	for {
		var next *lane
		for _, l := range lanes {
			e := l.peek()
			if e == nil {
				if l.err != nil {
					return l.err
				}
				continue
			}
			if next == nil || r.before(e, next.peek()) {
				next = l
			}
		}
		if next == nil {
			return nil
		}
		if err := f(next.take()); err != nil {
			return err
		}
	}
}

func (r *EventReader) before(a, b *events.Stored) bool {
	if r.filter.Backwards {
		return a.Meta.Time.After(b.Meta.Time)
	}
	return a.Meta.Time.Before(b.Meta.Time)
}

// laneBatch is how many events go over from a lane at once: one at a time would
// cost more than reading them.
const laneBatch = 64

// lane reads one stream ahead of who merges, by a bounded number of events.
type lane struct {
	batches chan []events.Stored
	err     error // why it ended; valid when batches is closed
	ready   []events.Stored
}

func newLane() *lane { return &lane{batches: make(chan []events.Stored, 2)} }

func (l *lane) run(ctx context.Context, read source) {
	defer close(l.batches)
	batch := make([]events.Stored, 0, laneBatch)
	send := func() error {
		select {
		case l.batches <- batch:
			batch = make([]events.Stored, 0, laneBatch)
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	l.err = read(ctx, func(e *events.Stored) error {
		if batch = append(batch, *e); len(batch) < laneBatch {
			return nil
		}
		return send()
	})
	if l.err == nil && len(batch) > 0 {
		l.err = send()
	}
}

// peek returns the next event, or nil at the end.
func (l *lane) peek() *events.Stored {
	if len(l.ready) == 0 {
		l.ready = <-l.batches
	}
	if len(l.ready) == 0 {
		return nil
	}
	return &l.ready[0]
}

func (l *lane) take() *events.Stored {
	e := &l.ready[0]
	l.ready = l.ready[1:]
	return e
}

// drain waits until the reading has ended.
func (l *lane) drain() {
	for range l.batches {
		continue // what is left is of no interest
	}
}
