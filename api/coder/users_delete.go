package coder

import (
	"net/http"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

var (
	errDeleteSelf    = refuse(http.StatusForbidden, "You cannot delete yourself!", "")
	errHasWorkspaces = refuse(http.StatusExpectationFailed,
		"You cannot delete a user that has workspaces. Delete their workspaces and try again!", "")
)

func (h *Handler) deleteUser(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	u, err := h.user(r, c)
	if err != nil {
		return err
	}
	if c.Is(u.ID) {
		return errDeleteSelf
	}
	owns, err := h.Commands.OwnsWorkspaces(r.Context(), u.ID)
	if err != nil {
		return err
	}
	if owns {
		return errHasWorkspaces
	}
	if !may(c, commands.DeleteUser, u.ID) {
		return errForbidden
	}
	if u.Status != events.StatusDeleted { // deleting again is no error
		res, err := h.Commands.Delete(r.Context(), gate.Request(r, c, Name), u.ID)
		if err != nil {
			return refusedDelete(err)
		}
		h.Gate.WroteCredentials(w, r, res)
	}
	write(w, http.StatusOK, envelope{Message: "User has been deleted!"})
	return nil
}

func refusedDelete(err error) error {
	if e, ok := commands.AsError(err); ok && e.Code == commands.Precondition && e.Reason == "workspaces" {
		return errHasWorkspaces
	}
	return err
}
