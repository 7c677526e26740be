package credentials

import (
	"context"
	"fmt"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/projections/runtime"
)

// Memberships are a list in the account's row, in the order of joining. Whether an
// organization lives is kept beside, since its end is no event of its members.
const (
	// The place $3, a list of one, in the stead of the one in the same organization.
	joinSQL = `update accounts set position = $2, memberships = case
			when memberships @> jsonb_build_array(jsonb_build_object('organization', $4::text))
			then (select jsonb_agg(case when m ->> 'organization' = $4 then $3::jsonb -> 0 else m end order by n)
				from jsonb_array_elements(memberships) with ordinality as x (m, n))
			else memberships || $3::jsonb end
		where user_id = $1 and position < $2`
	organizationRolesSQL = `update accounts set position = $2, memberships = coalesce((
			select jsonb_agg(case when m ->> 'organization' = $4 then $3::jsonb -> 0 else m end order by n)
			from jsonb_array_elements(memberships) with ordinality as x (m, n)), '[]')
		where user_id = $1 and position < $2`
	leaveSQL = `update accounts set position = $2, memberships = coalesce((
			select jsonb_agg(m order by n) from jsonb_array_elements(memberships) with ordinality as x (m, n)
			where m ->> 'organization' <> $3), '[]')
		where user_id = $1 and position < $2`
	organizationSQL = `insert into organization_states as o (organization_id, live, position) values ($1, $2, $3)
		on conflict (organization_id) do update set live = excluded.live, position = excluded.position
		where o.position < excluded.position`
)

func membershipAdded(_ context.Context, q runtime.Queue, m runtime.Event, e *events.UserMembershipAdded) error {
	return place(q, m, joinSQL, e.Membership)
}

func organizationRolesAssigned(_ context.Context, q runtime.Queue, m runtime.Event, e *events.UserOrganizationRolesAssigned) error {
	return place(q, m, organizationRolesSQL, events.Membership{Organization: e.Organization, Roles: e.Roles})
}

func place(q runtime.Queue, m runtime.Event, sql string, p events.Membership) error {
	one, err := list([]events.Membership{p})
	if err != nil {
		return fmt.Errorf("membership: %w", err)
	}
	q.Queue(sql, m.Aggregate.ID, position(m), one, p.Organization)
	return nil
}

func membershipRemoved(_ context.Context, q runtime.Queue, m runtime.Event, e *events.UserMembershipRemoved) error {
	q.Queue(leaveSQL, m.Aggregate.ID, position(m), e.Organization)
	return nil
}

func organizationCreated(_ context.Context, q runtime.Queue, m runtime.Event, _ *events.OrganizationCreated) error {
	q.Queue(organizationSQL, m.Aggregate.ID, true, position(m))
	return nil
}

func organizationDeleted(_ context.Context, q runtime.Queue, m runtime.Event, _ *events.OrganizationDeleted) error {
	q.Queue(organizationSQL, m.Aggregate.ID, false, position(m))
	return nil
}
