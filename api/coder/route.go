package coder

import (
	"net/http"

	"github.com/gorilla/mux"

	"github.com/rosterhq/roster/api/gate"
)

const usersPath = "/api/v2/users"

// route is one endpoint for who is signed in.
type route struct {
	method, path string
	handle       func(http.ResponseWriter, *http.Request, gate.Caller) error
}

func (h *Handler) routes(router *mux.Router, routes []route) {
	for _, r := range routes {
		router.Handle(r.path, h.signedIn(r.handle)).Methods(r.method)
	}
}
