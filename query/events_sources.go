package query

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query/internal/rows"
)

const (
	// scanWindow is how many positions are read at once where the newest comes first.
	scanWindow = 2000
	// typesAtMost is how many types are looked up by index; of more the log is read.
	typesAtMost = 8
)

// scan reads the log itself.
func (r *EventReader) scan(ctx context.Context, s events.Stream, at span, f func(events.Stored) error) error {
	if !at.backwards {
		return r.scanned(r.q.log.Scan(ctx, s, at.first, at.last, f))
	}
	window := make([]events.Stored, 0, scanWindow)
	for last := at.last; last >= at.first; {
		first := at.first
		if last-at.first >= scanWindow {
			first = last - scanWindow + 1
		}
		window = window[:0]
		if err := r.scanned(r.q.log.Scan(ctx, s, first, last, func(e events.Stored) error {
			window = append(window, e)
			return nil
		})); err != nil {
			return err
		}
		for _, e := range slices.Backward(window) {
			if err := f(e); err != nil {
				return err
			}
		}
		last = first - 1
	}
	return nil
}

func (r *EventReader) scanned(err error) error {
	if err != nil {
		return logFailure("read events", err)
	}
	return nil
}

// split reads the part of a span that a model holds from there, and the rest, which
// the model does not have yet, from the log.
func (r *EventReader) split(ctx context.Context, s events.Stream, at span, reached uint64, f func(events.Stored) error,
	held func(span) error,
) error {
	known, rest := at, at
	known.last, rest.first = min(at.last, reached), max(at.first, reached+1)
	fromModel := func() error {
		if known.empty() {
			return nil
		}
		return held(known)
	}
	fromLog := func() error {
		if rest.empty() {
			return nil
		}
		return r.scan(ctx, s, rest, f)
	}
	if at.backwards {
		fromModel, fromLog = fromLog, fromModel
	}
	if err := fromModel(); err != nil {
		return err
	}
	return fromLog()
}

// indexed reads identity events by what the read model has an index for.
func (r *EventReader) indexed(ctx context.Context, s events.Stream, at span, f func(events.Stored) error) error {
	reached := r.q.past.reached.Load()
	switch {
	case r.filter.Aggregate.ID != "":
		return r.split(ctx, s, at, reached, f, func(known span) error { return r.q.ofAggregate(ctx, r.filter.Aggregate, known, f) })
	case r.filter.Actor != "":
		return r.split(ctx, s, at, reached, f, func(known span) error { return r.q.byActor(ctx, r.filter.Actor, known, f) })
	}
	types, err := r.q.typesOf(ctx, r.filter.Types)
	if err != nil {
		return err
	}
	if len(types) > typesAtMost {
		return r.scan(ctx, s, at, f)
	}
	return r.split(ctx, s, at, reached, f, func(known span) error { return r.q.ofTypes(ctx, types, known, f) })
}

// activitiesOf finds where a user's activities lie, and reads them there.
func (r *EventReader) activitiesOf(ctx context.Context, s events.Stream, at span, f func(events.Stored) error) error {
	user, err := parseID(r.filter.Aggregate.ID)
	if err != nil {
		return nil //nolint:nilerr // nobody did nothing
	}
	held := func(known span) error {
		return r.q.pages(known, func(known span) (int, uint64, error) {
			sequences, err := r.q.activitiesBetween(ctx, user, known)
			if err != nil || len(sequences) == 0 {
				return 0, 0, err
			}
			found, err := r.q.log.At(ctx, s, sequences)
			if err != nil {
				return 0, 0, logFailure("read activities", err)
			}
			return len(sequences), sequences[len(sequences)-1], handAll(found, f)
		})
	}
	return r.split(ctx, s, at, r.q.activity.reached.Load(), f, held)
}

// pages reads a span page by page: read returns how many there were, and where the
// last one was.
func (q *Queries) pages(at span, read func(span) (n int, last uint64, err error)) error {
	for !at.empty() {
		n, last, err := read(at)
		if err != nil || n < eventPage {
			return err
		}
		if at.backwards {
			at.last = last - 1
		} else {
			at.first = last + 1
		}
	}
	return nil
}

func handAll(found []events.Stored, f func(events.Stored) error) error {
	for _, e := range found {
		if err := f(e); err != nil {
			return err
		}
	}
	return nil
}

