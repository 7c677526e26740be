// Package workspaces is the read model of workspaces, of who may do what in them,
// and of groups of users.
//
// Rows of a workspace come from that workspace's events alone, and rows of a group
// from that group's: what names a user or a group that is gone stays, and readers
// leave it out.
package workspaces

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
		Name: "workspaces", Version: 1, Stream: events.Roster, Migrations: migrations,
		Handlers: []runtime.Handler{
			runtime.On(created),
			runtime.On(updated),
			runtime.On(permissionGranted),
			runtime.On(permissionRevoked),
			runtime.On(deleted),
			runtime.On(groupCreated),
			runtime.On(groupRenamed),
			runtime.On(memberAdded),
			runtime.On(memberRemoved),
			runtime.On(groupDeleted),
		},
	}
}

// Each statement touches a row only when its event is newer, so that a repeat does
// nothing.
const (
	createdSQL = `insert into workspaces (id, number, name, display_name, owner, locations, created_at, updated_at, position)
		values ($1, $2, $3, $4, $5, $6, $7, $7, $8) on conflict (id) do nothing`
	updatedSQL = `update workspaces set name = coalesce($3, name), display_name = coalesce($4, display_name),
			owner = coalesce($5, owner), locations = coalesce($6, locations), updated_at = $7, position = $2
		where id = $1 and position < $2`
	deletedSQL = `delete from workspaces where id = $1`
	grantedSQL = `insert into workspace_permissions (workspace, kind, grantee, role, strength, position)
			values ($1, $3, $4, $5, $6, $2)
		on conflict (workspace, kind, grantee) do update set role = excluded.role, strength = excluded.strength, position = excluded.position
		where workspace_permissions.position < excluded.position`
	revokedSQL = `delete from workspace_permissions where workspace = $1 and kind = $2 and grantee = $3`
	clearedSQL = `delete from workspace_permissions where workspace = $1`

	groupSQL = `insert into user_groups (id, number, name, created_at, updated_at, position)
		values ($1, $2, $3, $4, $4, $5) on conflict (id) do nothing`
	renamedSQL = `update user_groups set name = $3, updated_at = $4, position = $2 where id = $1 and position < $2`
	joinedSQL  = `insert into group_members (group_id, user_id) values ($1, $2) on conflict do nothing`
	leftSQL    = `delete from group_members where group_id = $1 and user_id = $2`
	emptiedSQL = `delete from group_members where group_id = $1`
	endedSQL   = `delete from user_groups where id = $1`
)

func created(_ context.Context, q runtime.Queue, m runtime.Event, e *events.WorkspaceCreated) error {
	q.Queue(createdSQL, m.Aggregate.ID, e.Number, e.Name, e.DisplayName, e.Owner, list(e.Locations), m.Time, position(m))
	return nil
}

func updated(_ context.Context, q runtime.Queue, m runtime.Event, e *events.WorkspaceUpdated) error {
	var locations []string // null keeps what is there
	if e.Locations != nil {
		locations = list(*e.Locations)
	}
	q.Queue(updatedSQL, m.Aggregate.ID, position(m), e.Name, e.DisplayName, e.Owner, locations, m.Time)
	return nil
}

func permissionGranted(_ context.Context, q runtime.Queue, m runtime.Event, e *events.WorkspacePermissionGranted) error {
	kind, id := grantee(e.Grantee)
	q.Queue(grantedSQL, m.Aggregate.ID, position(m), kind, id, string(e.Role), e.Role.Strength())
	return nil
}

func permissionRevoked(_ context.Context, q runtime.Queue, m runtime.Event, e *events.WorkspacePermissionRevoked) error {
	kind, id := grantee(e.Grantee)
	q.Queue(revokedSQL, m.Aggregate.ID, kind, id)
	return nil
}

func deleted(_ context.Context, q runtime.Queue, m runtime.Event, _ *events.WorkspaceDeleted) error {
	q.Queue(deletedSQL, m.Aggregate.ID)
	q.Queue(clearedSQL, m.Aggregate.ID)
	return nil
}

func groupCreated(_ context.Context, q runtime.Queue, m runtime.Event, e *events.GroupCreated) error {
	q.Queue(groupSQL, m.Aggregate.ID, e.Number, e.Name, m.Time, position(m))
	return nil
}

func groupRenamed(_ context.Context, q runtime.Queue, m runtime.Event, e *events.GroupRenamed) error {
	q.Queue(renamedSQL, m.Aggregate.ID, position(m), e.Name, m.Time)
	return nil
}

func memberAdded(_ context.Context, q runtime.Queue, m runtime.Event, e *events.GroupMemberAdded) error {
	q.Queue(joinedSQL, m.Aggregate.ID, e.User)
	return nil
}

func memberRemoved(_ context.Context, q runtime.Queue, m runtime.Event, e *events.GroupMemberRemoved) error {
	q.Queue(leftSQL, m.Aggregate.ID, e.User)
	return nil
}

func groupDeleted(_ context.Context, q runtime.Queue, m runtime.Event, _ *events.GroupDeleted) error {
	q.Queue(emptiedSQL, m.Aggregate.ID)
	q.Queue(endedSQL, m.Aggregate.ID)
	return nil
}

func grantee(g events.Grantee) (kind, id string) {
	if g.Group != "" {
		return "group", g.Group
	}
	return "user", g.User
}

// list makes an empty array of none: null would mean unchanged.
func list(in []string) []string {
	if in == nil {
		return []string{}
	}
	return in
}

func position(m runtime.Event) int64 { return int64(m.Sequence) }
