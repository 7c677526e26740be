package coder

import (
	"context"
	"net/http"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/query"
)

// userList is a page of users with the number of all that fit.
type userList struct {
	Users []userAnswer `json:"users"`
	Count int64        `json:"count"`
}

func (h *Handler) listUsers(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	values := r.URL.Query()
	search, err := parseUserQuery(values.Get("q"))
	if err != nil {
		return err
	}
	page, err := pageOf(values)
	if err != nil {
		return err
	}
	search.AfterID, search.Limit, search.Offset = page.afterID, page.limit, page.offset
	found, count, err := h.visibleUsers(r.Context(), c, search)
	if err != nil {
		return err
	}
	out := userList{Users: make([]userAnswer, len(found))}
	for i, u := range found {
		out.Users[i] = listedUser(u)
	}
	if len(found) > 0 { // Coder counts with the rows: a page without any counts nobody
		out.Count = count
	}
	write(w, http.StatusOK, out)
	return nil
}

// visibleUsers searches among the users that the caller may read: all, or those
// that its rights name one by one.
func (h *Handler) visibleUsers(ctx context.Context, c gate.Caller, search query.UserSearch) ([]query.User, int64, error) {
	if !may(c, commands.ListUsers, "") {
		search.IDs = nil
		for _, id := range append([]string{c.UserID()}, allowedIDs(c)...) {
			if may(c, commands.ReadUser, id) {
				search.IDs = append(search.IDs, id)
			}
		}
		if search.IDs == nil {
			return nil, 0, nil
		}
	}
	return h.Queries.SearchUsers(ctx, search)
}

// allowedIDs are the users that a key's allow list names.
func allowedIDs(c gate.Caller) []string {
	var out []string
	for _, resource := range c.Actor.AllowList {
		if resource.ID != "*" && (resource.Type == "user" || resource.Type == "*") {
			out = append(out, resource.ID)
		}
	}
	return out
}
