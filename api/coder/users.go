package coder

import (
	"net/http"

	"github.com/gorilla/mux"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

// registerUsers comes last: {user} would take the fixed names.
func (h *Handler) registerUsers(router *mux.Router) {
	const user = usersPath + "/{user}"
	router.Handle(usersPath+"/validate-password", h.public(h.validatePassword)).Methods(http.MethodPost)
	h.routes(router, []route{
		{http.MethodGet, usersPath, h.listUsers},
		{http.MethodPost, usersPath, h.createUser},
		{http.MethodGet, usersPath + "/roles", h.listSiteRoles},
		{http.MethodGet, user, h.getUser},
		{http.MethodDelete, user, h.deleteUser},
		{http.MethodPut, user + "/profile", h.updateProfile},
		{http.MethodPut, user + "/password", h.setPassword},
		{http.MethodPut, user + "/status/suspend", h.suspendUser},
		{http.MethodPut, user + "/status/activate", h.activateUser},
		{http.MethodGet, user + "/roles", h.getRoles},
		{http.MethodPut, user + "/roles", h.setRoles},
		{http.MethodGet, user + "/login-type", h.getLoginType},
		{http.MethodGet, user + "/appearance", h.getAppearance},
		{http.MethodPut, user + "/appearance", h.updateAppearance},
		{http.MethodGet, user + "/preferences", h.getPreferences},
		{http.MethodPut, user + "/preferences", h.updatePreferences},
		{http.MethodGet, user + "/gitsshkey", h.getSSHKey},
		{http.MethodPut, user + "/gitsshkey", h.regenerateSSHKey},
		{http.MethodGet, user + "/autofill-parameters", h.autofillParameters},
	})
}

func (h *Handler) getUser(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	u, err := h.userFor(r, c, commands.ReadUser, errNotFound)
	if err != nil {
		return err
	}
	write(w, http.StatusOK, userObject(u))
	return nil
}

// listSiteRoles is for everybody who is signed in.
func (h *Handler) listSiteRoles(w http.ResponseWriter, _ *http.Request, c gate.Caller) error {
	grants := may(c, commands.AssignUserRoles, "")
	out := make([]assignableRole, len(siteRoles))
	for i, role := range siteRoles {
		out[i] = builtInRole(role.Name, role.DisplayName, "", grants && commands.Grantable(c.Actor, events.Role(role.Name)))
	}
	write(w, http.StatusOK, out)
	return nil
}
