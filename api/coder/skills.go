package coder

import "github.com/gorilla/mux"

func (h *Handler) registerSkills(*mux.Router) {}
