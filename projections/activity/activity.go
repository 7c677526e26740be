// Package activity is the read model of the feed: what users did, and how many of
// each type, over all time.
package activity

import (
	"context"
	"embed"

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

// recordedSQL takes a set of activities. It counts one only when its row is new,
// so that a repeat changes nothing.
const recordedSQL = `with fresh as (
		insert into activities (sequence, user_id, type, action, entity_id, entity_title, entity_url, entity_created_at,
			project_id, project_name, workspace, count, assignee, due, occurred_at, recorded_at, source, source_id, metadata)
		select sequence, user_id, type, action, entity_id, entity_title, entity_url, entity_created_at,
			project_id, project_name, workspace, count, assignee, due, occurred_at, recorded_at, source, source_id, metadata::jsonb
		from unnest($1::bigint[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[],
			$9::text[], $10::text[], $11::text[], $12::bigint[], $13::text[], $14::timestamptz[], $15::timestamptz[],
			$16::timestamptz[], $17::text[], $18::text[], $19::text[])
			as a (sequence, user_id, type, action, entity_id, entity_title, entity_url, entity_created_at,
			project_id, project_name, workspace, count, assignee, due, occurred_at, recorded_at, source, source_id, metadata)
		on conflict (sequence) do nothing
		returning user_id, type)
	insert into activity_totals (user_id, type, total) select user_id, type, count(*) from fresh group by user_id, type
	on conflict (user_id, type) do update set total = activity_totals.total + excluded.total`

// forgetSQL leaves what a replay without the person's data key leaves.
const forgetSQL = `update activities set entity_title = '', entity_url = '', project_name = '', metadata = null
	where user_id = $1 and sequence < $2`

func recorded(_ context.Context, q runtime.Queue, m runtime.Event, e *events.ActivityRecorded) error {
	if e.Type == events.AccountActivity && m.Source == events.AccountSource && e.Action == events.ErasedAction {
		defer q.Queue(forgetSQL, e.User, int64(m.Sequence))
	}
	var metadata *string
	if len(e.Private.Metadata) > 0 {
		text := string(e.Private.Metadata)
		metadata = &text
	}
	runtime.Row(q, recordedSQL, int64(m.Sequence),
		e.User, string(e.Type), e.Action, e.EntityID, e.Private.EntityTitle, e.Private.EntityURL, e.EntityCreatedAt,
		e.ProjectID, e.Private.ProjectName, e.Workspace, e.Count, e.Assignee, e.Due, e.OccurredAt, m.Time,
		m.Source, e.SourceID, metadata)
	return nil
}