// eventPages reads rows of the history page by page.
func (q *Queries) eventPages(ctx context.Context, at span, f func(events.Stored) error, read func(span) ([]rows.Event, error)) error {
	if at.last == 0 {
		at.last = 1<<63 - 1
	}
	return q.pages(at, func(at span) (int, uint64, error) {
		found, err := read(at)
		if err != nil {
			return 0, 0, failure(ctx, "read events", err)
		}
		stored, err := storedOf(found)
		if err != nil || len(stored) == 0 {
			return 0, 0, err
		}
		return len(stored), stored[len(stored)-1].Sequence, handAll(stored, f)
	})
}

// ofAggregate reads the identity events of an aggregate.
func (q *Queries) ofAggregate(ctx context.Context, a events.Aggregate, at span, f func(events.Stored) error) error {
	id, err := parseID(a.ID)
	if err != nil {
		return nil //nolint:nilerr // there is no such aggregate
	}
	return q.eventPages(ctx, at, f, func(at span) ([]rows.Event, error) {
		p := rows.EventsOfAggregateParams{
			Aggregate: id, Kind: string(a.Kind), First: bigint(at.first), Last: bigint(at.last), PageSize: eventPage,
		}
		if at.backwards {
			return q.rows.EventsOfAggregateBackwards(ctx, rows.EventsOfAggregateBackwardsParams(p))
		}
		return q.rows.EventsOfAggregate(ctx, p)
	})
}

// byActor reads the identity events that an actor caused.
func (q *Queries) byActor(ctx context.Context, actor string, at span, f func(events.Stored) error) error {
	if !storable(actor) {
		return nil
	}
	id, err := parseID(actor)
	if err != nil {
		id = pgtype.UUID{} // the system, say: there is nothing about it
	}
	return q.eventPages(ctx, at, f, func(at span) ([]rows.Event, error) {
		p := rows.EventsByActorParams{
			Actor: actor, ActorID: id, First: bigint(at.first), Last: bigint(at.last), PageSize: eventPage,
		}
		if at.backwards {
			return q.rows.EventsByActorBackwards(ctx, rows.EventsByActorBackwardsParams(p))
		}
		return q.rows.EventsByActor(ctx, p)
	})
}

// typesOf lists the types in the history that patterns select.
func (q *Queries) typesOf(ctx context.Context, patterns []string) ([]string, error) {
	all, err := q.rows.EventTypes(ctx)
	if err != nil {
		return nil, failure(ctx, "list the types of events", err)
	}
	return slices.DeleteFunc(all, func(t string) bool {
		return !slices.ContainsFunc(patterns, func(p string) bool { return typeMatches(p, events.Type(t)) })
	}), nil
}

// ofTypes reads the identity events of some types.
func (q *Queries) ofTypes(ctx context.Context, types []string, at span, f func(events.Stored) error) error {
	if len(types) == 0 {
		return nil
	}
	return q.eventPages(ctx, at, f, func(at span) ([]rows.Event, error) {
		p := rows.EventsOfTypesParams{Types: types, First: bigint(at.first), Last: bigint(at.last), PageSize: eventPage}
		if at.backwards {
			return q.rows.EventsOfTypesBackwards(ctx, rows.EventsOfTypesBackwardsParams(p))
		}
		return q.rows.EventsOfTypes(ctx, p)
	})
}

func (q *Queries) activitiesBetween(ctx context.Context, user pgtype.UUID, at span) ([]uint64, error) {
	p := rows.ActivitiesBetweenParams{UserID: user, First: bigint(at.first), Last: bigint(at.last), PageSize: eventPage}
	read := q.rows.ActivitiesBetween
	if at.backwards {
		read = func(ctx context.Context, p rows.ActivitiesBetweenParams) ([]int64, error) {
			return q.rows.ActivitiesBetweenBackwards(ctx, rows.ActivitiesBetweenBackwardsParams(p))
		}
	}
	found, err := read(ctx, p)
	if err != nil {
		return nil, failure(ctx, "look for activities", err)
	}
	out := make([]uint64, len(found))
	for i, sequence := range found {
		out[i] = uint64(sequence)
	}
	return out, nil
}
