package query

import (
	"context"
	"time"

	"github.com/rosterhq/roster/query/internal/rows"
)

// Group is a group of users.
type Group struct {
	ID        string
	Number    int64
	Name      string
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Group returns a live group by its id.
func (q *Queries) Group(ctx context.Context, id string) (Group, error) {
	key, err := parseID(id)
	if err != nil {
		return Group{}, failure(ctx, "read a group", errNoRow)
	}
	if err := q.await(ctx, anybody, q.workspaces); err != nil {
		return Group{}, err
	}
	row, err := q.rows.GroupByID(ctx, key)
	if err != nil {
		return Group{}, failure(ctx, "read a group", err)
	}
	return groupOf(row), nil
}

// Groups returns a page of groups in order of lower(name), id: those behind one, of
// which ID and Name count; the zero Group for the first page.
func (q *Queries) Groups(ctx context.Context, after Group, limit int) ([]Group, error) {
	id, known := optionalID(after.ID)
	if !known || !storable(after.Name) {
		return nil, failure(ctx, "list groups", ErrBadCursor)
	}
	id.Valid = true // the zero id is before all others
	if err := q.await(ctx, anybody, q.workspaces); err != nil {
		return nil, err
	}
	found, err := q.rows.ListGroups(ctx, rows.ListGroupsParams{
		AfterName: after.Name, AfterID: id, PageSize: int64(min(max(limit, 1), maxUsers)),
	})
	if err != nil {
		return nil, failure(ctx, "list groups", err)
	}
	return groupsOf(found), nil
}

// GroupMembers lists the ids of a group's members, in their order.
func (q *Queries) GroupMembers(ctx context.Context, id string) ([]string, error) {
	key, err := parseID(id)
	if err != nil {
		return nil, nil //nolint:nilerr // nobody is in none
	}
	if err := q.await(ctx, anybody, q.workspaces); err != nil {
		return nil, err
	}
	found, err := q.rows.MembersOfGroup(ctx, key)
	if err != nil {
		return nil, failure(ctx, "list a group's members", err)
	}
	out := make([]string, len(found))
	for i, user := range found {
		out[i] = user.String()
	}
	return out, nil
}

// GroupsOf lists the groups that a user is in, by number.
func (q *Queries) GroupsOf(ctx context.Context, userID string) ([]Group, error) {
	user, err := parseID(userID)
	if err != nil {
		return nil, nil //nolint:nilerr // nobody is in none
	}
	if err := q.await(ctx, anybody, q.workspaces); err != nil {
		return nil, err
	}
	found, err := q.rows.GroupsOfUser(ctx, user)
	if err != nil {
		return nil, failure(ctx, "list a user's groups", err)
	}
	return groupsOf(found), nil
}

// GroupsOfUsers lists the groups of each of some users, by number.
func (q *Queries) GroupsOfUsers(ctx context.Context, userIDs []string) (map[string][]Group, error) {
	if err := q.await(ctx, anybody, q.workspaces); err != nil {
		return nil, err
	}
	found, err := q.rows.GroupsOfUsers(ctx, idsOf(userIDs))
	if err != nil {
		return nil, failure(ctx, "list the groups of users", err)
	}
	out := make(map[string][]Group, len(userIDs))
	for _, row := range found {
		id := row.UserID.String()
		out[id] = append(out[id], groupOf(row.UserGroup))
	}
	return out, nil
}

func groupsOf(in []rows.UserGroup) []Group {
	out := make([]Group, len(in))
	for i, row := range in {
		out[i] = groupOf(row)
	}
	return out
}

func groupOf(r rows.UserGroup) Group {
	return Group{ID: r.ID.String(), Number: r.Number, Name: r.Name, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt}
}
