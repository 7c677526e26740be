package users

import (
	"context"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/projections/runtime"
)

const organizationSQL = `insert into organizations (id, name, display_name, is_default, created_at, updated_at)
	values ($1, $2, $3, $4, $5, $5) on conflict (id) do nothing`

func organizationCreated(_ context.Context, q runtime.Queue, m runtime.Event, e *events.OrganizationCreated) error {
	q.Queue(organizationSQL, m.Aggregate.ID, e.Name, e.DisplayName, e.Default, m.Time)
	return nil
}
