package pm415

import (
	_ "embed"
	"net/http"

	"github.com/gorilla/mux"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
)

// Name is the dialect's name in settings and events.
const Name = "pm415"

//go:embed openapi.yaml
var document []byte

// Handler serves the dialect.
type Handler struct{ gate.Deps }

var _ gate.Dialect = (*Handler)(nil)

// New makes the handler.
func New(deps gate.Deps) *Handler { return &Handler{Deps: deps} }

// Name implements gate.Dialect.
func (h *Handler) Name() string { return Name }

// OpenAPI implements gate.Dialect.
func (h *Handler) OpenAPI() []byte { return document }

// Refuse implements gate.Dialect.
func (h *Handler) Refuse(w http.ResponseWriter, _ *http.Request, f gate.Refusal) {
	message := f.Message
	switch f.Status {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusInternalServerError, http.StatusServiceUnavailable:
		message = http.StatusText(f.Status)
	}
	refuse(f.Status, message).write(w)
}

// answerer handles a request; an error is written in one place.
type answerer func(w http.ResponseWriter, r *http.Request) error

// callerAnswerer handles a request of a caller who is known.
type callerAnswerer func(w http.ResponseWriter, r *http.Request, c gate.Caller) error

// route is a method of a path.
type route struct {
	method, path string
	handler      http.Handler
}

// Register implements gate.Dialect. As in Express, a slash at the end of a path
// changes nothing; only that of /api/user/ is another dialect's.
func (h *Handler) Register(router *mux.Router) {
	for _, o := range h.routes() {
		router.Path(o.path).Methods(o.method).Handler(o.handler)
		if o.path != userPath {
			router.Path(o.path + "/").Methods(o.method).Handler(o.handler)
		}
	}
}

const userPath = "/api/user"

func (h *Handler) routes() []route {
	const organization = "/api/org/{orgId}"
	return []route{
		{http.MethodGet, userPath, h.signedIn(h.currentUser)},
		{http.MethodPut, userPath, h.signedIn(h.updateUser)},
		{http.MethodGet, "/api/user/apikey", h.signedIn(h.apiKey)},
		{http.MethodPost, "/api/user/apikey", h.signedIn(h.newAPIKey)},
		{http.MethodGet, "/api/user/orgs", h.signedIn(h.userOrganizations)},

		{http.MethodPost, "/api/account/login", h.public(h.login)},
		{http.MethodPost, "/api/account/register", h.public(h.register)},
		{http.MethodGet, "/api/account/verify", h.public(h.verify)},
		{http.MethodPost, "/api/account/forgotpassword", h.public(h.forgotPassword)},
		{http.MethodPost, "/api/account/changepassword", h.public(h.changePassword)},

		{http.MethodGet, "/api/org", h.signedIn(h.organizations)},
		{http.MethodPost, "/api/org", h.signedIn(h.createOrganization)},
		{http.MethodGet, "/api/org/invite", h.public(h.invitation)}, // before {orgId}
		{http.MethodPost, "/api/org/switch/{orgId}", h.signedIn(h.switchOrganization)},
		{http.MethodPut, organization, h.signedIn(h.updateOrganization)},
		{http.MethodDelete, organization, h.signedIn(h.deleteOrganization)},
		{http.MethodGet, organization + "/users", h.signedIn(h.members)},
		{http.MethodPost, organization + "/users/remove", h.signedIn(h.removeMembers)},
		{http.MethodPost, organization + "/invitelink", h.signedIn(h.inviteLink)},
		{http.MethodPut, organization + "/admin/grant", h.signedIn(h.grantAdmin)},
		{http.MethodPut, organization + "/admin/revoke", h.signedIn(h.revokeAdmin)},
		{http.MethodPut, organization + "/admin/resetpassword", h.signedIn(h.resetPasswords)},
	}
}

func (h *Handler) public(handle answerer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := handle(w, r); err != nil {
			h.fail(w, r, err)
		}
	})
}

func (h *Handler) signedIn(handle callerAnswerer) http.Handler {
	return h.public(func(w http.ResponseWriter, r *http.Request) error {
		c, err := h.Gate.Identify(r, forms)
		if err != nil {
			return err
		}
		return handle(w, r, c)
	})
}

// forms are where a credential may be. PM415's clients send the header, which
// therefore wins over cookies that another dialect left in the browser.
var forms = append(gate.Forms{gate.Bearer()}, gate.DefaultForms()...)

// may says whether the caller's key reaches this action, done to the caller's own.
func may(c gate.Caller, action commands.Action) error {
	if commands.Allowed(c.Actor, action, c.UserID()) {
		return nil
	}
	return errLimitedKey
}

// wholly says whether the caller's key does everything that its user may. Of what
// opens everything limited keys learn nothing.
func wholly(c gate.Caller) error { return may(c, commands.SetUserPassword) }
