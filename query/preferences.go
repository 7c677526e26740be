package query

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rosterhq/roster/query/internal/rows"
)

// Preferences of one dialect.
type Preferences struct {
	Values    map[string]any
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Preferences returns the preferences of a dialect; ErrNotFound before they
// were first written. What is returned is shared: it must not be changed.
func (q *Queries) Preferences(ctx context.Context, userID, dialect string) (Preferences, error) {
	id, err := parseID(userID)
	if err != nil || !storable(dialect) {
		return Preferences{}, failure(ctx, "read preferences", errNoRow)
	}
	if q.trusted(ctx) {
		if p, found, ok := q.memory.preferences(userID, dialect); ok {
			return p, neverWritten(found)
		}
	}
	if err := q.await(ctx, userID, q.users); err != nil {
		return Preferences{}, err
	}
	at := q.users.reached.Load()
	row, err := q.rows.UserPreferences(ctx, rows.UserPreferencesParams{UserID: id, Dialect: dialect})
	if errors.Is(err, pgx.ErrNoRows) {
		q.memory.keepPreferences(userID, dialect, Preferences{}, 0, at)
	}
	if err != nil {
		return Preferences{}, failure(ctx, "read preferences", err)
	}
	p := Preferences{CreatedAt: row.CreatedAt, UpdatedAt: row.UpdatedAt}
	if err := json.Unmarshal(row.Settings, &p.Values); err != nil {
		return Preferences{}, fmt.Errorf("read the preferences of user %s: %w", userID, err)
	}
	q.memory.keepPreferences(userID, dialect, p, len(row.Settings), at)
	return p, nil
}

func neverWritten(found bool) error {
	if found {
		return nil
	}
	return fmt.Errorf("read preferences: %w", ErrNotFound)
}

// PreferencesOfUsers returns the preferences of a dialect of each of some users who
// wrote them.
func (q *Queries) PreferencesOfUsers(ctx context.Context, userIDs []string, dialect string) (map[string]Preferences, error) {
	if err := q.awaitAll(ctx, userIDs, q.users); err != nil {
		return nil, err
	}
	found, err := q.rows.PreferencesOfUsers(ctx, rows.PreferencesOfUsersParams{UserIds: idsOf(userIDs), Dialect: dialect})
	if err != nil {
		return nil, failure(ctx, "read the preferences of users", err)
	}
	out := make(map[string]Preferences, len(found))
	for _, row := range found {
		p := Preferences{CreatedAt: row.CreatedAt, UpdatedAt: row.UpdatedAt}
		if err := json.Unmarshal(row.Settings, &p.Values); err != nil {
			return nil, fmt.Errorf("read the preferences of user %s: %w", row.UserID.String(), err)
		}
		out[row.UserID.String()] = p
	}
	return out, nil
}
