package coder

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

// assignableRole is a role with what the caller may do with it. Its rights are
// not told: roles here are no lists of permissions.
type assignableRole struct {
	Name                          string     `json:"name"`
	OrganizationID                string     `json:"organization_id,omitempty"`
	DisplayName                   string     `json:"display_name"`
	SitePermissions               []struct{} `json:"site_permissions"`
	OrganizationPermissions       []struct{} `json:"organization_permissions"`
	OrganizationMemberPermissions []struct{} `json:"organization_member_permissions"`
	UserPermissions               []struct{} `json:"user_permissions"`
	Assignable                    bool       `json:"assignable"`
	BuiltIn                       bool       `json:"built_in"`
}

func builtInRole(name, displayName, organizationID string, assignable bool) assignableRole {
	none := []struct{}{}
	return assignableRole{
		Name: name, OrganizationID: organizationID, DisplayName: displayName, Assignable: assignable, BuiltIn: true,
		SitePermissions: none, OrganizationPermissions: none, OrganizationMemberPermissions: none, UserPermissions: none,
	}
}

// listOrganizationRoles is for who may read the organization.
func (h *Handler) listOrganizationRoles(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	o, err := h.organization(r, c)
	if err != nil {
		return err
	}
	grants := mayIn(c, commands.GrantOrganizationRoles, o.ID)
	out := []assignableRole{}
	for _, name := range commands.OrganizationRoles() {
		if shown, ok := organizationRoleNames[name]; ok {
			out = append(out, builtInRole(name, shown, o.ID, grants && commands.GrantableIn(c.Actor, o.ID, name)))
		}
	}
	write(w, http.StatusOK, out)
	return nil
}

func (h *Handler) getMemberRoles(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	o, u, err := h.member(r, c)
	if err != nil {
		return err
	}
	write(w, http.StatusOK, memberOfRow(o, u))
	return nil
}

func (h *Handler) setMemberRoles(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	o, u, err := h.member(r, c)
	if err != nil {
		return err
	}
	ownRoles := refuse(http.StatusBadRequest, "You cannot change your own organization roles.",
		"Another user with the appropriate permissions must change your roles.")
	if c.Is(u.ID) {
		return ownRoles
	}
	names, err := readRoles(w, r)
	if err != nil {
		return err
	}
	if !mayIn(c, commands.GrantOrganizationRoles, o.ID) {
		return errForbidden
	}
	res, err := h.Commands.AssignOrganizationRoles(r.Context(), gate.Request(r, c, Name), commands.AssignOrganizationRoles{
		UserID: u.ID, Organization: o.ID, Roles: rolesOf(names, o.ID),
	})
	if e, ok := commands.AsError(err); ok {
		switch {
		case e.Reason == "own-roles":
			return ownRoles
		case e.Code == commands.Invalid:
			return unsupportedRole(e, names)
		}
	}
	if err != nil {
		return err
	}
	h.Gate.WroteCredentials(w, r, res)
	write(w, http.StatusOK, memberOfState(o, res.User))
	return nil
}

// rolesOf takes the names that older clients send, "<role>:<organization>", and
// leaves out the role that everybody has.
func rolesOf(names []string, organizationID string) []string {
	out := make([]string, 0, len(names))
	for _, name := range names {
		if name = strings.TrimSuffix(name, ":"+organizationID); name != events.OrganizationMember {
			out = append(out, name)
		}
	}
	return out
}

// unsupportedRole names the first role that is none.
func unsupportedRole(e *commands.Error, names []string) error {
	for _, name := range names {
		if _, known := organizationRoleNames[name]; !known {
			return refuse(http.StatusBadRequest, fmt.Sprintf("%q is not a supported role", printable(name)), "")
		}
	}
	return refuse(http.StatusBadRequest, e.Message, "")
}
