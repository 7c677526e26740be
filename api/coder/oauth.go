package coder

import "github.com/gorilla/mux"

func (h *Handler) registerOAuth(*mux.Router) {}
