package coder

import "github.com/gorilla/mux"

func (h *Handler) registerOrganizations(*mux.Router) {}
