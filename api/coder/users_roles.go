package coder

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

// implicitRole is everybody's: it is never stored nor shown.
const implicitRole = "member"

var errRolesSynced = refuse(http.StatusBadRequest, "Cannot modify roles for OIDC users when role sync is enabled.",
	"'User Role Field' is set in the OIDC configuration. All role changes must come from the oidc identity provider.")

// rolesAnswer is what a user may do, by the names of roles.
type rolesAnswer struct {
	Roles             []string            `json:"roles"`
	OrganizationRoles map[string][]string `json:"organization_roles"`
}

func (h *Handler) getRoles(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	u, err := h.userFor(r, c, commands.ReadPersonal, errNotFound)
	if err != nil {
		return err
	}
	out := rolesAnswer{Roles: []string{}, OrganizationRoles: map[string][]string{}}
	for _, role := range shownRoles(u.Roles) {
		out.Roles = append(out.Roles, role.Name)
	}
	for _, m := range u.Organizations {
		out.OrganizationRoles[m.Organization] = append([]string{}, m.Roles...)
	}
	write(w, http.StatusOK, out)
	return nil
}

func (h *Handler) setRoles(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	u, err := h.user(r, c)
	if err != nil {
		return err
	}
	if h.Commands.SyncsRoles(u.LoginType) {
		return errRolesSynced
	}
	if c.Is(u.ID) {
		return refuse(http.StatusBadRequest, "You cannot change your own roles.", "")
	}
	names, err := readRoles(w, r)
	if err != nil {
		return err
	}
	if !mayAssign(c, u.ID, u.Roles, names) {
		return errForbidden
	}
	if err := checkSiteRoles(names); err != nil {
		return err
	}
	res, err := h.Commands.AssignRoles(r.Context(), gate.Request(r, c, Name), commands.AssignRoles{
		UserID: u.ID, Roles: append(wantedRoles(names), foreignRoles(u.Roles)...),
	})
	if err != nil {
		return err
	}
	h.Gate.WroteCredentials(w, r, res)
	write(w, http.StatusOK, changedUser(u, res.User))
	return nil
}

// readRoles reads the complete new list. A Go client sends null for none; a body
// without the member is a mistake that must not take all roles.
func readRoles(w http.ResponseWriter, r *http.Request) ([]string, error) {
	b, err := readBody(w, r)
	if err != nil {
		return nil, err
	}
	names := b.texts("roles")
	if _, given := b.object["roles"]; !given {
		b.check("roles", "", required)
	}
	return names, b.err()
}

// mayAssign says whether the caller may give and take every role that changes.
func mayAssign(c gate.Caller, userID string, held []events.Role, names []string) bool {
	if !may(c, commands.AssignUserRoles, userID) {
		return false
	}
	wanted := wantedRoles(names)
	mayTouch := func(role events.Role) bool { return commands.Grantable(c.Actor, role) }
	for _, role := range held {
		if isSiteRole(role) && !slices.Contains(wanted, role) && !mayTouch(role) {
			return false
		}
	}
	for _, role := range wanted {
		if !slices.Contains(held, role) && !mayTouch(role) {
			return false
		}
	}
	return true
}

// wantedRoles are the roles named, each once.
func wantedRoles(names []string) []events.Role {
	out := []events.Role{}
	for _, name := range names {
		if role := events.Role(name); name != implicitRole && !slices.Contains(out, role) {
			out = append(out, role)
		}
	}
	return out
}

// foreignRoles are roles that Coder's clients do not see, and so can not mean to
// take by leaving them out.
func foreignRoles(held []events.Role) []events.Role {
	return slices.DeleteFunc(slices.Clone(held), isSiteRole)
}

func isSiteRole(role events.Role) bool {
	return slices.ContainsFunc(siteRoles, func(r slimRole) bool { return r.Name == string(role) })
}

func checkSiteRoles(names []string) error {
	for _, role := range wantedRoles(names) {
		switch {
		case isSiteRole(role):
		case strings.Contains(string(role), ":") || strings.HasPrefix(string(role), "organization-"):
			return refuse(http.StatusBadRequest, "Must only update site wide roles", "")
		default:
			return refuse(http.StatusBadRequest, fmt.Sprintf("%q is not a supported role", printable(string(role))), "")
		}
	}
	return nil
}
