package query

import (
	"context"
	"errors"
	"fmt"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query/internal/rows"
)

// eventPage is how many events are read from the model at once.
const eventPage = 500

// Past hands the identity events of an aggregate to f, opened, in their order, up to
// a sequence (0 for all). Those whose data key is erased come with an empty private
// part, those of a type that this release does not know without a payload. An
// error of f ends it and is returned.
func (q *Queries) Past(ctx context.Context, a events.Aggregate, last uint64, f func(events.Recorded) error) error {
	if q.log == nil {
		return errNoEvents
	}
	who := anybody
	if a.Kind == events.User {
		who = a.ID
	}
	if err := q.await(WithMinPosition(ctx, []events.Position{{Stream: events.Roster, Sequence: last}}), who, q.past); err != nil {
		return err
	}
	return q.ofAggregate(ctx, a, span{first: 1, last: last}, func(e events.Stored) error {
		opened, err := q.opened(ctx, e)
		if err != nil {
			return err
		}
		return f(opened)
	})
}

// opened opens an event that a model holds.
func (q *Queries) opened(ctx context.Context, e events.Stored) (events.Recorded, error) {
	opened, err := q.log.Open(ctx, e)
	if errors.Is(err, events.ErrUnknownType) {
		return events.Recorded{Meta: e.Meta, Stream: e.Stream, Sequence: e.Sequence}, nil
	}
	if err != nil {
		return events.Recorded{}, logFailure("open an event of the past", err)
	}
	return opened, nil
}

// DataKey returns a user's data key, or nil once it is erased.
func (q *Queries) DataKey(ctx context.Context, userID string) (*events.DataKey, error) {
	if q.log == nil {
		return nil, errNoEvents
	}
	key, err := q.log.DataKey(ctx, userID)
	if errors.Is(err, events.ErrErased) {
		return nil, nil //nolint:nilnil // no key is an answer: what it sealed is gone
	}
	if err != nil {
		return nil, logFailure("look for a data key", err)
	}
	return key, nil
}

// PrefetchKeys makes the following calls of DataKey cheap.
func (q *Queries) PrefetchKeys(ctx context.Context, userIDs []string) error {
	if q.log == nil {
		return errNoEvents
	}
	if err := q.log.PrefetchKeys(ctx, userIDs); err != nil {
		return logFailure("fetch data keys", err)
	}
	return nil
}

// Erased says whether the data key of a user was destroyed.
func (q *Queries) Erased(ctx context.Context, userID string) (bool, error) {
	key, err := q.DataKey(ctx, userID)
	return err == nil && key == nil, err
}

// OpenClient sets the address that an event's command came from. It stays empty
// where there is none, or where whose it is was erased.
func (q *Queries) OpenClient(ctx context.Context, m *events.Meta) error {
	if m.SealedClient == "" {
		return nil
	}
	key, err := q.DataKey(ctx, m.ClientOwner())
	if err != nil || key == nil {
		return err
	}
	return m.OpenClient(key)
}

// storedOf makes events of rows.
func storedOf(found []rows.Event) ([]events.Stored, error) {
	out := make([]events.Stored, len(found))
	for i, r := range found {
		row := events.Row{
			Position:  events.Position{Stream: events.Roster, Sequence: uint64(r.Position)},
			Aggregate: events.Aggregate{Kind: events.Kind(r.Kind), ID: r.Aggregate.String()},
			Type:      events.Type(r.Type), Time: r.Time.UTC(), Actor: r.Actor, Dialect: r.Dialect, Headers: r.Headers, Body: r.Body,
		}
		var err error
		if out[i], err = row.Stored(); err != nil {
			return nil, fmt.Errorf("read events: %w", err)
		}
	}
	return out, nil
}
