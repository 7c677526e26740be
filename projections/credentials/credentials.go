// Package credentials is the read model that a credential check reads: what
// matters of each account, its sessions and its API keys, and which organizations
// live.
//
// Keys of an older credentials epoch than the account's are dead and removed; so
// are all keys of a deleted account. Expired keys stay until someone removes them, or
// an event says that they were swept: a projection has no clock.
package credentials

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/projections/runtime"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Projection returns the read model.
func Projection() runtime.Projection {
	return runtime.Projection{
		Name: "credentials", Version: 2, Stream: events.Roster, Migrations: migrations,
		Handlers: []runtime.Handler{
			runtime.OnPublic(registered),
			runtime.OnPublic(rolesAssigned),
			runtime.OnPublic(suspended),
			runtime.OnPublic(activated),
			runtime.OnPublic(becameDormant),
			runtime.OnPublic(confirmed),
			runtime.OnPublic(deleted),
			runtime.OnPublic(passwordSet),
			runtime.OnPublic(membershipAdded),
			runtime.OnPublic(membershipRemoved),
			runtime.OnPublic(organizationRolesAssigned),
			runtime.On(sessionOpened),
			runtime.OnPublic(sessionRefreshed),
			runtime.OnPublic(sessionClosed),
			runtime.On(keyCreated),
			runtime.On(keyRegenerated),
			runtime.OnPublic(keyExpired),
			runtime.OnPublic(keyDeleted),
			runtime.OnPublic(swept),
			runtime.OnPublic(organizationCreated),
			runtime.OnPublic(organizationDeleted),
		},
	}
}

const (
	// Many register at once, so this one takes a set; roles are joined by commas.
	registeredSQL = `insert into accounts (user_id, status, confirmed, roles, memberships, position)
		select user_id, status, confirmed, string_to_array(roles, ','), memberships::jsonb, position
		from unnest($1::uuid[], $2::text[], $3::boolean[], $4::text[], $5::text[], $6::bigint[])
			as a (user_id, status, confirmed, roles, memberships, position)
		on conflict (user_id) do nothing`
	rolesSQL     = `update accounts set roles = $3, position = $2 where user_id = $1 and position < $2`
	statusSQL    = `update accounts set status = $3, position = $2 where user_id = $1 and position < $2`
	confirmedSQL = `update accounts set confirmed = true, position = $2 where user_id = $1 and position < $2`
	epochSQL     = `update accounts set epoch = epoch + 1, position = $2 where user_id = $1 and position < $2`
	revokeSQL    = `delete from keys k using accounts a
		where k.user_id = $1 and a.user_id = $1 and k.epoch < a.epoch`
	purgeSQL = `delete from keys where user_id = $1`
)

func registered(_ context.Context, q runtime.Queue, m runtime.Event, e *events.UserRegistered) error {
	memberships, err := list(e.Memberships)
	if err != nil {
		return fmt.Errorf("memberships: %w", err)
	}
	runtime.Row(q, registeredSQL, m.Aggregate.ID, string(e.Status), e.Confirmed, strings.Join(roles(e.Roles), ","), memberships, position(m))
	return nil
}

func rolesAssigned(_ context.Context, q runtime.Queue, m runtime.Event, e *events.UserRolesAssigned) error {
	q.Queue(rolesSQL, m.Aggregate.ID, position(m), roles(e.Roles))
	return nil
}

func suspended(_ context.Context, q runtime.Queue, m runtime.Event, _ *events.UserSuspended) error {
	q.Queue(statusSQL, m.Aggregate.ID, position(m), string(events.StatusSuspended))
	return nil
}

func activated(_ context.Context, q runtime.Queue, m runtime.Event, _ *events.UserActivated) error {
	q.Queue(statusSQL, m.Aggregate.ID, position(m), string(events.StatusActive))
	return nil
}

func becameDormant(_ context.Context, q runtime.Queue, m runtime.Event, _ *events.UserBecameDormant) error {
	q.Queue(statusSQL, m.Aggregate.ID, position(m), string(events.StatusDormant))
	return nil
}

func confirmed(_ context.Context, q runtime.Queue, m runtime.Event, _ *events.UserConfirmed) error {
	q.Queue(confirmedSQL, m.Aggregate.ID, position(m))
	return nil
}

func deleted(_ context.Context, q runtime.Queue, m runtime.Event, _ *events.UserDeleted) error {
	q.Queue(statusSQL, m.Aggregate.ID, position(m), string(events.StatusDeleted))
	q.Queue(purgeSQL, m.Aggregate.ID)
	return nil
}

// passwordSet raises the epoch when the change was to end everything. The rows of
// the older epochs go too, since nothing can bring them back.
func passwordSet(_ context.Context, q runtime.Queue, m runtime.Event, e *events.UserPasswordSet) error {
	if !e.Revoked {
		return nil
	}
	q.Queue(epochSQL, m.Aggregate.ID, position(m))
	q.Queue(revokeSQL, m.Aggregate.ID)
	return nil
}

func roles(in []events.Role) []string {
	out := make([]string, len(in))
	for i, r := range in {
		out[i] = string(r)
	}
	return out
}

// list encodes a list for a jsonb column: none is [], not null.
func list[T any](in []T) (string, error) {
	if len(in) == 0 {
		return "[]", nil
	}
	out, err := json.Marshal(in)
	return string(out), err
}

func position(m runtime.Event) int64 { return int64(m.Sequence) }
