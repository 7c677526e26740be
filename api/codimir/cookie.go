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

func secure(r *http.Request) bool { return r.TLS != nil }

func named(r *http.Request, plain, onTLS string) string {
	if secure(r) {
		return onTLS
	}
	return plain
}

func csrfCookie(r *http.Request) string    { return named(r, nextCSRF, nextSecureCSRF) }
func urlCookie(r *http.Request) string     { return named(r, nextURL, nextSecureURL) }
func sessionCookie(r *http.Request) string { return named(r, gate.NextCookie, gate.NextSecureCookie) }

// setCookie sets a cookie that lives as long as the browser.
func setCookie(w http.ResponseWriter, r *http.Request, name, value string) {
	http.SetCookie(w, cookie(r, name, value))
}

func cookie(r *http.Request, name, value string) *http.Cookie {
	return &http.Cookie{
		Name: name, Value: value, Path: "/", HttpOnly: true, Secure: secure(r), SameSite: http.SameSiteLaxMode,
	}
}

// setSession puts a session's token where clients keep it.
func setSession(w http.ResponseWriter, r *http.Request, token string, expires, now time.Time) {
	c := cookie(r, sessionCookie(r), token)
	c.Expires = expires
	if left := expires.Sub(now); left >= time.Second {
		c.MaxAge = int(left / time.Second)
	}
	http.SetCookie(w, c)
}

// clearSession takes every session cookie of the request away, pieces of one
// that another server had split included.
func clearSession(w http.ResponseWriter, r *http.Request) {
	gone := map[string]bool{}
	for _, sent := range r.Cookies() {
		base := strings.HasPrefix(sent.Name, gate.NextCookie) || strings.HasPrefix(sent.Name, gate.NextSecureCookie)
		if !base || gone[sent.Name] {
			continue
		}
		gone[sent.Name] = true
		c := cookie(r, sent.Name, "")
		c.MaxAge = -1 // written as Max-Age=0
		c.Secure = strings.HasPrefix(sent.Name, "__Secure-") || secure(r)
		http.SetCookie(w, c)
	}
}
