package v1

import (
	_ "embed"
	"net/http"

	"github.com/gorilla/mux"
	"go.uber.org/zap"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

// Name is the dialect's name in settings and events.
const Name = "v1"

//go:embed openapi.yaml
var document []byte

// Handler serves the own API.
type Handler struct {
	gate.Deps
	forms     gate.Forms
	catalogue *events.Catalogue
	view      *events.View
}

var _ gate.Dialect = (*Handler)(nil)

// New makes the handler.
func New(deps gate.Deps) *Handler {
	catalogue := events.Released()
	return &Handler{Deps: deps, forms: gate.DefaultForms(), catalogue: catalogue, view: events.NewView(catalogue)}
}

// Name implements gate.Dialect.
func (h *Handler) Name() string { return Name }

// OpenAPI implements gate.Dialect.
func (h *Handler) OpenAPI() []byte { return document }

// Register implements gate.Dialect.
func (h *Handler) Register(router *mux.Router) {
	routes := []struct {
		method, path string
		handle       func(http.ResponseWriter, *http.Request, gate.Caller) error
	}{
		{http.MethodGet, "/v1/users", h.listUsers},
		{http.MethodPost, "/v1/users", h.createUser},
		{http.MethodGet, "/v1/users/{user}", h.presentOr(h.getUser, h.getPastUser)},
		{http.MethodPatch, "/v1/users/{user}", h.updateUser},
		{http.MethodDelete, "/v1/users/{user}", h.deleteUser},
		{http.MethodGet, "/v1/users/me/data", h.readOwnData},
		{http.MethodGet, "/v1/users/{user}/history", h.userHistory},
		{http.MethodGet, "/v1/users/{user}/roles", h.getRoles},
		{http.MethodPut, "/v1/users/{user}/roles", h.setRoles},
		{http.MethodPut, "/v1/users/{user}/password", h.setPassword},
		{http.MethodPost, "/v1/users/{user}/suspend", h.suspendUser},
		{http.MethodPost, "/v1/users/{user}/activate", h.activateUser},
		{http.MethodPost, "/v1/users/{user}/confirm", h.confirmUser},
		{http.MethodGet, "/v1/users/{user}/preferences", h.listPreferences},
		{http.MethodPost, "/v1/users/{user}/erase", h.eraseUser},
		{http.MethodGet, "/v1/users/{user}/preferences/{dialect}", h.presentOr(h.getPreferences, h.getPastPreferences)},
		{http.MethodPatch, "/v1/users/{user}/preferences/{dialect}", h.updatePreferences},
		{http.MethodGet, "/v1/users/{user}/keys", h.presentOr(h.listKeys, h.listPastKeys)},
		{http.MethodPost, "/v1/users/{user}/keys", h.createKey},
		{http.MethodDelete, "/v1/users/{user}/keys/{key}", h.deleteKey},
		{http.MethodGet, "/v1/users/{user}/activities", h.listActivities},
		{http.MethodGet, "/v1/users/{user}/activities/count", h.countActivities},
		{http.MethodGet, "/v1/users/{user}/activities/stream", h.streamUser},
		{http.MethodGet, "/v1/users/{user}/statistics", h.getStatistics},
		{http.MethodGet, "/v1/users/{user}/parameters", h.listParameters},
		{http.MethodPost, "/v1/users/{user}/parameters", h.recordParameter},
		{http.MethodGet, "/v1/admin/projections", h.operator(h.listProjections)},
		{http.MethodPost, "/v1/admin/projections/{projection}/rebuild", h.operator(h.rebuildProjection)},
		{http.MethodPost, "/v1/admin/projections/{projection}/cancel", h.operator(h.cancelRebuild)},
		{http.MethodPost, "/v1/admin/projections/{projection}/switch", h.operator(h.switchProjection)},
		{http.MethodPost, "/v1/admin/projections/{projection}/verify", h.operator(h.verifyProjection)},
		{http.MethodGet, "/v1/admin/projections/{projection}/parked", h.operator(h.listParked)},
		{http.MethodPost, "/v1/admin/projections/{projection}/parked/redrive", h.operator(h.redriveParked)},
		{http.MethodGet, "/v1/admin/projections/{projection}/parked/{position}", h.operator(h.getParked)},
		{http.MethodPost, "/v1/admin/projections/{projection}/parked/{position}/drop", h.operator(h.dropParked)},
		{http.MethodPost, "/v1/workspaces", h.createWorkspace},
		{http.MethodGet, "/v1/workspaces/{workspace}", h.presentOr(h.getWorkspace, h.getPastWorkspace)},
		{http.MethodGet, "/v1/workspaces/{workspace}/history", h.workspaceHistory},
		{http.MethodPatch, "/v1/workspaces/{workspace}", h.updateWorkspace},
		{http.MethodDelete, "/v1/workspaces/{workspace}", h.deleteWorkspace},
		{http.MethodGet, "/v1/workspaces/{workspace}/permissions", h.listPermissions},
		{http.MethodPut, "/v1/workspaces/{workspace}/permissions/users/{user}", h.grantPermission},
		{http.MethodDelete, "/v1/workspaces/{workspace}/permissions/users/{user}", h.revokePermission},
		{http.MethodPut, "/v1/workspaces/{workspace}/permissions/groups/{group}", h.grantPermission},
		{http.MethodDelete, "/v1/workspaces/{workspace}/permissions/groups/{group}", h.revokePermission},
		{http.MethodGet, "/v1/groups", h.listGroups},
		{http.MethodPost, "/v1/groups", h.createGroup},
		{http.MethodGet, "/v1/groups/{group}", h.getGroup},
		{http.MethodPatch, "/v1/groups/{group}", h.renameGroup},
		{http.MethodDelete, "/v1/groups/{group}", h.deleteGroup},
		{http.MethodPut, "/v1/groups/{group}/members/{user}", h.addToGroup},
		{http.MethodDelete, "/v1/groups/{group}/members/{user}", h.removeFromGroup},
		{http.MethodGet, "/v1/events", h.listEvents},
		{http.MethodPost, "/v1/activities", h.recordActivities},
		{http.MethodGet, "/v1/activities/stream", h.streamAll},
		{http.MethodPost, "/v1/imports/users", h.importUsers},
		{http.MethodPost, "/v1/admin/master-key/rotate", h.rotateMasterKey},
		{http.MethodGet, "/v1/admin/log", h.readLog},
		{http.MethodGet, "/v1/admin/log/keys", h.readLogKeys},
		{http.MethodGet, "/v1/organizations", h.listOrganizations},
		{http.MethodPost, "/v1/organizations", h.createOrganization},
		{http.MethodGet, "/v1/organizations/{organization}", h.presentOr(h.getOrganization, h.getPastOrganization)},
		{http.MethodPatch, "/v1/organizations/{organization}", h.updateOrganization},
		{http.MethodDelete, "/v1/organizations/{organization}", h.deleteOrganization},
		{http.MethodGet, "/v1/organizations/{organization}/history", h.organizationHistory},
		{http.MethodGet, "/v1/organizations/{organization}/members", h.listMembers},
		{http.MethodPut, "/v1/organizations/{organization}/members/{user}", h.addMember},
		{http.MethodDelete, "/v1/organizations/{organization}/members/{user}", h.removeMember},
		{http.MethodPut, "/v1/organizations/{organization}/members/{user}/roles", h.setMemberRoles},
	}
	for _, route := range routes {
		router.Handle(route.path, h.signedIn(route.handle)).Methods(route.method)
	}
	h.registerCheckpoints(router)
	h.registerCatalogue(router)
	router.HandleFunc("/v1/openapi.yaml", serveDocument).Methods(http.MethodGet)
}

// signedIn runs a handler for a known caller and turns its error into a problem.
func (h *Handler) signedIn(handle func(http.ResponseWriter, *http.Request, gate.Caller) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, err := h.Gate.Identify(r, h.forms)
		if err == nil {
			err = handle(w, r, caller)
		}
		if err != nil {
			h.fail(w, r, err)
		}
	})
}

func serveDocument(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/yaml")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(document)
}

// request builds what a command carries.
func (h *Handler) request(r *http.Request, c gate.Caller) commands.Request {
	return gate.Request(r, c, Name)
}

// wrote tells of a change and answers with the user.
func (h *Handler) wrote(w http.ResponseWriter, r *http.Request, res commands.Result) error {
	h.Gate.Wrote(w, r, res)
	return answer(w, http.StatusOK, userOfState(res.User))
}

// wroteAccount is wrote for changes of who may come in, and as what.
func (h *Handler) wroteAccount(w http.ResponseWriter, r *http.Request, res commands.Result) error {
	h.Gate.WroteCredentials(w, r, res)
	return answer(w, http.StatusOK, userOfState(res.User))
}

// done tells of a change of who may come in and answers with nothing.
func (h *Handler) done(w http.ResponseWriter, r *http.Request, res commands.Result) error {
	h.Gate.WroteCredentials(w, r, res)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// logger carries the request's id.
func (h *Handler) logger(r *http.Request) *zap.Logger {
	return h.Logger.With(zap.String("request_id", gate.RequestID(r.Context())))
}
