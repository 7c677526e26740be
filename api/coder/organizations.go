package coder

import (
	"net/http"
	"slices"

	"github.com/gorilla/mux"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/query"
)

const (
	organizationsPath = "/api/v2/organizations"
	organizationPath  = organizationsPath + "/{organization}"
	memberPath        = organizationPath + "/members/{user}"
)

func (h *Handler) registerOrganizations(router *mux.Router) {
	h.routes(router, []route{
		{http.MethodGet, organizationsPath, h.listOrganizations},
		{http.MethodPost, organizationsPath, h.createOrganization},
		{http.MethodGet, organizationPath, h.getOrganization},
		{http.MethodPatch, organizationPath, h.updateOrganization},
		{http.MethodDelete, organizationPath, h.deleteOrganization},
		{http.MethodGet, organizationPath + "/members", h.listMembers},
		{http.MethodGet, organizationPath + "/paginated-members", h.listMembersByPage},
		{http.MethodGet, organizationPath + "/members/roles", h.listOrganizationRoles},
		{http.MethodGet, memberPath, h.getMember},
		{http.MethodPost, memberPath, h.addMember},
		{http.MethodDelete, memberPath, h.removeMember},
		{http.MethodGet, memberPath + "/roles", h.getMemberRoles},
		{http.MethodPut, memberPath + "/roles", h.setMemberRoles},
		{http.MethodGet, usersPath + "/{user}/organizations", h.listOrganizationsOfUser},
		{http.MethodGet, usersPath + "/{user}/organizations/{organizationname}", h.getOrganizationOfUser},
	})
}

// organization finds the organization that {organization} names: "default", a
// UUID or a name. Who may not read it is told the same as for one that does not
// exist.
func (h *Handler) organization(r *http.Request, c gate.Caller) (query.Organization, error) {
	name := mux.Vars(r)["organization"]
	if name == defaultOrganization {
		return h.readableOrganization(r, c, query.OrganizationRef{Default: true})
	}
	if id, ok := canonicalUUID(name); ok {
		return h.readableOrganization(r, c, query.OrganizationRef{ID: id})
	}
	return h.organizationNamed(r, c, name)
}

func (h *Handler) organizationNamed(r *http.Request, c gate.Caller, name string) (query.Organization, error) {
	if !isUsername(name) { // the same rule
		return query.Organization{}, errNotFound
	}
	return h.readableOrganization(r, c, query.OrganizationRef{Name: name})
}

func (h *Handler) readableOrganization(r *http.Request, c gate.Caller, ref query.OrganizationRef) (query.Organization, error) {
	o, err := h.Queries.Organization(r.Context(), ref)
	if err != nil {
		return query.Organization{}, err
	}
	if !mayIn(c, commands.ReadOrganization, o.ID) {
		return query.Organization{}, errNotFound
	}
	return o, nil
}

// mayIn says whether the caller may do something to an organization.
func mayIn(c gate.Caller, action commands.Action, organizationID string) bool {
	return commands.AllowedIn(c.Actor, action, organizationID)
}

func (h *Handler) listOrganizations(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	return h.writeOrganizations(w, r, c, func(query.Organization) bool { return true })
}

func (h *Handler) listOrganizationsOfUser(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	u, err := h.user(r, c)
	if err != nil {
		return err
	}
	return h.writeOrganizations(w, r, c, func(o query.Organization) bool {
		_, member := placeIn(u.Organizations, o.ID)
		return member
	})
}

func (h *Handler) writeOrganizations(w http.ResponseWriter, r *http.Request, c gate.Caller, wanted func(query.Organization) bool) error {
	all, err := h.Queries.Organizations(r.Context())
	if err != nil {
		return err
	}
	out := []organizationAnswer{}
	for o := range slices.Values(all) {
		if wanted(o) && mayIn(c, commands.ReadOrganization, o.ID) {
			out = append(out, organizationOfRow(o))
		}
	}
	write(w, http.StatusOK, out)
	return nil
}

func (h *Handler) getOrganization(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	o, err := h.organization(r, c)
	if err != nil {
		return err
	}
	write(w, http.StatusOK, organizationOfRow(o))
	return nil
}

// getOrganizationOfUser does not ask whether the user is a member.
func (h *Handler) getOrganizationOfUser(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	if _, err := h.user(r, c); err != nil {
		return err
	}
	o, err := h.organizationNamed(r, c, mux.Vars(r)["organizationname"])
	if err != nil {
		return err
	}
	write(w, http.StatusOK, organizationOfRow(o))
	return nil
}
