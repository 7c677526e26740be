// Package history is the read model of what happened to each user, organization,
// workspace, group and skill: the identity events themselves, as the log holds
// them, found by aggregate. Reading one aggregate from the log alone would touch a
// block of it for nearly every event.
//
// Events stay sealed: destroying a data key erases a person here as it does in the
// log. Rows come from any event, also of types that this release does not know.
package history

import (
	"context"
	"embed"
	"fmt"

	"github.com/google/uuid"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/projections/runtime"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Projection returns the read model.
func Projection() runtime.Projection {
	return runtime.Projection{
		Name: "history", Version: 1, Stream: events.Roster, Migrations: migrations,
		Handlers: []runtime.Handler{runtime.OnPublic(happened)},
	}
}

const happenedSQL = `insert into events (aggregate, position, kind, type, time, actor, dialect, headers, body)
	select * from unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::text[], $8::text[], $9::bytea[])
	on conflict do nothing`

func happened(_ context.Context, q runtime.Queue, m runtime.Event, e *runtime.Stored) error {
	of, err := uuid.Parse(m.Aggregate.ID)
	if err != nil {
		return fmt.Errorf("aggregate %s: %w", m.Aggregate, err)
	}
	r := events.RowOf(&e.Stored)
	runtime.Row(q, happenedSQL, [16]byte(of), int64(m.Sequence), string(m.Aggregate.Kind), string(m.Type), r.Time,
		r.Actor, m.Dialect, r.Headers, e.Data)
	return nil
}
