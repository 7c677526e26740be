package coder

import (
	"net/http"

	"github.com/rosterhq/roster/signin"
)

// The cookies of a sign-in by a provider.
const (
	stateCookie    = "oauth_state"
	redirectCookie = "oauth_redirect"
	verifierCookie = "oauth_pkce_verifier"
	convertCookie  = "coder_oauth_convert_jwt"
)

const attemptAge = 15 * 60 // seconds; a device code lives as long

// keepAttempt gives the browser what it must bring back. The redirect is always
// set: an older one must not count.
func (h *Handler) keepAttempt(w http.ResponseWriter, r *http.Request, a signin.Attempt, target string) {
	h.setCookie(w, r, stateCookie, a.State, attemptAge)
	h.setCookie(w, r, redirectCookie, pathOf(target), attemptAge)
	h.setCookie(w, r, verifierCookie, a.Verifier, attemptAge)
}

func (h *Handler) forgetAttempt(w http.ResponseWriter, r *http.Request) {
	for _, name := range []string{stateCookie, redirectCookie, verifierCookie} {
		h.setCookie(w, r, name, "", -1)
	}
}

// redirectOf is where the browser wanted to go. The cookie is reduced again: it is
// what the client says.
func redirectOf(r *http.Request) string {
	kept, err := r.Cookie(redirectCookie)
	if err != nil || kept.Value == "" {
		return "/"
	}
	return pathOf(kept.Value)
}
