package gate

import (
	"net/http"
	"strings"
)

// The names under which a session token travels.
const (
	CoderCookie       = "coder_session_token"
	CoderHeader       = "Coder-Session-Token"
	NextCookie        = "next-auth.session-token"
	NextSecureCookie  = "__Secure-next-auth.session-token"
	AccessTokenQuery  = "access_token"
	CoderSessionQuery = "coder_session_token"
)

type formKind int

const (
	cookieForm formKind = iota
	headerForm
	bearerForm
	queryForm
)

// Form is one place where a token may be.
type Form struct {
	kind formKind
	name string
}

// Cookie is the value of a cookie.
func Cookie(name string) Form { return Form{cookieForm, name} }

// Header is the value of a header.
func Header(name string) Form { return Form{headerForm, http.CanonicalHeaderKey(name)} }

// Bearer is "Authorization: Bearer <token>", the scheme in any case.
func Bearer() Form { return Form{kind: bearerForm} }

// Query is a query parameter. Only Coder's own pages allow these.
func Query(name string) Form { return Form{queryForm, name} }

// Forms are places in the order in which they are looked at: the first that is
// not empty wins, even when its token turns out to be worthless.
type Forms []Form

// DefaultForms is every form but the query: cookies first. It is shared: nobody
// changes it.
func DefaultForms() Forms { return defaultForms }

var defaultForms = Forms{
	Cookie(NextSecureCookie), Cookie(NextCookie), Cookie(CoderCookie),
	Header(CoderHeader), Bearer(),
}

// CoderForms is the order that Coder documents, with the other cookies behind it.
func CoderForms() Forms {
	return Forms{
		Cookie(CoderCookie), Query(CoderSessionQuery), Header(CoderHeader), Bearer(),
		Query(AccessTokenQuery), Cookie(NextSecureCookie), Cookie(NextCookie),
	}
}

// Find returns the token and whether a browser sent it by itself.
func (fs Forms) Find(r *http.Request) (token string, fromCookie bool) {
	for _, f := range fs {
		if v := f.value(r); v != "" {
			return v, f.kind == cookieForm
		}
	}
	return "", false
}

func (f Form) value(r *http.Request) string {
	switch f.kind {
	case cookieForm:
		c, err := r.Cookie(f.name)
		if err != nil {
			return ""
		}
		return c.Value
	case headerForm:
		return strings.TrimSpace(r.Header.Get(f.name))
	case bearerForm:
		scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
		if !ok || !strings.EqualFold(scheme, "Bearer") {
			return ""
		}
		return strings.TrimSpace(token)
	default:
		if r.URL.RawQuery == "" {
			return ""
		}
		return r.URL.Query().Get(f.name)
	}
}
