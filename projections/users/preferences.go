package users

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/projections/runtime"
)

// Both merge; the position guards them against a repeat, which could bring an older
// value back. Those who move in bring preferences along by the thousand, so setting
// takes a set; clearing is rare: $5 holds the names that are removed.
const (
	setPreferencesSQL = `insert into preferences (user_id, dialect, settings, created_at, updated_at, position)
		select user_id, dialect, settings::jsonb, updated_at, updated_at, position
		from unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::timestamptz[])
			as p (user_id, dialect, position, settings, updated_at)
	on conflict (user_id, dialect) do update set settings = preferences.settings || excluded.settings,
		updated_at = excluded.updated_at, position = excluded.position
	where preferences.position < excluded.position`
	clearPreferencesSQL = `insert into preferences (user_id, dialect, settings, created_at, updated_at, position)
		values ($1, $2, $4::jsonb, $6, $6, $3)
	on conflict (user_id, dialect) do update set settings = (preferences.settings || excluded.settings) - $5::text[],
		updated_at = excluded.updated_at, position = excluded.position
	where preferences.position < excluded.position`
)

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
	if len(removed) > 0 {
		q.Queue(clearPreferencesSQL, m.Aggregate.ID, e.Dialect, position(m), string(settings), removed, m.Time)
	} else {
		key := m.Aggregate.ID + "/" + e.Dialect
		runtime.KeyedRow(q, key, setPreferencesSQL, m.Aggregate.ID, e.Dialect, position(m), string(settings), m.Time)
	}
	if e.Private.Language != nil {
		q.Queue(languageSQL, m.Aggregate.ID, position(m), *e.Private.Language)
	}
	return nil
}
