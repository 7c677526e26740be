package v1

import (
	"context"
	"net/http"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
)

func (h *Handler) setRoles(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	id, err := h.target(r, c, commands.AssignUserRoles)
	if err != nil {
		return err
	}
	object, err := gate.ReadObject(w, r, gate.MaxBody)
	if err != nil {
		return err
	}
	f := fieldsOf(object)
	names := f.texts("roles")
	if names == nil && len(*f.wrong) == 0 {
		f.refuse("roles", "required", "is required; [] takes all roles")
	}
	f.end()
	if err := f.problem(); err != nil {
		return err
	}
	res, err := h.Commands.AssignRoles(r.Context(), h.request(r, c), commands.AssignRoles{UserID: id, Roles: roleNames(names)})
	if err != nil {
		return err
	}
	return h.wroteAccount(w, r, res)
}

func (h *Handler) setPassword(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	id, err := h.target(r, c, commands.SetUserPassword)
	if err != nil {
		return err
	}
	object, err := gate.ReadObject(w, r, gate.MaxBody)
	if err != nil {
		return err
	}
	f := fieldsOf(object)
	command := commands.SetPassword{UserID: id, New: f.required("password"), Old: f.text("oldPassword"), Revoke: true}
	f.end()
	if err := f.problem(); err != nil {
		return err
	}
	res, err := h.Commands.SetPassword(r.Context(), h.request(r, c), command)
	if err != nil {
		return err
	}
	return h.done(w, r, res)
}

func (h *Handler) suspendUser(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	return h.changeStatus(w, r, c, h.Commands.Suspend)
}

func (h *Handler) activateUser(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	return h.changeStatus(w, r, c, h.Commands.Activate)
}

func (h *Handler) confirmUser(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	return h.changeStatus(w, r, c, h.Commands.ConfirmUser)
}

type statusChange func(ctx context.Context, r commands.Request, userID string) (commands.Result, error)

func (h *Handler) changeStatus(w http.ResponseWriter, r *http.Request, c gate.Caller, change statusChange) error {
	id, err := h.target(r, c, commands.ChangeStatus)
	if err != nil {
		return err
	}
	if err := noBody(w, r); err != nil {
		return err
	}
	res, err := change(r.Context(), h.request(r, c), id)
	if err != nil {
		return err
	}
	return h.wroteAccount(w, r, res)
}
