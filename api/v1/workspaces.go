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

// visibleWorkspace finds the workspace of a read. Others than who may read it are not
// told whether there is one.
func (h *Handler) visibleWorkspace(r *http.Request, c gate.Caller) (query.Workspace, error) {
	id, err := workspaceID(r)
	if err != nil {
		return query.Workspace{}, err
	}
	found, err := h.Queries.Workspace(r.Context(), id)
	if err != nil {
		return query.Workspace{}, noWorkspace(err)
	}
	if commands.Allowed(c.Actor, commands.ReadWorkspaces, found.Owner) {
		return found, nil
	}
	if !commands.Allowed(c.Actor, commands.ReadWorkspaces, c.UserID()) { // a key that does not reach as far
		return query.Workspace{}, errNoWorkspace
	}
	access, err := h.Queries.WorkspaceAccess(r.Context(), id, c.UserID())
	if err == nil && access == "" {
		err = errNoWorkspace
	}
	return found, err
}

func (h *Handler) getWorkspace(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	found, err := h.visibleWorkspace(r, c)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, workspaceOfRow(found))
}

func (h *Handler) updateWorkspace(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	id, err := workspaceID(r)
	if err != nil {
		return err
	}
	object, err := gate.ReadObject(w, r, gate.MaxBody)
	if err != nil {
		return err
	}
	f := fieldsOf(object)
	command := commands.UpdateWorkspace{
		ID: id, Name: f.change("name"), DisplayName: f.change("displayName"), Owner: f.change("owner"),
	}
	if _, given := object["locations"]; given {
		locations := f.texts("locations")
		command.Locations = &locations
	}
	f.end()
	if err := f.problem(); err != nil {
		return h.hidden(r, c, err)
	}
	if command.Owner != nil {
		owner, err := h.idNamed(r, c, *command.Owner)
		if err != nil {
			return err
		}
		command.Owner = &owner
	}
	res, err := h.Commands.UpdateWorkspace(r.Context(), h.request(r, c), command)
	if err != nil {
		return h.hidden(r, c, err)
	}
	h.Gate.WroteAt(w, r, "", res.Position)
	return answer(w, http.StatusOK, workspaceOfState(res.Workspace))
}

// hidden turns a refused write on a workspace into the words for one that is not
// there, unless the caller may read it.
func (h *Handler) hidden(r *http.Request, c gate.Caller, refused error) error {
	if _, err := h.visibleWorkspace(r, c); err != nil {
		return err
	}
	return noWorkspace(refused)
}

// nobodyID is an id that no user has: commands refuse it, to who may hear that.
const nobodyID = "nobody"

// idNamed finds the id of a user whom a request names by id, username or "me".
func (h *Handler) idNamed(r *http.Request, c gate.Caller, name string) (string, error) {
	p, err := personNamed(name, c)
	if err != nil {
		return nobodyID, nil //nolint:nilerr // such a name is nobody's
	}
	if p.id != "" {
		return p.id, nil
	}
	user, err := h.Commands.Find(r.Context(), commands.UserRef{Username: p.username})
	if commands.CodeOf(err) == commands.NotFound {
		return nobodyID, nil
	}
	return user.ID, err
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
	if err != nil {
		return h.hidden(r, c, err)
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
