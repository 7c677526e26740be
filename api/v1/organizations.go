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

// defaultOrganization names the default organization in paths.
const defaultOrganization = "default"

var errNoOrganization = refuse(http.StatusNotFound, string(commands.NotFound), "there is no such organization, or you may not see it")

// organizationRef reads how a path names an organization. Names follow the rule
// for usernames.
func organizationRef(r *http.Request) (query.OrganizationRef, error) {
	name := mux.Vars(r)["organization"]
	if name == defaultOrganization {
		return query.OrganizationRef{Default: true}, nil
	}
	if len(name) == 36 {
		if id, err := uuid.Parse(name); err == nil {
			return query.OrganizationRef{ID: id.String()}, nil
		}
	}
	if len(name) > maxUsername || !usernameForm.MatchString(name) {
		return query.OrganizationRef{}, errNoOrganization
	}
	return query.OrganizationRef{Name: name}, nil
}

// organizationTarget finds the organization of a write through the log, and asks
// the policy before the body is read, so that nothing can be probed.
func (h *Handler) organizationTarget(r *http.Request, c gate.Caller, action commands.Action) (string, error) {
	ref, err := organizationRef(r)
	if err != nil {
		return "", err
	}
	id := ref.ID
	switch {
	case ref.Default:
		id = h.Commands.DefaultOrganization()
	case ref.Name != "":
		o, err := h.Commands.FindOrganization(r.Context(), ref.Name)
		if err != nil {
			return "", noOrganization(err)
		}
		id = o.ID
	}
	return id, mayDoIn(c, action, id)
}

// organizationRead finds the organization of a read, for who may read it.
func (h *Handler) organizationRead(r *http.Request, c gate.Caller) (query.Organization, error) {
	ref, err := organizationRef(r)
	if err != nil {
		return query.Organization{}, err
	}
	o, err := h.Queries.Organization(r.Context(), ref)
	if err != nil {
		return query.Organization{}, noOrganization(err)
	}
	return o, mayDoIn(c, commands.ReadOrganization, o.ID)
}

// mayDoIn refuses with 404 who may not even see the organization.
func mayDoIn(c gate.Caller, action commands.Action, id string) error {
	switch {
	case commands.AllowedIn(c.Actor, action, id):
		return nil
	case commands.AllowedIn(c.Actor, commands.ReadOrganization, id):
		return refuse(http.StatusForbidden, string(commands.Forbidden), "you are not allowed to do this")
	default:
		return errNoOrganization
	}
}

// noOrganization gives an organization that is not there the same words as one
// that may not be seen.
func noOrganization(err error) error {
	if p := problemOf(err); p != nil && p.Status == http.StatusNotFound {
		return errNoOrganization
	}
	return err
}

func (h *Handler) listOrganizations(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	all, err := h.Queries.Organizations(r.Context())
	if err != nil {
		return err
	}
	out := client.OrganizationList{Items: []client.Organization{}}
	for _, o := range all {
		if commands.AllowedIn(c.Actor, commands.ReadOrganization, o.ID) {
			out.Items = append(out.Items, organizationOfRow(o))
		}
	}
	return answer(w, http.StatusOK, out)
}

func (h *Handler) getOrganization(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	o, err := h.organizationRead(r, c)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, organizationOfRow(o))
}

func (h *Handler) createOrganization(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	if !commands.AllowedIn(c.Actor, commands.CreateOrganizations, "") {
		return refuse(http.StatusForbidden, string(commands.Forbidden), "you are not allowed to do this")
	}
	object, err := gate.ReadObject(w, r, gate.MaxBody)
	if err != nil {
		return err
	}
	f := fieldsOf(object)
	command := commands.CreateOrganization{
		Name: f.required("name"), DisplayName: f.text("displayName"), Description: f.text("description"), Icon: f.text("icon"),
	}
	f.end()
	if err := f.problem(); err != nil {
		return err
	}
	res, err := h.Commands.CreateOrganization(r.Context(), h.request(r, c), command)
	if err != nil {
		return err
	}
	h.Gate.WroteAt(w, r, "", res.Position)
	w.Header().Set("Location", "/v1/organizations/"+res.Organization.ID)
	return answer(w, http.StatusCreated, organizationOfState(res.Organization))
}

func (h *Handler) updateOrganization(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	id, err := h.organizationTarget(r, c, commands.UpdateOrganizations)
	if err != nil {
		return err
	}
	object, err := gate.ReadObject(w, r, gate.MaxBody)
	if err != nil {
		return err
	}
	f := fieldsOf(object)
	command := commands.UpdateOrganization{
		ID: id, Name: f.change("name"), DisplayName: f.change("displayName"),
		Description: f.change("description"), Icon: f.change("icon"),
	}
	f.end()
	if err := f.problem(); err != nil {
		return err
	}
	res, err := h.Commands.UpdateOrganization(r.Context(), h.request(r, c), command)
	if err != nil {
		return noOrganization(err)
	}
	h.Gate.WroteAt(w, r, "", res.Position)
	return answer(w, http.StatusOK, organizationOfState(res.Organization))
}

func (h *Handler) deleteOrganization(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	id, err := h.organizationTarget(r, c, commands.DeleteOrganizations)
	if err != nil {
		return err
	}
	if err := noBody(w, r); err != nil {
		return err
	}
	res, err := h.Commands.DeleteOrganization(r.Context(), h.request(r, c), id)
	if err != nil {
		return noOrganization(err)
	}
	h.Gate.WroteAt(w, r, "", res.Position)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func organizationOfRow(o query.Organization) client.Organization {
	return client.Organization{
		Id: o.ID, Number: o.Number, Name: o.Name, DisplayName: o.DisplayName, Description: o.Description, Icon: o.Icon,
		Default: o.Default, CreatedAt: stamp(o.CreatedAt), UpdatedAt: stamp(o.UpdatedAt),
	}
}

func organizationOfState(o commands.Organization) client.Organization {
	return client.Organization{
		Id: o.ID, Number: o.Number, Name: o.Name, DisplayName: o.DisplayName, Description: o.Description, Icon: o.Icon,
		Default: o.Default, CreatedAt: stamp(o.CreatedAt), UpdatedAt: stamp(o.UpdatedAt),
	}
}
