// Package activity is the read model of the feed: what users did, and how many of
// each type, over all time.
package activity

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/projections/runtime"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Projection returns the read model.
func Projection() runtime.Projection {
	return runtime.Projection{
		Name: "activity", Version: 1, Stream: events.Activity, Migrations: migrations,
		Handlers: []runtime.Handler{runtime.On(recorded)},
	}
}

// recordedSQL counts an activity only when its row is new, so that a repeat
// changes nothing.
const recordedSQL = `with fresh as (
		insert into activities (sequence, user_id, type, action, entity_id, entity_title, entity_url, entity_created_at,
			project_id, project_name, workspace, count, assignee, due, occurred_at, recorded_at, source, source_id, metadata)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
		on conflict (sequence) do nothing
		returning user_id, type)
	insert into activity_totals (user_id, type, total) select user_id, type, 1 from fresh
	on conflict (user_id, type) do update set total = activity_totals.total + 1`

func recorded(_ context.Context, q runtime.Queue, m runtime.Event, e *events.ActivityRecorded) error {
	var metadata *string
	if len(e.Private.Metadata) > 0 {
		data, err := json.Marshal(e.Private.Metadata)
		if err != nil {
			return fmt.Errorf("metadata: %w", err)
		}
		text := string(data)
		metadata = &text
	}
	q.Queue(recordedSQL, int64(m.Sequence), //nolint:gosec // sequences stay far below 2^63
		e.User, string(e.Type), e.Action, e.EntityID, e.Private.EntityTitle, e.Private.EntityURL, e.EntityCreatedAt,
		e.ProjectID, e.Private.ProjectName, e.Workspace, e.Count, e.Assignee, e.Due, e.OccurredAt, m.Time,
		m.Source, e.SourceID, metadata)
	return nil
}
