package codimir

import (
	"net/http"
	"strings"
	"time"

	"github.com/rosterhq/roster/api/gate"
)

// Cookies of NextAuth. On TLS their names say so, and browsers hold them to it.
const (
	nextCSRF        = "next-auth.csrf-token"
	nextSecureCSRF  = "__Host-next-auth.csrf-token"
	nextURL         = "next-auth.callback-url"
	nextSecureURL   = "__Secure-next-auth.callback-url"
	sessionLifetime = 30 * 24 * time.Hour
)

// site is how clients see this installation, which the operator may say.
type site struct{ gate.Settings }

// origin is where the client found this server.
func (s site) origin(r *http.Request) string { return s.BaseURL(r) }

func (s site) named(r *http.Request, plain, onTLS string) string {
	if s.SecureCookies(r) {
		return onTLS
	}
	return plain
}

func (s site) csrfCookie(r *http.Request) string { return s.named(r, nextCSRF, nextSecureCSRF) }
func (s site) urlCookie(r *http.Request) string  { return s.named(r, nextURL, nextSecureURL) }
func (s site) sessionCookie(r *http.Request) string {
	return s.named(r, gate.NextCookie, gate.NextSecureCookie)
}

// setCookie sets a cookie that lives as long as the browser.
func (s site) setCookie(w http.ResponseWriter, r *http.Request, name, value string) {
	http.SetCookie(w, s.cookie(r, name, value))
}

func (s site) cookie(r *http.Request, name, value string) *http.Cookie {
	return &http.Cookie{
		Name: name, Value: value, Path: "/", HttpOnly: true, Secure: s.SecureCookies(r), SameSite: http.SameSiteLaxMode,
	}
}

// setSession puts a session's token where clients keep it.
func (s site) setSession(w http.ResponseWriter, r *http.Request, token string, expires, now time.Time) {
	c := s.cookie(r, s.sessionCookie(r), token)
	c.Expires = expires
	if left := expires.Sub(now); left >= time.Second {
		c.MaxAge = int(left / time.Second)
	}
	http.SetCookie(w, c)
}

// clearSession takes every session cookie of the request away, pieces of one
// that another server had split included.
func (s site) clearSession(w http.ResponseWriter, r *http.Request) {
	gone := map[string]bool{}
	for _, sent := range r.Cookies() {
		base := strings.HasPrefix(sent.Name, gate.NextCookie) || strings.HasPrefix(sent.Name, gate.NextSecureCookie)
		if !base || gone[sent.Name] {
			continue
		}
		gone[sent.Name] = true
		c := s.cookie(r, sent.Name, "")
		c.MaxAge = -1 // written as Max-Age=0
		c.Secure = strings.HasPrefix(sent.Name, "__Secure-") || s.SecureCookies(r)
		http.SetCookie(w, c)
	}
}
