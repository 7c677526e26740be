package users

import (
	"context"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/projections/runtime"
)

// A place that is taken again keeps its rank among the user's others, as in the
// write side's state.
const (
	membershipSQL = `insert into memberships as m (user_id, organization_id, roles, joined, place, position)
			values ($1, $2, $3, $4, 1, $4)
		on conflict (user_id, organization_id) do update set roles = excluded.roles, position = excluded.position
		where m.position < excluded.position`
	membershipRolesSQL = `update memberships set roles = $3, position = $4
		where user_id = $1 and organization_id = $2 and position < $4`
	leaveSQL = `delete from memberships where user_id = $1 and organization_id = $2 and position < $3`
)

func membershipAdded(_ context.Context, q runtime.Queue, m runtime.Event, e *events.UserMembershipAdded) error {
	q.Queue(membershipSQL, m.Aggregate.ID, e.Organization, texts(e.Roles), position(m))
	return nil
}

func membershipRemoved(_ context.Context, q runtime.Queue, m runtime.Event, e *events.UserMembershipRemoved) error {
	q.Queue(leaveSQL, m.Aggregate.ID, e.Organization, position(m))
	return nil
}

func organizationRolesAssigned(_ context.Context, q runtime.Queue, m runtime.Event, e *events.UserOrganizationRolesAssigned) error {
	q.Queue(membershipRolesSQL, m.Aggregate.ID, e.Organization, texts(e.Roles), position(m))
	return nil
}

// texts is a list for an array column: none is empty, not null.
func texts(in []string) []string {
	if in == nil {
		return []string{}
	}
	return in
}
