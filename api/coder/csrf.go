package coder

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"

	"github.com/justinas/nosurf"

	"github.com/rosterhq/roster/api/gate"
)

const (
	csrfCookie = "csrf_token"
	csrfHeader = "X-CSRF-TOKEN"
	csrfLength = 32 // bytes, as nosurf has them
)

// forged says that a browser may have sent a write by itself: it is not GET, the
// session is in a cookie, and nothing shows that the sender could read one. What
// shows it is the token of the csrf_token cookie again in X-CSRF-TOKEN (masked or
// not, in nosurf's form), or the session token again in header or query. The first
// user is made before there are sessions.
func (h *Handler) forged(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return false
	}
	session, fromCookie := h.forms.Find(r)
	if !fromCookie || r.URL.Path == usersPath+"/first" {
		return false
	}
	if r.Header.Get(gate.CoderHeader) == session || r.URL.Query().Get(gate.CoderSessionQuery) == session {
		return false
	}
	known, err := r.Cookie(csrfCookie)
	return err != nil || !nosurf.VerifyToken(known.Value, r.Header.Get(csrfHeader))
}

func refuseForged(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write([]byte("The CSRF token is missing or wrong: send the value of the cookie csrf_token as X-CSRF-TOKEN, or the session token as Coder-Session-Token.\n"))
}

// offerCSRF gives a browser with a session the cookie whose value its scripts send
// back. They must be able to read it.
func (h *Handler) offerCSRF(w http.ResponseWriter, r *http.Request) {
	if _, fromCookie := h.forms.Find(r); !fromCookie {
		return
	}
	if c, err := r.Cookie(csrfCookie); err == nil && nosurf.VerifyToken(c.Value, c.Value) {
		return
	}
	var token [csrfLength]byte
	_, _ = rand.Read(token[:]) // never fails, by its documentation
	http.SetCookie(w, &http.Cookie{
		Name: csrfCookie, Value: base64.StdEncoding.EncodeToString(token[:]), Path: "/", MaxAge: cookieAge,
		SameSite: h.Settings.SameSite(), Secure: h.Settings.SecureCookies(r),
	})
}
