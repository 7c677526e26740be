package coder

import (
	_ "embed"
	"net/http"

	"github.com/gorilla/mux"

	"github.com/rosterhq/roster/api/gate"
)

// Name is the dialect's name in settings and events.
const Name = "coder"

//go:embed openapi.yaml
var document []byte

// Handler serves the dialect.
type Handler struct {
	gate.Deps
	forms     gate.Forms
	passcodes chan struct{} // a place for each that is being mailed
}

var _ gate.Dialect = (*Handler)(nil)

// New makes the handler.
func New(deps gate.Deps) *Handler {
	return &Handler{Deps: deps, forms: gate.CoderForms(), passcodes: make(chan struct{}, passcodesAtOnce)}
}

// Name implements gate.Dialect.
func (h *Handler) Name() string { return Name }

// OpenAPI implements gate.Dialect.
func (h *Handler) OpenAPI() []byte { return document }

// Register implements gate.Dialect. Of routes that fit a path the first one
// answers: fixed names stand in front of {user}.
func (h *Handler) Register(router *mux.Router) {
	router.Handle(usersPath+"/first", h.public(h.firstUser)).Methods(http.MethodGet)
	router.Handle(usersPath+"/first", h.public(h.createFirstUser)).Methods(http.MethodPost)
	router.Handle(usersPath+"/login", h.public(h.login)).Methods(http.MethodPost)
	router.Handle(usersPath+"/logout", h.signedIn(h.logout)).Methods(http.MethodPost)
	h.registerOAuth(router)
	h.registerKeys(router)
	h.registerOrganizations(router)
	h.registerSkills(router)
	h.registerUsers(router)
}
