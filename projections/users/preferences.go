package users

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/projections/runtime"
)

// preferencesSQL merges: $4 holds what is set, $5 the names that are removed. The
// position guards it against a repeat, which could bring an older value back.
const preferencesSQL = `insert into preferences (user_id, dialect, settings, created_at, updated_at, position)
		values ($1, $2, $4::jsonb, $6, $6, $3)
	on conflict (user_id, dialect) do update set settings = (preferences.settings || excluded.settings) - $5::text[],
		updated_at = excluded.updated_at, position = excluded.position
	where preferences.position < excluded.position`

func preferencesUpdated(_ context.Context, q runtime.Queue, m runtime.Event, e *events.UserPreferencesUpdated) error {
	set := make(map[string]any, len(e.Private.Changes))
	removed := []string{}
	for name, value := range e.Private.Changes {
		if value == nil {
			removed = append(removed, name)
		} else {
			set[name] = value
		}
	}
	settings, err := json.Marshal(set)
	if err != nil {
		return fmt.Errorf("preferences: %w", err)
	}
	q.Queue(preferencesSQL, m.Aggregate.ID, e.Dialect, position(m), string(settings), removed, m.Time)
	if e.Private.Language != nil {
		q.Queue(languageSQL, m.Aggregate.ID, position(m), *e.Private.Language)
	}
	return nil
}
