package coder

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

var (
	errSuspendSelf  = refuse(http.StatusBadRequest, "You cannot suspend yourself.", "")
	errSuspendOwner = refuse(http.StatusBadRequest,
		`You cannot suspend a user with the "owner" role. You must remove the role first.`, "")
)

func (h *Handler) suspendUser(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	u, err := h.user(r, c)
	if err != nil {
		return err
	}
	switch {
	case c.Is(u.ID):
		return errSuspendSelf
	case slices.Contains(u.Roles, events.RoleOwner):
		return errSuspendOwner
	case !may(c, commands.ChangeStatus, u.ID):
		return errForbidden
	}
	res, err := h.Commands.Suspend(r.Context(), gate.Request(r, c, Name), u.ID)
	return h.changedStatus(w, r, u, res, failedStatus(err, events.StatusSuspended))
}

func (h *Handler) activateUser(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	u, err := h.userFor(r, c, commands.ChangeStatus, errForbidden)
	if err != nil {
		return err
	}
	res, err := h.Commands.Activate(r.Context(), gate.Request(r, c, Name), u.ID)
	return h.changedStatus(w, r, u, res, failedStatus(err, events.StatusActive))
}

func failedStatus(err error, wanted events.Status) error {
	return broken(err, fmt.Sprintf("Internal error updating user's status to %q.", wanted))
}

func (h *Handler) changedStatus(w http.ResponseWriter, r *http.Request, before query.User, res commands.Result, err error) error {
	if err != nil {
		return err
	}
	h.Gate.WroteCredentials(w, r, res)
	write(w, http.StatusOK, changedUser(before, res.User))
	return nil
}
