package coder

import (
	"net/http"

	"github.com/gorilla/mux"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
)

// registerUsers comes last: {user} would take the fixed names.
func (h *Handler) registerUsers(router *mux.Router) {
	const user = usersPath + "/{user}"
	h.routes(router, []route{
		{http.MethodGet, user, h.getUser},
	})
}

func (h *Handler) getUser(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	u, err := h.userFor(r, c, commands.ReadUser, errNotFound)
	if err != nil {
		return err
	}
	write(w, http.StatusOK, userObject(u))
	return nil
}
