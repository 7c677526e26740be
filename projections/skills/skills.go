// Package skills is the read model of personal skills. A deleted skill's row goes;
// the skills of a deleted user stay, marked by their owner's departure, and readers
// leave them out.
package skills

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
		Name: "skills", Version: 1, Stream: events.Roster, Migrations: migrations,
		Handlers: []runtime.Handler{
			runtime.On(created),
			runtime.On(updated),
			runtime.OnPublic(deleted),
			runtime.OnPublic(ownerDeleted),
			runtime.OnPublic(ownerErased),
		},
	}
}

const (
	createdSQL = `insert into skills (id, owner, name, description, content, created_at, updated_at, position)
		values ($1, $2, $3, $4, $5, $6, $6, $7) on conflict (id) do nothing`
	updatedSQL = `update skills set description = $3, content = $4, updated_at = $5, position = $2
		where id = $1 and position < $2`
	deletedSQL   = `delete from skills where id = $1`
	forgottenSQL = `update skills set name = '', description = '', content = '' where owner = $1 and position < $2`
	departedSQL  = `insert into departed_owners (user_id) values ($1) on conflict do nothing`
)

func created(_ context.Context, q runtime.Queue, m runtime.Event, e *events.SkillCreated) error {
	q.Queue(createdSQL, m.Aggregate.ID, e.Owner, e.Private.Name, e.Private.Description, e.Private.Content, m.Time, int64(m.Sequence))
	return nil
}

func updated(_ context.Context, q runtime.Queue, m runtime.Event, e *events.SkillUpdated) error {
	q.Queue(updatedSQL, m.Aggregate.ID, int64(m.Sequence), e.Private.Description, e.Private.Content, m.Time)
	return nil
}

func deleted(_ context.Context, q runtime.Queue, m runtime.Event, _ *events.SkillDeleted) error {
	q.Queue(deletedSQL, m.Aggregate.ID)
	return nil
}

func ownerDeleted(_ context.Context, q runtime.Queue, m runtime.Event, _ *events.UserDeleted) error {
	q.Queue(departedSQL, m.Aggregate.ID)
	return nil
}

// ownerErased leaves what a replay without the person's data key leaves.
func ownerErased(_ context.Context, q runtime.Queue, m runtime.Event, _ *events.UserErased) error {
	q.Queue(forgottenSQL, m.Aggregate.ID, int64(m.Sequence))
	return nil
}
