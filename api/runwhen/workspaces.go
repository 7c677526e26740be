package runwhen

import (
	"net/http"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/query"
)

// workspace is a workspace as lists show it. The owner is an address.
type workspace struct {
	ID               int64    `json:"id"`
	Name             string   `json:"name"`
	DisplayName      string   `json:"displayName"`
	Owner            *string  `json:"owner"`
	EnabledLocations []string `json:"enabledLocations"`
	CreatedAt        string   `json:"createdAt"`
	UpdatedAt        string   `json:"updatedAt"`
}

const mostWorkspaces = 1000

// listWorkspaces answers GET /workspaces: those that the caller can enter; staff see
// all.
func (h *Handler) listWorkspaces(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	var p problems
	q := queryOf(r)
	at := place{limit: pageSize}
	if q.Has("limit") {
		at.limit, _ = p.parsed(last(q, "limit"), []any{"query", "limit"}, 1, mostWorkspaces)
	}
	if q.Has("offset") {
		at.offset, _ = p.parsed(last(q, "offset"), []any{"query", "offset"}, 0, unbounded)
	}
	if err := p.err(); err != nil {
		return err
	}
	filter := query.WorkspaceFilter{Limit: int(at.limit), Offset: int(at.offset)}
	if !seesAll(c, commands.ReadWorkspaces) {
		filter.VisibleTo = c.UserID()
		if len(c.Actor.AllowList) > 0 || !reaches(c.Actor, commands.ReadWorkspaces, c.UserID()) {
			return errForbidden
		}
	}
	found, total, err := h.Queries.Workspaces(r.Context(), filter)
	if err != nil {
		return err
	}
	results, err := h.workspaces(r, found)
	if err != nil {
		return err
	}
	out := envelope[workspace]{Count: total, Results: results, Previous: h.previous(r, at)}
	if at.offset < total-at.limit {
		out.Next = h.next(r, at, 0)
	}
	return succeed(w, http.StatusOK, out)
}

func (h *Handler) workspaces(r *http.Request, found []query.Workspace) ([]workspace, error) {
	owners := map[string]*string{}
	out := make([]workspace, len(found))
	for _, one := range found {
		owners[one.Owner] = nil
	}
	ids := make([]string, 0, len(owners))
	for id := range owners {
		ids = append(ids, id)
	}
	users, _, err := h.Queries.SearchUsers(r.Context(), query.UserSearch{IDs: ids})
	if err != nil {
		return nil, err
	}
	for _, u := range users {
		owners[u.ID] = nullable(u.Email)
	}
	for i, one := range found {
		out[i] = workspace{
			ID: one.Number, Name: one.Name, DisplayName: one.DisplayName, Owner: owners[one.Owner],
			EnabledLocations: append([]string{}, one.Locations...), CreatedAt: stamp(one.CreatedAt), UpdatedAt: stamp(one.UpdatedAt),
		}
	}
	return out, nil
}
