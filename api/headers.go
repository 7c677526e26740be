package api

import (
	"maps"
	"net/http"

	"github.com/rosterhq/roster/api/gate"
)

// checkHeaders refuses headers that every dialect shares and that can not be
// used, so that no handler has to.
func (s *surface) checkHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := gate.IdempotencyKey(r); err != nil {
			s.refuseHeader(w, r, err)
			return
		}
		waiting, err := gate.WithMinPosition(r)
		if err != nil {
			s.refuseHeader(w, r, err)
			return
		}
		next.ServeHTTP(w, waiting)
	})
}

func (s *surface) refuseHeader(w http.ResponseWriter, r *http.Request, err error) {
	s.refuse(w, r, gate.Refusal{Status: http.StatusBadRequest, Code: "bad-header", Message: err.Error()})
}

// protection keeps browsers from doing more with an answer than they should. The
// names are canonical and the values shared: a handler replaces them, it never
// changes them in place.
var protection = map[string][]string{
	"X-Content-Type-Options":       {"nosniff"},
	"X-Frame-Options":              {"DENY"},
	"Referrer-Policy":              {"no-referrer"},
	"Content-Security-Policy":      {"default-src 'none'; frame-ancestors 'none'"},
	"Cross-Origin-Resource-Policy": {"same-origin"},
	"Cache-Control":                {"no-store"},
}

// strictTransport keeps browsers on TLS for a year. Other names of the domain are
// not ours to bind.
var strictTransport = []string{"max-age=31536000"}

func secure(h http.Header, r *http.Request) {
	maps.Copy(h, protection)
	if gate.OverTLS(r) {
		h["Strict-Transport-Security"] = strictTransport
	}
}
