package codimir

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"

	"github.com/rosterhq/roster/api/gate"
)

// csrf makes and checks the tokens that NextAuth asks for before it signs
// anybody in or out. Its cookie is "token|hash": the hash shows that the token
// was made here, and a request must repeat the token in its body, which another
// site can not read.
type csrf struct {
	site site
	hash func(token string) string
}

// issue returns the token of the request's cookie, or a new one with its cookie
// in w when there was none of ours.
func (c *csrf) issue(w http.ResponseWriter, r *http.Request) string {
	if token := c.token(r); token != "" {
		return token
	}
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails, by its documentation
	token := hex.EncodeToString(raw)
	// NextAuth escapes the value, and its clients know the escaped form.
	c.site.setCookie(w, r, c.site.csrfCookie(r), url.QueryEscape(token+"|"+c.hash(token)))
	return token
}

// verified says whether a body's token is the one in the request's cookie.
func (c *csrf) verified(r *http.Request, given string) bool {
	token := c.token(r)
	return token != "" && subtle.ConstantTimeCompare([]byte(token), []byte(given)) == 1
}

// token returns the token of the request's cookie, "" when it was not made here.
func (c *csrf) token(r *http.Request) string {
	cookie, err := r.Cookie(c.site.csrfCookie(r))
	if err != nil {
		return ""
	}
	value, err := url.PathUnescape(cookie.Value)
	if err != nil {
		return ""
	}
	token, hash, ok := strings.Cut(value, "|")
	if !ok || token == "" || subtle.ConstantTimeCompare([]byte(hash), []byte(c.hash(token))) != 1 {
		return ""
	}
	return token
}

// newCSRF takes the hash that all processes of the installation agree on, so
// that any of them checks what another made.
func newCSRF(deps gate.Deps) *csrf {
	return &csrf{site: site{deps.Settings}, hash: func(token string) string { return deps.Commands.KeyedHash("next-auth.csrf-token", token) }}
}
