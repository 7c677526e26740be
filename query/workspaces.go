package query

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query/internal/rows"
)

// Workspace is a row of the workspaces read model.
type Workspace struct {
	ID          string
	Number      int64
	Name        string
	DisplayName string
	Owner       string
	Locations   []string
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// WorkspaceFilter selects workspaces for a list, in order of lower(name), id.
type WorkspaceFilter struct {
	VisibleTo string // only those that this user can enter; "" for all
	Owner     string // only this user's; "" for all
	Limit     int    // 0 for no limit
	Offset    int
}

// Workspaces returns a page of workspaces, and how many there are in all.
func (q *Queries) Workspaces(ctx context.Context, f WorkspaceFilter) ([]Workspace, int64, error) {
	owner, ownerKnown := optionalID(f.Owner)
	visitor, visitorKnown := optionalID(f.VisibleTo)
	if !ownerKnown || !visitorKnown {
		return nil, 0, nil
	}
	if err := q.await(ctx, anybody, q.workspaces); err != nil {
		return nil, 0, err
	}
	found, err := q.rows.ListWorkspaces(ctx, rows.ListWorkspacesParams{
		Owner: owner, VisibleTo: visitor, PageSize: pageSize(f.Limit), PageOffset: int64(max(f.Offset, 0)),
	})
	if err != nil {
		return nil, 0, failure(ctx, "list workspaces", err)
	}
	if len(found) == 0 && f.Offset > 0 {
		total, err := q.rows.CountWorkspaces(ctx, rows.CountWorkspacesParams{Owner: owner, VisibleTo: visitor})
		if err != nil {
			return nil, 0, failure(ctx, "count workspaces", err)
		}
		return nil, total, nil
	}
	out := make([]Workspace, len(found))
	var total int64
	for i, row := range found {
		out[i], total = workspaceOf(row.Workspace), row.Total
	}
	return out, total, nil
}

// Workspace returns a live workspace by its id.
func (q *Queries) Workspace(ctx context.Context, id string) (Workspace, error) {
	key, err := parseID(id)
	if err != nil {
		return Workspace{}, failure(ctx, "read a workspace", errNoRow)
	}
	if err := q.await(ctx, anybody, q.workspaces); err != nil {
		return Workspace{}, err
	}
	row, err := q.rows.WorkspaceByID(ctx, key)
	if err != nil {
		return Workspace{}, failure(ctx, "read a workspace", err)
	}
	return workspaceOf(row), nil
}

// WorkspaceByName returns a live workspace by its name, ignoring case.
func (q *Queries) WorkspaceByName(ctx context.Context, name string) (Workspace, error) {
	if !storable(name) {
		return Workspace{}, failure(ctx, "read a workspace", errNoRow)
	}
	if err := q.await(ctx, anybody, q.workspaces); err != nil {
		return Workspace{}, err
	}
	row, err := q.rows.WorkspaceByName(ctx, name)
	if err != nil {
		return Workspace{}, failure(ctx, "read a workspace", err)
	}
	return workspaceOf(row), nil
}

// WorkspaceAccess is what a user may do in a workspace: the strongest of ownership
// and the roles given to the user and to the user's groups; "" for nothing.
func (q *Queries) WorkspaceAccess(ctx context.Context, workspaceID, userID string) (events.WorkspaceRole, error) {
	workspace, err := parseID(workspaceID)
	user, userErr := parseID(userID)
	if err != nil || userErr != nil {
		return "", nil //nolint:nilerr // nobody may do anything nowhere
	}
	if err := q.await(ctx, anybody, q.workspaces); err != nil {
		return "", err
	}
	strength, err := q.rows.WorkspaceAccess(ctx, rows.WorkspaceAccessParams{Workspace: workspace, UserID: user})
	if err != nil {
		return "", failure(ctx, "read access to a workspace", err)
	}
	if strength < 1 {
		return "", nil
	}
	return events.WorkspaceRoles()[strength-1], nil
}

// Permission is a role that was given in a workspace.
type Permission struct {
	events.Grantee
	Role events.WorkspaceRole
}

// Permissions lists the roles that were given in a workspace.
func (q *Queries) Permissions(ctx context.Context, workspaceID string) ([]Permission, error) {
	workspace, err := parseID(workspaceID)
	if err != nil {
		return nil, nil //nolint:nilerr // nothing was given in none
	}
	if err := q.await(ctx, anybody, q.workspaces); err != nil {
		return nil, err
	}
	found, err := q.rows.WorkspacePermissions(ctx, workspace)
	if err != nil {
		return nil, failure(ctx, "list permissions", err)
	}
	out := make([]Permission, len(found))
	for i, row := range found {
		out[i].Role = events.WorkspaceRole(row.Role)
		if row.Kind == "group" {
			out[i].Group = row.Grantee.String()
			continue
		}
		out[i].User = row.Grantee.String()
	}
	return out, nil
}

// ShareWorkspace says whether two users can both enter some workspace.
func (q *Queries) ShareWorkspace(ctx context.Context, one, other string) (bool, error) {
	a, err := parseID(one)
	b, otherErr := parseID(other)
	if err != nil || otherErr != nil {
		return false, nil //nolint:nilerr // nobody shares nothing
	}
	if err := q.await(ctx, anybody, q.workspaces); err != nil {
		return false, err
	}
	shared, err := q.rows.ShareWorkspace(ctx, rows.ShareWorkspaceParams{One: a, Other: b})
	if err != nil {
		return false, failure(ctx, "look for a shared workspace", err)
	}
	return shared, nil
}

func workspaceOf(r rows.Workspace) Workspace {
	return Workspace{
		ID: r.ID.String(), Number: r.Number, Name: r.Name, DisplayName: r.DisplayName, Owner: r.Owner.String(),
		Locations: r.Locations, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
}

// optionalID reads an id that a filter may leave out; false for one that nobody
// can have.
func optionalID(s string) (pgtype.UUID, bool) {
	if s == "" {
		return pgtype.UUID{}, true
	}
	id, err := parseID(s)
	return id, err == nil
}

// pageSize is a limit as SQL takes it: null is none.
func pageSize(limit int) *int64 {
	if limit <= 0 {
		return nil
	}
	n := int64(limit)
	return &n
}
