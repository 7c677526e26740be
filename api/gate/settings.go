package gate

import (
	"context"
	"net/http"
	"strings"
)

// Settings are choices of the operator that dialects must know.
type Settings struct {
	SignUp                bool // public registrations are open
	PasswordLoginDisabled bool // nobody signs in with a password
	// AccessURL is where clients reach this installation, without a slash at its
	// end; "" means by the name that they use.
	AccessURL string
	// Cookies says whether session cookies are for TLS alone.
	Cookies CookieSecurity
	// HostCookies gives the cookie of sessions the prefix __Host-, which browsers take
	// from this host alone, over TLS. Its bare name counts for nothing then.
	HostCookies bool
	// CookiesAcrossSites lets browsers send cookies with requests of other sites'
	// pages (SameSite=None).
	CookiesAcrossSites bool
	// TermsURL is what people agree to by signing in; "" for nothing.
	TermsURL string
	// FixedLives says that uses do not prolong the lives of sessions and keys.
	FixedLives bool
	// ABFHourlyLimit bounds what one user or address may ask in an hour in ABF's
	// dialect; 0 means no bound.
	ABFHourlyLimit int
	// SignIn says by which providers of identities users may sign in.
	SignIn SignIn
}

// SignIn says by which providers of identities users may sign in. The zero value
// is none.
type SignIn struct {
	GitHub   bool
	OIDC     bool
	OIDCText string // of the button
	OIDCIcon string // its URL
}

// CookieSecurity says when a session cookie is marked Secure.
type CookieSecurity string

// When a session cookie is marked Secure.
const (
	CookiesByURL      CookieSecurity = ""   // on TLS, and behind an https access URL
	CookiesSecure     CookieSecurity = "on" // always
	CookiesUnguarded  CookieSecurity = "off"
	secureScheme                     = "https://"
	unprotectedScheme                = "http://"
)

// SecureCookies says whether the cookies of an answer are for TLS alone.
func (s Settings) SecureCookies(r *http.Request) bool {
	if s.HostCookies || s.CookiesAcrossSites { // browsers take no others
		return true
	}
	switch s.Cookies {
	case CookiesSecure:
		return true
	case CookiesUnguarded:
		return false
	default:
		return OverTLS(r) || strings.HasPrefix(s.AccessURL, secureScheme)
	}
}

// BaseURL is where the client reaches this installation, without a slash at its
// end.
func (s Settings) BaseURL(r *http.Request) string {
	switch {
	case s.AccessURL != "":
		return s.AccessURL
	case OverTLS(r):
		return secureScheme + r.Host
	default:
		return unprotectedScheme + r.Host
	}
}

type overTLSKey struct{}

// WithTLS marks a request whose client came over TLS to a proxy that is trusted.
func WithTLS(r *http.Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), overTLSKey{}, true))
}

// OverTLS says whether the client came over TLS, here or at a trusted proxy.
func OverTLS(r *http.Request) bool {
	return r.TLS != nil || r.Context().Value(overTLSKey{}) != nil
}
