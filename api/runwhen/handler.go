package runwhen

import (
	_ "embed"
	"net/http"
	"strings"

	"github.com/gorilla/mux"

	"github.com/rosterhq/roster/api/gate"
)

// Name is the dialect's name in settings and events.
const Name = "runwhen"

const root = "/api/v3"

//go:embed openapi.yaml
var document []byte

// Handler serves the dialect.
type Handler struct {
	gate.Deps
	forms       gate.Forms
	streamForms gate.Forms
}

var _ gate.Dialect = (*Handler)(nil)

// New makes the handler. Deps.Streams must render by Render.
func New(deps gate.Deps) *Handler {
	forms := append(gate.Forms{gate.Bearer()}, gate.DefaultForms()...)
	return &Handler{
		Deps: deps, forms: forms,
		// A browser's EventSource can not set headers.
		streamForms: append(append(gate.Forms{}, forms...), gate.Query(gate.AccessTokenQuery)),
	}
}

// Name implements gate.Dialect.
func (h *Handler) Name() string { return Name }

// OpenAPI implements gate.Dialect.
func (h *Handler) OpenAPI() []byte { return document }

// Refuse implements gate.Dialect.
func (h *Handler) Refuse(w http.ResponseWriter, _ *http.Request, f gate.Refusal) {
	if f.Status == http.StatusBadRequest {
		told(f.Status, f.Message).write(w)
		return
	}
	plain(f.Status).write(w)
}

// answerer handles a request; an error is written in one place.
type answerer func(w http.ResponseWriter, r *http.Request, c gate.Caller) error

// route is a path and what it offers, by method.
type route struct {
	path  string
	offer map[string]http.Handler
}

// Register implements gate.Dialect. Each path takes every method, so that a wrong
// one is answered here, and is there with and without a slash: a redirect makes
// some clients turn their method into GET.
func (h *Handler) Register(router *mux.Router) {
	for _, one := range h.routes() {
		handler := byMethod(one.offer)
		router.Path(root + one.path).Handler(handler)
		router.Path(root + one.path + "/").Handler(handler)
	}
	unknown := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { errUnknownPath.write(w) })
	router.Path(root).Handler(unknown)
	router.PathPrefix(root + "/").Handler(unknown)
}

// routes lists the paths; words go before the ids that they could be taken for.
func (h *Handler) routes() []route {
	get := func(a answerer) map[string]http.Handler {
		return map[string]http.Handler{http.MethodGet: h.signedIn(a)}
	}
	post := func(a answerer) map[string]http.Handler {
		return map[string]http.Handler{http.MethodPost: h.signedIn(a)}
	}
	open := func(a answerer) map[string]http.Handler {
		return map[string]http.Handler{http.MethodPost: h.anybody(a)}
	}
	return []route{
		{"/token", open(h.obtain)},
		{"/token/refresh", open(h.refresh)},
		{"/token/verify", open(h.verify)},
		{"/users/login", open(h.login)},
		{"/users/register", open(h.register)},
		{"/users/verify-email", open(h.verifyEmail)},
		{"/users/logout", post(h.logout)},
		{"/users/whoami", get(h.whoami)},
		{"/users/get-token", get(h.getToken)},
		{"/users/search", get(h.search)},
		{"/users/tokens", get(h.listTokens)},
		{"/users/tokens/create", post(h.createToken)},
		{"/users/tokens/{token_id}/revoke", post(h.revokeToken)},
		{"/users/tokens/{token_id}", map[string]http.Handler{http.MethodDelete: h.signedIn(h.deleteToken)}},
		{"/users", get(h.listUsers)},
		{"/users/{user_id}/activeworkspaces", get(h.activeWorkspaces)},
		{"/users/{user_id}/activities", get(h.activities)},
		{"/users/{user_id}/activities/count", get(h.countActivities)},
		{"/users/{user_id}/activities/stream", map[string]http.Handler{http.MethodGet: h.identified(h.streamForms, h.stream)}},
		{"/users/{user_id}", map[string]http.Handler{
			http.MethodGet: h.signedIn(h.getUser), http.MethodPut: h.signedIn(h.putUser),
			http.MethodPatch: h.signedIn(h.patchUser), http.MethodDelete: h.signedIn(h.deleteUser),
		}},
		{"/workspaces", get(h.listWorkspaces)},
	}
}

// methods are those that there are, in the order of Allow.
func methods() []string {
	return []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
}

func byMethod(offer map[string]http.Handler) http.Handler {
	var allow []string
	for _, method := range methods() {
		if offer[method] == nil {
			continue
		}
		allow = append(allow, method)
		if method == http.MethodGet {
			allow = append(allow, http.MethodHead) // served as GET
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler := offer[r.Method]
		if handler == nil {
			w.Header().Set("Allow", strings.Join(allow, ", "))
			errMethod.write(w)
			return
		}
		handler.ServeHTTP(w, r)
	})
}

// anybody serves who need not be known.
func (h *Handler) anybody(handle answerer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := handle(w, r, gate.Caller{}); err != nil {
			h.fail(w, r, err)
		}
	})
}

func (h *Handler) signedIn(handle answerer) http.Handler { return h.identified(h.forms, handle) }

func (h *Handler) identified(forms gate.Forms, handle answerer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := h.Gate.Identify(r, forms)
		if err == nil {
			err = handle(w, r, c)
		}
		if err != nil {
			h.fail(w, r, err)
		}
	})
}
