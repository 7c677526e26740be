package abf

import (
	_ "embed"
	"net/http"
	"strings"

	"github.com/gorilla/mux"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
)

// Name is the dialect's name in settings and events.
const Name = "abf"

const root = "/api/v1"

//go:embed openapi.yaml
var document []byte

// Handler serves the dialect.
type Handler struct {
	gate.Deps
	quota *quota // nil: unlimited
}

var _ gate.Dialect = (*Handler)(nil)

// New makes the handler.
func New(deps gate.Deps) *Handler {
	return &Handler{Deps: deps, quota: newQuota(deps.Settings.ABFHourlyLimit, deps.Clock)}
}

// Name implements gate.Dialect.
func (h *Handler) Name() string { return Name }

// OpenAPI implements gate.Dialect.
func (h *Handler) OpenAPI() []byte { return document }

// Refuse implements gate.Dialect.
func (h *Handler) Refuse(w http.ResponseWriter, _ *http.Request, f gate.Refusal) {
	refusalOf(f.Status).write(w)
}

// Register implements gate.Dialect. Each path takes every method, so that a wrong
// one is answered here; ".json" is optional, another format is unknown.
func (h *Handler) Register(router *mux.Router) {
	for path, o := range map[string]offer{
		"/user":           {get: h.signedIn(h.currentUser), put: h.signedIn(h.updateUser), patch: h.signedIn(h.updateUser)},
		"/user/notifiers": {get: h.signedIn(h.notifiers), put: h.signedIn(h.updateNotifiers)},
		"/users/{id}":     {get: h.signedIn(h.user)},
		"/search":         {get: h.signedIn(h.search)},
	} {
		handler := h.byMethod(o)
		router.Path(root + path + ".json").Handler(handler) // first: the id's pattern would take the suffix along
		router.Path(root + path).Handler(handler)
	}
	unknown := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.refuse(w, r, errNotFound) })
	router.Path(root).Handler(unknown)
	router.PathPrefix(root + "/").Handler(unknown)
}

// answerer handles a request of a caller who is known; an error is written in one
// place.
type answerer func(w http.ResponseWriter, r *http.Request, c gate.Caller) error

// offer are the methods of a path. HEAD goes with GET.
type offer struct{ get, put, patch http.Handler }

func (h *Handler) byMethod(o offer) http.Handler {
	offered := map[string]http.Handler{}
	var allow []string
	add := func(method string, handler http.Handler) {
		if handler != nil {
			offered[method] = handler
			allow = append(allow, method)
		}
	}
	add(http.MethodGet, o.get)
	add(http.MethodHead, o.get)
	add(http.MethodPut, o.put)
	add(http.MethodPatch, o.patch)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler := offered[r.Method]
		if handler == nil {
			w.Header().Set("Allow", strings.Join(allow, ", "))
			h.refuse(w, r, errMethod)
			return
		}
		handler.ServeHTTP(w, r)
	})
}

// refuse answers what nobody needs to sign in for. It counts for the address: every
// answer says what is left of the hour.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, a *answer) {
	var err error = a
	if spent := h.quota.spend(w, r, gate.Caller{}); spent != nil {
		err = spent
	}
	h.fail(w, r, err)
}

func (h *Handler) signedIn(handle answerer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := h.identify(r)
		if spent := h.quota.spend(w, r, c); spent != nil {
			err = spent
		}
		if err == nil {
			err = handle(w, r, c)
		}
		if err != nil {
			h.fail(w, r, err)
		}
	})
}

// identify takes HTTP Basic first, which ABF's clients send, then the forms that
// every dialect takes.
func (h *Handler) identify(r *http.Request) (gate.Caller, error) {
	if h.Basic.Offered(r) {
		return h.Basic.Identify(r)
	}
	return h.Gate.Identify(r, gate.DefaultForms())
}

// may says whether the caller's key reaches an action on the caller.
func may(c gate.Caller, action commands.Action) error {
	if commands.Allowed(c.Actor, action, c.UserID()) {
		return nil
	}
	return errForbidden
}

// sees says whether the caller's key reaches a user: in this dialect everybody who
// is signed in sees everybody, but a limited key no more than its scopes and its
// list say. What is asked is whether the user could do it by the key.
func sees(c gate.Caller, userID string) bool {
	as := c.Actor
	as.UserID = userID
	return commands.Allowed(as, commands.ReadUser, userID)
}
