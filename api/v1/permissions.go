package v1

import (
	"net/http"

	"github.com/gorilla/mux"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/api/v1/client"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

func (h *Handler) listPermissions(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	space, err := h.visibleWorkspace(r, c)
	if err != nil {
		return err
	}
	found, err := h.Queries.Permissions(r.Context(), space.ID)
	if err != nil {
		return err
	}
	out := client.PermissionList{Items: make([]client.Permission, len(found))}
	for i, p := range found {
		out.Items[i] = client.Permission{User: p.User, Group: p.Group, Role: string(p.Role)}
	}
	return answer(w, http.StatusOK, out)
}

// grantee finds the user or the group that a path names.
func (h *Handler) grantee(r *http.Request, c gate.Caller) (events.Grantee, error) {
	if group, ok := mux.Vars(r)["group"]; ok {
		return events.Grantee{Group: group}, nil
	}
	id, err := h.idNamed(r, c, mux.Vars(r)["user"])
	return events.Grantee{User: id}, err
}

func (h *Handler) grantPermission(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	id, err := workspaceID(r)
	if err != nil {
		return err
	}
	object, err := gate.ReadObject(w, r, gate.MaxBody)
	if err != nil {
		return err
	}
	f := fieldsOf(object)
	role := events.WorkspaceRole(f.required("role"))
	f.end()
	if err := f.problem(); err != nil {
		return h.hidden(r, c, err)
	}
	to, err := h.grantee(r, c)
	if err != nil {
		return err
	}
	res, err := h.Commands.GrantPermission(r.Context(), h.request(r, c), id, to, role)
	if err != nil {
		return h.hidden(r, c, noGrantee(err))
	}
	h.Gate.WroteAt(w, r, "", res.Position)
	return answer(w, http.StatusOK, client.Permission{User: to.User, Group: to.Group, Role: string(role)})
}

func (h *Handler) revokePermission(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	id, err := workspaceID(r)
	if err != nil {
		return err
	}
	if err := noBody(w, r); err != nil {
		return err
	}
	of, err := h.grantee(r, c)
	if err != nil {
		return err
	}
	res, err := h.Commands.RevokePermission(r.Context(), h.request(r, c), id, of)
	if err != nil {
		return h.hidden(r, c, noGrantee(err))
	}
	h.Gate.WroteAt(w, r, "", res.Position)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// noGrantee says of whom the path names what the command says of a member.
func noGrantee(err error) error {
	e, ok := commands.AsError(err)
	if !ok || len(e.Fields) != 1 || e.Fields[0].Rule != "unknown" {
		return err
	}
	switch e.Fields[0].Field {
	case "user":
		return errNoGrantedUser
	case "group":
		return errNoGroup
	}
	return err
}

var errNoGrantedUser = refuse(http.StatusNotFound, string(commands.NotFound), "there is no such user")
