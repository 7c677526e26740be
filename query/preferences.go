package query

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/rosterhq/roster/query/internal/rows"
)

// Preferences of one dialect.
type Preferences struct {
	Values    map[string]any
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Preferences returns the preferences of a dialect; ErrNotFound before they
// were first written.
func (q *Queries) Preferences(ctx context.Context, userID, dialect string) (Preferences, error) {
	id, err := parseID(userID)
	if err != nil || !storable(dialect) {
		return Preferences{}, failure(ctx, "read preferences", errNoRow)
	}
	if err := q.await(ctx, userID, q.users); err != nil {
		return Preferences{}, err
	}
	row, err := q.rows.UserPreferences(ctx, rows.UserPreferencesParams{UserID: id, Dialect: dialect})
	if err != nil {
		return Preferences{}, failure(ctx, "read preferences", err)
	}
	p := Preferences{CreatedAt: row.CreatedAt, UpdatedAt: row.UpdatedAt}
	if err := json.Unmarshal(row.Settings, &p.Values); err != nil {
		return Preferences{}, fmt.Errorf("read the preferences of user %s: %w", userID, err)
	}
	return p, nil
}
