package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/rosterhq/roster/events"
)

// ErrNotParked says that no such event is parked.
var ErrNotParked = errors.New("no such event is parked")

const (
	parkedPageSQL = `select name || '_v' || version, stream, sequence, event_id, type, aggregate, error, attempts, handler_version, parked_at
		from roster.parked where name || '_v' || version = $1 and sequence > $2 order by sequence limit $3`
	parkedOneSQL = `select headers::text from roster.parked where name || '_v' || version = $1 and sequence = $2`
	dropSQL      = `select roster.drop_parked($1, $2, $3, $4)`
)

// ParkedAfter lists the parked events of a projection (by its schema) behind a
// sequence, in order.
func ParkedAfter(ctx context.Context, db DB, projection string, after uint64, limit int) ([]ParkedEvent, error) {
	rows, err := db.Query(ctx, parkedPageSQL, projection, int64(after), limit)
	if err != nil {
		return nil, fmt.Errorf("list parked events: %w", err)
	}
	return collectParked(rows)
}

// ParkedHeaders returns one parked event with its headers. Its body stays sealed
// where it lies. Error: ErrNotParked.
func ParkedHeaders(ctx context.Context, db DB, projection string, sequence uint64) (ParkedEvent, events.Headers, error) {
	found, err := ParkedAfter(ctx, db, projection, sequence-1, 1)
	if err != nil {
		return ParkedEvent{}, nil, err
	}
	if len(found) == 0 || found[0].Sequence != sequence {
		return ParkedEvent{}, nil, fmt.Errorf("parked event %d of %s: %w", sequence, projection, ErrNotParked)
	}
	var text string
	err = db.QueryRow(ctx, parkedOneSQL, projection, int64(sequence)).Scan(&text)
	if errors.Is(err, pgx.ErrNoRows) {
		return ParkedEvent{}, nil, fmt.Errorf("parked event %d of %s: %w", sequence, projection, ErrNotParked)
	}
	if err != nil {
		return ParkedEvent{}, nil, fmt.Errorf("read parked event %d of %s: %w", sequence, projection, err)
	}
	var h events.Headers
	if err := json.Unmarshal([]byte(text), &h); err != nil {
		return ParkedEvent{}, nil, fmt.Errorf("read parked event %d of %s: %w", sequence, projection, err)
	}
	return found[0], h, nil
}

// DropParked leaves an event out of a read model for good, and asks for what waits
// behind it to be replayed. Who did it and why is kept. Error: ErrNotParked.
func DropParked(ctx context.Context, db DB, projection string, sequence uint64, by, reason string) error {
	var dropped int64
	if err := db.QueryRow(ctx, dropSQL, projection, int64(sequence), printable(by), printable(reason)).Scan(&dropped); err != nil {
		return fmt.Errorf("drop parked event %d of %s: %w", sequence, projection, err)
	}
	if dropped == 0 {
		return fmt.Errorf("drop parked event %d of %s: %w", sequence, projection, ErrNotParked)
	}
	return nil
}
