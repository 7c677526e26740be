package codimir

import (
	_ "embed"
	"net/http"
	"strings"

	"github.com/gorilla/mux"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
)

// dialect is the name in events, preferences and ROSTER_DIALECTS.
const dialect = "codimir"

//go:embed openapi.yaml
var openAPI []byte

// Handler serves the dialect.
type Handler struct {
	gate.Deps
	csrf *csrf
	site site
}

// New makes the dialect.
func New(deps gate.Deps) *Handler {
	return &Handler{Deps: deps, csrf: newCSRF(deps), site: site{deps.Settings}}
}

// Name implements gate.Dialect.
func (h *Handler) Name() string { return dialect }

// OpenAPI implements gate.Dialect.
func (h *Handler) OpenAPI() []byte { return openAPI }

// Refuse implements gate.Dialect.
func (h *Handler) Refuse(w http.ResponseWriter, r *http.Request, f gate.Refusal) {
	answer := *faultOfStatus(f.Status)
	if f.Status == http.StatusBadRequest && f.Message != "" {
		answer.message = f.Message // it names the header that was wrong
	}
	h.writeFault(w, &answer)
}

// Register implements gate.Dialect. Each path takes every method, so that a
// wrong one is answered here; what is left of /api/user/ and /api/auth/ is
// unknown. Two paths below /api/user/ belong to another dialect.
func (h *Handler) Register(router *mux.Router) {
	for path, offered := range h.routes() {
		router.Path(path).Handler(h.byMethod(offered))
	}
	unknown := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { h.writeFault(w, faultNotFound) })
	router.PathPrefix("/api/user/").MatcherFunc(notForeign).Handler(unknown)
	router.PathPrefix("/api/auth/").Handler(unknown)
}

// answerer handles a request; the error it returns is written in one place.
type answerer func(w http.ResponseWriter, r *http.Request) error

// offer are the methods of a path, in the order of the Allow header. HEAD goes
// with GET.
type offer struct{ get, put, post answerer }

func (h *Handler) routes() map[string]offer {
	return map[string]offer{
		"/api/user/profile":              {get: h.reading(commands.ReadUser, h.getProfile), put: h.signedIn(h.putProfile)},
		"/api/user/activity":             {get: h.reading(commands.ReadActivities, h.getActivity)},
		"/api/user/preferences":          {get: h.reading(commands.ReadPersonal, h.getPreferences), put: h.signedIn(h.putPreferences)},
		"/api/user/stats":                {get: h.reading(commands.ReadActivities, h.getStats)},
		"/api/auth/csrf":                 {get: h.getCSRF},
		"/api/auth/providers":            {get: h.getProviders},
		"/api/auth/session":              {get: h.getSession},
		"/api/auth/callback/credentials": {post: h.postCredentials},
		"/api/auth/signout":              {post: h.postSignOut},
	}
}

func (h *Handler) byMethod(o offer) http.Handler {
	var allow []string
	if o.get != nil {
		allow = append(allow, http.MethodGet, http.MethodHead)
	}
	if o.put != nil {
		allow = append(allow, http.MethodPut)
	}
	if o.post != nil {
		allow = append(allow, http.MethodPost)
	}
	offered := map[string]answerer{http.MethodGet: o.get, http.MethodHead: o.get, http.MethodPut: o.put, http.MethodPost: o.post}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handle := offered[r.Method]
		if handle == nil {
			w.Header().Set("Allow", strings.Join(allow, ", "))
			h.writeFault(w, faultMethod)
			return
		}
		if err := handle(w, r); err != nil {
			h.writeError(w, r, err)
		}
	})
}

// notForeign leaves the paths of another dialect to the router.
func notForeign(r *http.Request, _ *mux.RouteMatch) bool {
	name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/api/user/"), "/")
	return name != "apikey" && name != "orgs"
}

// forUser is a handler for a caller who is known.
type forUser func(w http.ResponseWriter, r *http.Request, c gate.Caller) error

// signedIn hands on to handle who calls.
func (h *Handler) signedIn(handle forUser) answerer {
	return func(w http.ResponseWriter, r *http.Request) error {
		c, err := h.Gate.Identify(r, gate.DefaultForms())
		if err != nil {
			return err
		}
		return handle(w, r, c)
	}
}

// reading is signedIn for reads. A session may read all about its user, but a
// key may be limited. Writes are checked where they are decided.
func (h *Handler) reading(action commands.Action, handle forUser) answerer {
	return h.signedIn(func(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
		if !commands.Allowed(c.Actor, action, c.UserID()) {
			return faultForbidden
		}
		return handle(w, r, c)
	})
}
