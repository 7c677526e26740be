package coder

import "github.com/gorilla/mux"

func (h *Handler) registerKeys(*mux.Router) {}
