package coder

import (
	"net/http"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/query"
)

const me = "me"

// The refusals that every endpoint shares.
var (
	errNotFound = refuse(http.StatusNotFound, "Resource not found or you do not have access to this resource", "")
	// errForbidden is for who may see the thing but not do this to it.
	errForbidden = refuse(http.StatusForbidden, "Forbidden.",
		"You don't have permission to view this content. If you believe this is a mistake, please contact your administrator or try signing in with different credentials.")
)

// user finds the user that {user} names: "me", a UUID or a username. Who may
// not read it is told the same as for one that does not exist. Callers always
// find themselves: what they may do there is for the handler to say. Deleted users
// are found by UUID alone.
func (h *Handler) user(r *http.Request, c gate.Caller) (query.User, error) {
	ref, ok := userRef(mux.Vars(r)["user"], c)
	if !ok {
		return query.User{}, errNotFound
	}
	if ref.ID != "" && !readable(c, ref.ID) { // no look at what can not be shown
		return query.User{}, errNotFound
	}
	u, err := h.Queries.User(r.Context(), ref)
	if err != nil {
		return query.User{}, err
	}
	if !readable(c, u.ID) {
		return query.User{}, errNotFound
	}
	return u, nil
}

// userFor is user for an action; who may see the user but not do it is told denied.
func (h *Handler) userFor(r *http.Request, c gate.Caller, action commands.Action, denied *answer) (query.User, error) {
	u, err := h.user(r, c)
	if err != nil {
		return query.User{}, err
	}
	if !may(c, action, u.ID) {
		return query.User{}, denied
	}
	return u, nil
}

// may says whether the caller may do something to what is a user's.
func may(c gate.Caller, action commands.Action, userID string) bool {
	return commands.Allowed(c.Actor, action, userID)
}

func readable(c gate.Caller, userID string) bool {
	return c.Is(userID) || may(c, commands.ReadUser, userID)
}

// userRef reads a name of a user in a path; false for what can be none. A
// username has at most 32 bytes, so no UUID is one.
func userRef(name string, c gate.Caller) (query.UserRef, bool) {
	if name == me {
		return query.UserRef{ID: c.UserID()}, true
	}
	if id, ok := canonicalUUID(name); ok {
		return query.UserRef{ID: id}, true
	}
	return query.UserRef{Username: name}, isUsername(name)
}

const uuidLength = 36

// canonicalUUID reads the usual form of a UUID alone, in any case.
func canonicalUUID(s string) (string, bool) {
	if len(s) != uuidLength {
		return "", false
	}
	id, err := uuid.Parse(s)
	if err != nil {
		return "", false
	}
	return id.String(), true
}
