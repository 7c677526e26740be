package query

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Errors of queries.
var (
	// ErrNotFound says that no row is there (for the caller's eyes or at all).
	ErrNotFound = errors.New("not found")
	// ErrBadCursor says that a cursor was not made by this list.
	ErrBadCursor = errors.New("bad cursor")
	// ErrAhead says that a position was asked for that the log has not reached.
	ErrAhead = errors.New("position is beyond the log")
	// ErrUnavailable says that the read model could not be asked.
	ErrUnavailable = errors.New("read model is unavailable")
)

// failure names what was tried and sorts the error: what the caller may try
// again is ErrUnavailable.
func failure(ctx context.Context, what string, err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("%s: %w", what, ErrNotFound)
	}
	if cause := ctx.Err(); cause != nil {
		return fmt.Errorf("%s: %w", what, cause)
	}
	if unavailable(err) {
		return fmt.Errorf("%s: %w: %w", what, ErrUnavailable, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// unavailable tells trouble with the server from a mistake in a query: the
// server did not answer, refused, is over a limit, or has no such table yet.
func unavailable(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return true
	}
	switch pg.Code[:2] {
	case "08", "53", "57", "58": // connection, resources, operator, system
		return true
	}
	switch pg.Code {
	case "42P01", "3F000", "3D000", "25006", "40001", "40P01": // no table, schema, database yet; standby; retry
		return true
	}
	return false
}
