package coder

import (
	"net/http"

	"github.com/gorilla/mux"
	"go.uber.org/zap"

	"github.com/rosterhq/roster/api/gate"
)

// public is an endpoint that answers anybody.
func (h *Handler) public(handle func(http.ResponseWriter, *http.Request) error) http.Handler {
	return h.guarded(func(w http.ResponseWriter, r *http.Request) error {
		if err := h.Gate.AllowCall(r, gate.Caller{}, endpoint(r)); err != nil {
			return err
		}
		return handle(w, r)
	})
}

// signedIn is an endpoint for who is signed in.
func (h *Handler) signedIn(handle func(http.ResponseWriter, *http.Request, gate.Caller) error) http.Handler {
	return h.guarded(func(w http.ResponseWriter, r *http.Request) error {
		caller, err := h.Gate.Identify(r, h.forms)
		if err != nil {
			return err
		}
		if err := h.Gate.AllowCall(r, caller, endpoint(r)); err != nil {
			return err
		}
		return handle(w, r, caller)
	})
}

// guarded is what every endpoint has: the header by which clients know the
// server, the guard against forged writes, and answers to errors.
func (h *Handler) guarded(handle func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(versionHeader, buildVersion)
		if h.forged(r) {
			h.offerCSRF(w, r)
			refuseForged(w)
			return
		}
		h.offerCSRF(w, r)
		if err := handle(w, r); err != nil {
			h.fail(w, r, err)
		}
	})
}

// endpoint names what is limited together.
func endpoint(r *http.Request) string {
	route := mux.CurrentRoute(r)
	if route == nil {
		return r.Method
	}
	template, err := route.GetPathTemplate()
	if err != nil {
		return r.Method
	}
	return r.Method + " " + template
}

func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	a := answerOf(err)
	if a.status >= http.StatusInternalServerError {
		h.Logger.Error("request failed", zap.String("request_id", gate.RequestID(r.Context())), zap.Error(err))
	}
	if a.challenge != "" {
		w.Header().Set("WWW-Authenticate", a.challenge+`, resource_metadata="`+h.Settings.BaseURL(r)+`/.well-known/oauth-protected-resource"`)
	}
	a.write(w)
}
