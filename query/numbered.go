package query

import (
	"context"
	"strings"
	"time"

	"github.com/rosterhq/roster/query/internal/rows"
)

// SearchUsernames returns live users whose username holds a text, ignoring case:
// the shortest first, then by name. Nobody is found by "", and no user of role system
// ever.
func (q *Queries) SearchUsernames(ctx context.Context, text string, limit int) ([]User, error) {
	if text == "" || !storable(text) || strings.Contains(text, "\n") {
		return nil, nil
	}
	if err := q.await(ctx, anybody, q.users); err != nil {
		return nil, err
	}
	found, err := q.rows.SearchUsernames(ctx, rows.SearchUsernamesParams{
		Pattern: containing(strings.ToLower(text)), PageSize: int64(min(max(limit, 1), maxUsers)),
	})
	if err != nil {
		return nil, failure(ctx, "search usernames", err)
	}
	hits := make([]hit, len(found))
	for i, row := range found {
		hits[i] = hit{id: row.ID, name: row.Name}
	}
	return q.usersOf(ctx, hits)
}

// NumberedFilter selects users for a list by number.
type NumberedFilter struct {
	Search    string // substring of username, e-mail or a name, ignoring case
	VisibleTo string // only this user and whom they share a workspace with; "" for all
	// WithoutServices leaves out accounts that nobody signs in as.
	WithoutServices bool
	// After is the number behind which the list begins: a walk by the last number
	// that was seen gives nobody twice, whoever comes and goes meanwhile. Those
	// before it are counted all the same.
	After  int64
	Limit  int // 0 for no limit
	Offset int
}

// UsersByNumber returns a page of live users in order of their numbers, and how
// many the filter selects in all.
func (q *Queries) UsersByNumber(ctx context.Context, f NumberedFilter) (found []User, total int64, err error) {
	visitor, known := optionalID(f.VisibleTo)
	if !known || !storable(f.Search) {
		return nil, 0, nil
	}
	for _, m := range []*model{q.users, q.workspaces} {
		if err := q.await(ctx, anybody, m); err != nil {
			return nil, 0, err
		}
	}
	params := rows.UsersByNumberParams{
		VisibleTo: visitor, Services: !f.WithoutServices, AfterNumber: f.After, PageSize: pageSize(f.Limit), PageOffset: int64(max(f.Offset, 0)),
	}
	if f.Search != "" {
		params.Pattern = containing(strings.ToLower(f.Search))
	}
	listed, err := q.rows.UsersByNumber(ctx, params)
	if err != nil {
		return nil, 0, failure(ctx, "list users by number", err)
	}
	hits := make([]hit, len(listed))
	for i, row := range listed {
		hits[i], total = hit{id: row.ID}, row.Total
	}
	if f.After > 0 || len(listed) == 0 && f.Offset > 0 { // the page does not show it
		total, err = q.rows.CountByNumber(ctx, rows.CountByNumberParams{Pattern: params.Pattern, VisibleTo: visitor, Services: params.Services})
		if err != nil {
			return nil, 0, failure(ctx, "count users", err)
		}
	}
	found, err = q.usersOf(ctx, hits)
	return found, total, err
}

// WorkspaceCount is how much a user did in a workspace, by the name that the
// activities carry.
type WorkspaceCount struct {
	Workspace  string
	Activities int64
	LastActive time.Time
}

// RecentWorkspaces lists the workspaces in which a user did something since a time,
// the busiest first, then by name.
func (q *Queries) RecentWorkspaces(ctx context.Context, userID string, since time.Time) ([]WorkspaceCount, error) {
	user, err := parseID(userID)
	if err != nil {
		return nil, nil //nolint:nilerr // nobody did nothing
	}
	if err := q.await(ctx, userID, q.activity); err != nil {
		return nil, err
	}
	found, err := q.rows.RecentWorkspaces(ctx, rows.RecentWorkspacesParams{UserID: user, Since: since})
	if err != nil {
		return nil, failure(ctx, "list recent workspaces", err)
	}
	out := make([]WorkspaceCount, len(found))
	for i, row := range found {
		out[i] = WorkspaceCount{Workspace: row.Workspace, Activities: row.Activities, LastActive: row.LastActive}
	}
	return out, nil
}

// DayCount is how much a user did on a day, UTC.
type DayCount struct {
	Day        time.Time
	Activities int64
}

// ActivityDays counts a user's activities by day since a time; days without any are
// left out.
func (q *Queries) ActivityDays(ctx context.Context, userID string, since time.Time) ([]DayCount, error) {
	user, err := parseID(userID)
	if err != nil {
		return nil, nil //nolint:nilerr // nobody did nothing
	}
	if err := q.await(ctx, userID, q.activity); err != nil {
		return nil, err
	}
	found, err := q.rows.ActivityDays(ctx, rows.ActivityDaysParams{UserID: user, Since: since})
	if err != nil {
		return nil, failure(ctx, "count activities by day", err)
	}
	out := make([]DayCount, len(found))
	for i, row := range found {
		out[i] = DayCount{Day: row.Day, Activities: row.Activities}
	}
	return out, nil
}
