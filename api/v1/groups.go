package v1

import (
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/gorilla/mux"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/api/v1/client"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/query"
)

var errNoGroup = refuse(http.StatusNotFound, string(commands.NotFound), "there is no such group")

// readsGroups and changesGroups ask the policy before anything is looked at.
func readsGroups(c gate.Caller) error   { return mayAnywhere(c, commands.ReadGroups) }
func changesGroups(c gate.Caller) error { return mayAnywhere(c, commands.ChangeGroups) }

func mayAnywhere(c gate.Caller, action commands.Action) error {
	if commands.Allowed(c.Actor, action, "") {
		return nil
	}
	return refuse(http.StatusForbidden, string(commands.Forbidden), "you are not allowed to do this")
}

func (h *Handler) listGroups(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	if err := readsGroups(c); err != nil {
		return err
	}
	params, err := parametersOf(r)
	if err != nil {
		return err
	}
	limit, cursor, err := params.page()
	if err != nil {
		return err
	}
	after, err := groupAt(cursor)
	if err != nil {
		return err
	}
	found, err := h.Queries.Groups(r.Context(), after, limit+1) // one more says whether there is another page
	if err != nil {
		return err
	}
	var next string
	if len(found) > limit {
		found = found[:limit]
		next = groupCursor(found[limit-1])
	}
	out := client.GroupPage{Items: make([]client.Group, len(found)), Next: next}
	for i, g := range found {
		out.Items[i] = groupOfRow(g, nil)
	}
	return answer(w, http.StatusOK, out)
}

// groupCursor says where a list of groups goes on: behind a name and an id.
func groupCursor(g query.Group) string {
	return base64.RawURLEncoding.EncodeToString([]byte(g.ID + " " + g.Name))
}

func groupAt(cursor string) (query.Group, error) {
	if cursor == "" {
		return query.Group{}, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	id, name, ok := strings.Cut(string(raw), " ")
	if err != nil || !ok || id == "" {
		return query.Group{}, query.ErrBadCursor
	}
	return query.Group{ID: id, Name: name}, nil
}

func (h *Handler) getGroup(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	if err := readsGroups(c); err != nil {
		return err
	}
	g, err := h.Queries.Group(r.Context(), mux.Vars(r)["group"])
	if err != nil {
		return noGroup(err)
	}
	members, err := h.Queries.GroupMembers(r.Context(), g.ID)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, groupOfRow(g, members))
}

// groupNamed reads the name that a group is to have.
func groupNamed(w http.ResponseWriter, r *http.Request, c gate.Caller) (string, error) {
	if err := changesGroups(c); err != nil {
		return "", err
	}
	object, err := gate.ReadObject(w, r, gate.MaxBody)
	if err != nil {
		return "", err
	}
	f := fieldsOf(object)
	name := f.required("name")
	f.end()
	return name, f.problem()
}

func (h *Handler) createGroup(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	name, err := groupNamed(w, r, c)
	if err != nil {
		return err
	}
	res, err := h.Commands.CreateGroup(r.Context(), h.request(r, c), name)
	if err != nil {
		return err
	}
	h.Gate.WroteAt(w, r, "", res.Position)
	w.Header().Set("Location", "/v1/groups/"+res.Group.ID)
	return answer(w, http.StatusCreated, groupOfState(res.Group))
}

func (h *Handler) renameGroup(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	name, err := groupNamed(w, r, c)
	if err != nil {
		return err
	}
	res, err := h.Commands.RenameGroup(r.Context(), h.request(r, c), mux.Vars(r)["group"], name)
	return h.wroteGroup(w, r, res, err)
}

func (h *Handler) deleteGroup(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	if err := changesGroups(c); err != nil {
		return err
	}
	if err := noBody(w, r); err != nil {
		return err
	}
	res, err := h.Commands.DeleteGroup(r.Context(), h.request(r, c), mux.Vars(r)["group"])
	if err != nil {
		return noGroup(err)
	}
	h.Gate.WroteAt(w, r, "", res.Position)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (h *Handler) addToGroup(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	id, err := h.groupMember(w, r, c)
	if err != nil {
		return err
	}
	res, err := h.Commands.AddToGroup(r.Context(), h.request(r, c), mux.Vars(r)["group"], id)
	return h.wroteGroup(w, r, res, err)
}

func (h *Handler) removeFromGroup(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	id, err := h.groupMember(w, r, c)
	if err != nil {
		return err
	}
	res, err := h.Commands.RemoveFromGroup(r.Context(), h.request(r, c), mux.Vars(r)["group"], id)
	return h.wroteGroup(w, r, res, err)
}

// groupMember finds the user whom a path names, for who may change groups.
func (h *Handler) groupMember(w http.ResponseWriter, r *http.Request, c gate.Caller) (string, error) {
	if err := changesGroups(c); err != nil {
		return "", err
	}
	if err := noBody(w, r); err != nil {
		return "", err
	}
	return h.idNamed(r, c, mux.Vars(r)["user"])
}

func (h *Handler) wroteGroup(w http.ResponseWriter, r *http.Request, res commands.GroupResult, err error) error {
	if err != nil {
		return noGroup(err)
	}
	h.Gate.WroteAt(w, r, "", res.Position)
	return answer(w, http.StatusOK, groupOfState(res.Group))
}

// noGroup gives every group that is not there the same words.
func noGroup(err error) error {
	if e, ok := commands.AsError(err); ok && e.Reason == "user" {
		return errNoGrantedUser
	}
	if p := problemOf(err); p != nil && p.Status == http.StatusNotFound {
		return errNoGroup
	}
	return err
}

func groupOfRow(g query.Group, members []string) client.Group {
	return client.Group{
		Id: g.ID, Number: g.Number, Name: g.Name, Members: members, CreatedAt: stamp(g.CreatedAt), UpdatedAt: stamp(g.UpdatedAt),
	}
}

func groupOfState(g commands.Group) client.Group {
	return client.Group{
		Id: g.ID, Number: g.Number, Name: g.Name, Members: append([]string{}, g.Members...),
		CreatedAt: stamp(g.CreatedAt), UpdatedAt: stamp(g.UpdatedAt),
	}
}
