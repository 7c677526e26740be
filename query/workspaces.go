package query

import (
	"context"
	"time"

	"github.com/rosterhq/roster/events"
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
	return nil, 0, ErrUnavailable
}

// Workspace returns a live workspace by its id.
func (q *Queries) Workspace(ctx context.Context, id string) (Workspace, error) {
	return Workspace{}, ErrUnavailable
}

// WorkspaceAccess is what a user may do in a workspace: the strongest of ownership
// and the roles given to the user and to the user's groups; "" for nothing.
func (q *Queries) WorkspaceAccess(ctx context.Context, workspaceID, userID string) (events.WorkspaceRole, error) {
	return "", ErrUnavailable
}
