package v1

import (
	"net/http"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/api/v1/client"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/query"
)

var errNoWorkspace = refuse(http.StatusNotFound, string(commands.NotFound), "there is no such workspace, or you may not see it")

func workspaceID(r *http.Request) (string, error) {
	id, err := uuid.Parse(mux.Vars(r)["workspace"])
	if err != nil {
		return "", errNoWorkspace
	}
	return id.String(), nil
}

func (h *Handler) createWorkspace(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	object, err := gate.ReadObject(w, r, gate.MaxBody)
	if err != nil {
		return err
	}
	f := fieldsOf(object)
	owner := f.text("owner")
	command := commands.CreateWorkspace{
		Name: f.required("name"), DisplayName: f.text("displayName"), Locations: f.texts("locations"),
	}
	f.end()
	if err := f.problem(); err != nil {
		return err
	}
	if command.Owner, err = h.ownerNamed(r, c, owner); err != nil {
		return err
	}
	res, err := h.Commands.CreateWorkspace(r.Context(), h.request(r, c), command)
	if err != nil {
		return err
	}
	h.Gate.WroteAt(w, r, res.Workspace.Owner, res.Position)
	w.Header().Set("Location", "/v1/workspaces/"+res.Workspace.ID)
	return answer(w, http.StatusCreated, workspaceOfState(res.Workspace))
}

// ownerNamed finds the owner of a workspace to be: the caller, unless a name or
// id says otherwise. Who may not make it for somebody does not learn whether
// there is such a user.
func (h *Handler) ownerNamed(r *http.Request, c gate.Caller, name string) (string, error) {
	if name == "" {
		return c.UserID(), nil
	}
	p, err := personNamed(name, c)
	if err != nil {
		return "", unknownOwner(c)
	}
	if p.id != "" {
		return p.id, nil
	}
	user, err := h.Commands.Find(r.Context(), commands.UserRef{Username: p.username})
	if commands.CodeOf(err) == commands.NotFound {
		return "", unknownOwner(c)
	}
	return user.ID, err
}

func unknownOwner(c gate.Caller) error {
	if !commands.Allowed(c.Actor, commands.CreateWorkspaces, "") {
		return refuse(http.StatusForbidden, string(commands.Forbidden), "you are not allowed to do this")
	}
	return invalid(http.StatusUnprocessableEntity, []client.FieldProblem{{Field: "owner", Rule: "unknown", Detail: "there is no such user"}})
}

func (h *Handler) getWorkspace(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	id, err := workspaceID(r)
	if err != nil {
		return err
	}
	found, err := h.Queries.Workspace(r.Context(), id)
	if err != nil {
		return noWorkspace(err)
	}
	if !commands.Allowed(c.Actor, commands.ReadWorkspaces, found.Owner) {
		return errNoWorkspace
	}
	return answer(w, http.StatusOK, workspaceOfRow(found))
}

func (h *Handler) deleteWorkspace(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	id, err := workspaceID(r)
	if err != nil {
		return err
	}
	if err := noBody(w, r); err != nil {
		return err
	}
	res, err := h.Commands.DeleteWorkspace(r.Context(), h.request(r, c), id)
	if commands.CodeOf(err) == commands.Forbidden && !commands.Allowed(c.Actor, commands.ReadWorkspaces, "") {
		return errNoWorkspace // whose it is, the caller may not know
	}
	if err != nil {
		return noWorkspace(err)
	}
	h.Gate.WroteAt(w, r, res.Workspace.Owner, res.Position)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// noWorkspace gives a workspace that is not there the same words as one that may
// not be seen.
func noWorkspace(err error) error {
	if p := problemOf(err); p != nil && p.Status == http.StatusNotFound {
		return errNoWorkspace
	}
	return err
}

func workspaceOfRow(s query.Workspace) client.Workspace {
	return client.Workspace{
		Id: s.ID, Number: s.Number, Name: s.Name, DisplayName: s.DisplayName, Owner: s.Owner,
		Locations: append([]string{}, s.Locations...), CreatedAt: stamp(s.CreatedAt), UpdatedAt: stamp(s.UpdatedAt),
	}
}

func workspaceOfState(s commands.Workspace) client.Workspace {
	return client.Workspace{
		Id: s.ID, Number: s.Number, Name: s.Name, DisplayName: s.DisplayName, Owner: s.Owner,
		Locations: append([]string{}, s.Locations...), CreatedAt: stamp(s.CreatedAt), UpdatedAt: stamp(s.UpdatedAt),
	}
}
