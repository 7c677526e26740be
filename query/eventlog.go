package query

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rosterhq/roster/events"
)

// EventLog is what reads of events need of the log.
type EventLog interface {
	// Head returns the last sequence of a stream.
	Head(ctx context.Context, s events.Stream) (uint64, error)
	// Scan hands over the events from one sequence to another, in order, sealed.
	Scan(ctx context.Context, s events.Stream, from, to uint64, f func(events.Stored) error) error
	// At returns the events at some sequences, sealed.
	At(ctx context.Context, s events.Stream, sequences []uint64) ([]events.Stored, error)
	// Before returns a sequence before which no event has a time of t or later.
	Before(ctx context.Context, s events.Stream, t time.Time) (uint64, error)
	// Behind returns a sequence from which on no event has a time of t or earlier.
	Behind(ctx context.Context, s events.Stream, t time.Time) (uint64, error)
	// Open reads an event that was delivered sealed.
	Open(ctx context.Context, e events.Stored) (events.Recorded, error)
	// DataKey returns a user's key, or events.ErrErased.
	DataKey(ctx context.Context, userID string) (*events.DataKey, error)
	// PrefetchKeys makes the following calls of DataKey cheap.
	PrefetchKeys(ctx context.Context, userIDs []string) error
}

// errNoEvents says that this process reads no events.
var errNoEvents = fmt.Errorf("%w: events are not read here", ErrUnavailable)

// logFailure names what was tried and sorts an error of the log.
func logFailure(what string, err error) error {
	if errors.Is(err, events.ErrUnavailable) {
		return fmt.Errorf("%s: %w: %w", what, ErrUnavailable, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}
