package gate

import (
	"net/http"
	"strings"
)

// hostPrefix makes browsers keep a cookie for this host alone, set over TLS, for
// all paths.
const hostPrefix = "__Host-"

// SessionCookie is the name under which browsers keep a session of Coder's dialect.
func (s Settings) SessionCookie() string {
	if s.HostCookies {
		return hostPrefix + CoderCookie
	}
	return CoderCookie
}

// SameSite says to whose pages' requests browsers add cookies.
func (s Settings) SameSite() http.SameSite {
	if s.CookiesAcrossSites {
		return http.SameSiteNoneMode
	}
	return http.SameSiteLaxMode
}

// ReadHostCookies hides the cookie of sessions that has no prefix, which a
// neighbouring host can have set, and shows the one that has by its bare name.
func (s Settings) ReadHostCookies(next http.Handler) http.Handler {
	if !s.HostCookies {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(strings.Join(r.Header["Cookie"], ";"), CoderCookie) {
			next.ServeHTTP(w, r)
			return
		}
		sent := r.Cookies()
		r = r.Clone(r.Context())
		r.Header.Del("Cookie")
		for _, c := range sent {
			switch c.Name {
			case CoderCookie:
				continue
			case hostPrefix + CoderCookie:
				c.Name = CoderCookie
			}
			r.AddCookie(c)
		}
		next.ServeHTTP(w, r)
	})
}
