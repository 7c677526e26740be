package users

import (
	"context"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/projections/runtime"
)

const (
	organizationSQL = `insert into organizations (id, number, name, display_name, description, icon, is_default,
			created_at, updated_at, position)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9) on conflict (id) do nothing`
	organizationUpdateSQL = `update organizations set name = coalesce($3, name), display_name = coalesce($4, display_name),
			description = coalesce($5, description), icon = coalesce($6, icon), updated_at = $7, position = $2
		where id = $1 and position < $2`
	organizationEndSQL = `update organizations set deleted = true, updated_at = $3, position = $2 where id = $1 and position < $2`
)

func organizationCreated(_ context.Context, q runtime.Queue, m runtime.Event, e *events.OrganizationCreated) error {
	q.Queue(organizationSQL, m.Aggregate.ID, e.Number, e.Name, e.DisplayName, e.Description, e.Icon, e.Default, m.Time, position(m))
	return nil
}

func organizationUpdated(_ context.Context, q runtime.Queue, m runtime.Event, e *events.OrganizationUpdated) error {
	q.Queue(organizationUpdateSQL, m.Aggregate.ID, position(m), e.Name, e.DisplayName, e.Description, e.Icon, m.Time)
	return nil
}

func organizationDeleted(_ context.Context, q runtime.Queue, m runtime.Event, _ *events.OrganizationDeleted) error {
	q.Queue(organizationEndSQL, m.Aggregate.ID, position(m), m.Time)
	return nil
}
