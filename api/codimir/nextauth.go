package codimir

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// credentialsProvider is the id of the only provider.
const credentialsProvider = "credentials"

// authForms are where a NextAuth session is looked for.
var authForms = gate.Forms{gate.Cookie(gate.NextSecureCookie), gate.Cookie(gate.NextCookie)}

func (h *Handler) getCSRF(w http.ResponseWriter, r *http.Request) error {
	return writeJSON(w, http.StatusOK, map[string]string{"csrfToken": h.csrf.issue(w, r)})
}

func (h *Handler) getProviders(w http.ResponseWriter, r *http.Request) error {
	base := h.site.origin(r) + "/api/auth"
	return writeJSON(w, http.StatusOK, map[string]any{credentialsProvider: map[string]string{
		"id": credentialsProvider, "name": "Credentials", "type": "credentials",
		"signinUrl": base + "/signin/credentials", "callbackUrl": base + "/callback/credentials",
	}})
}

type session struct {
	User    sessionUser `json:"user"`
	Expires timestamp   `json:"expires"`
}

type sessionUser struct {
	Name  string `json:"name,omitempty"`
	Email string `json:"email,omitempty"`
	Image string `json:"image,omitempty"`
}

// getSession never refuses: who is not signed in has an empty session.
func (h *Handler) getSession(w http.ResponseWriter, r *http.Request) error {
	c, err := h.Gate.Identify(r, gate.DefaultForms())
	if err == nil && !commands.Allowed(c.Actor, commands.ReadUser, c.UserID()) {
		return faultForbidden
	}
	var u query.User
	if err == nil {
		u, err = h.Queries.User(r.Context(), query.UserRef{ID: c.UserID()})
	}
	if err != nil {
		if f := faultOf(err); f != faultUnauthorized {
			return fmt.Errorf("read session: %w", err)
		}
		h.site.clearSession(w, r)
		return writeJSON(w, http.StatusOK, struct{}{})
	}
	if token, _ := authForms.Find(r); token != "" {
		h.site.setSession(w, r, token, c.Key.ExpiresAt, h.Clock())
	}
	return writeJSON(w, http.StatusOK, session{
		User:    sessionUser{Name: displayName(u.Name, u.FirstName, u.LastName), Email: u.Email, Image: u.Avatar},
		Expires: timestamp(c.Key.ExpiresAt),
	})
}

// postCredentials signs in.
func (h *Handler) postCredentials(w http.ResponseWriter, r *http.Request) error {
	f, err := h.readForm(w, r)
	if err != nil {
		return err
	}
	base := h.site.origin(r) + "/api/auth"
	if !h.csrf.verified(r, f["csrfToken"]) {
		h.csrf.issue(w, r)
		return f.redirect(w, r, http.StatusOK, base+"/signin?csrf=true")
	}
	target := h.site.callbackURL(r, f)
	who := f.account()
	if err := h.Gate.AllowLogin(r, who.Email+who.Username); err != nil {
		return err
	}
	// A session's token is shown once: a repeated sign-in makes another session.
	request := gate.Request(r, gate.Caller{}, dialect)
	request.IdempotencyKey, request.RequestHash = "", ""
	result, err := h.Commands.SignIn(r.Context(), request, who)
	h.Gate.TriedLogin(r, who.Email+who.Username, err)
	if isRefusedSignIn(err) {
		return f.redirect(w, r, http.StatusUnauthorized, base+"/error?error=CredentialsSignin&provider="+credentialsProvider)
	}
	if err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	h.Gate.Wrote(w, r, result)
	h.site.rememberURL(w, r, target)
	h.site.setSession(w, r, result.Token, result.Key.ExpiresAt, h.Clock())
	return f.redirect(w, r, http.StatusOK, target)
}

// isRefusedSignIn tells wrong credentials from failures. Which of them it was
// is nobody's business.
func isRefusedSignIn(err error) bool {
	switch commands.CodeOf(err) {
	case commands.Unauthenticated, commands.NotFound, commands.Invalid, commands.Forbidden, commands.Precondition:
		return true
	}
	return false
}

// postSignOut ends the session and takes its cookie away. Who is not signed in
// is told the same.
func (h *Handler) postSignOut(w http.ResponseWriter, r *http.Request) error {
	f, err := h.readForm(w, r)
	if err != nil {
		return err
	}
	if !h.csrf.verified(r, f["csrfToken"]) {
		h.csrf.issue(w, r)
		return f.redirect(w, r, http.StatusOK, h.site.origin(r)+"/api/auth/signout?csrf=true")
	}
	if err := h.endSession(w, r); err != nil {
		return err
	}
	h.site.clearSession(w, r)
	return f.redirect(w, r, http.StatusOK, h.site.callbackURL(r, f))
}

// endSession closes the session in the cookie. An API key that travels there is
// forgotten by the browser only: it was not made by signing in.
func (h *Handler) endSession(w http.ResponseWriter, r *http.Request) error {
	c, err := h.Gate.Identify(r, authForms)
	if err != nil {
		if faultOf(err) == faultUnauthorized {
			return nil
		}
		return err
	}
	if c.Key.LoginType == events.LoginToken {
		return nil
	}
	result, err := h.Commands.SignOut(r.Context(), gate.Request(r, c, dialect), c.UserID(), c.Key.ID)
	if commands.CodeOf(err) == commands.NotFound {
		return nil
	}
	if err != nil {
		return fmt.Errorf("sign out: %w", err)
	}
	h.Gate.WroteCredentials(w, r, result)
	return nil
}

// form is a body of NextAuth: the first value of each field.
type form map[string]string

// readForm reads a body as Next.js does: a form, or JSON. What is neither has
// no fields.
func (h *Handler) readForm(w http.ResponseWriter, r *http.Request) (form, error) {
	if err := h.Gate.SameOrigin(r); err != nil {
		return nil, err
	}
	raw, err := gate.ReadBody(w, r, bodyLimit)
	if err != nil {
		return nil, err
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "application/x-www-form-urlencoded":
		return parseForm(string(raw))
	case "application/json":
		return parseJSONForm(raw)
	default:
		return form{}, nil
	}
}

func parseForm(raw string) (form, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, badRequest("Request body is not a valid form")
	}
	f := make(form, len(values))
	for name := range values {
		f[name] = values.Get(name)
	}
	return f, nil
}

func parseJSONForm(raw []byte) (form, error) {
	o, err := gate.ParseObject(raw)
	if err != nil {
		return nil, fmt.Errorf("read form: %w", err)
	}
	f := make(form, len(o))
	for name, value := range o {
		var s string
		if err := json.Unmarshal(value, &s); err == nil {
			f[name] = s
		}
	}
	return f, nil
}

// account reads who signs in: an e-mail address or a username, in either field.
func (f form) account() commands.SignIn {
	who := commands.SignIn{Password: f["password"], Lifetime: sessionLifetime}
	name := f["email"]
	if name == "" {
		name = f["username"]
	}
	if strings.Contains(name, "@") {
		who.Email = name
	} else {
		who.Username = name
	}
	return who
}

// redirect answers as NextAuth does: a script that said json=true reads the
// address and follows it or not, a browser is sent there.
func (f form) redirect(w http.ResponseWriter, r *http.Request, status int, target string) error {
	if f["json"] == "true" {
		return writeJSON(w, status, map[string]string{"url": target})
	}
	w.Header().Set("Cache-Control", "private, no-cache, no-store")
	w.Header().Set("Location", target)
	w.WriteHeader(http.StatusFound)
	return nil
}

// callbackURL is where the client wants to be after signing in or out: a path
// or an address here, nowhere else.
func (s site) callbackURL(r *http.Request, f form) string {
	here := s.origin(r)
	wanted := f["callbackUrl"]
	if wanted == "" {
		wanted = r.URL.Query().Get("callbackUrl")
	}
	if wanted == "" {
		wanted = s.rememberedURL(r)
	}
	if strings.HasPrefix(wanted, "/") {
		wanted = here + wanted
	}
	u, err := url.Parse(wanted)
	if err != nil || u.User != nil || u.Scheme+"://"+u.Host != here || strings.ContainsFunc(wanted, unprintable) {
		return here
	}
	return wanted
}

func unprintable(c rune) bool { return c <= ' ' || c > '~' || c == '\\' }

func (s site) rememberedURL(r *http.Request) string {
	c, err := r.Cookie(s.urlCookie(r))
	if err != nil {
		return ""
	}
	value, err := url.PathUnescape(c.Value)
	if err != nil {
		return ""
	}
	return value
}

func (s site) rememberURL(w http.ResponseWriter, r *http.Request, target string) {
	if s.rememberedURL(r) != target {
		s.setCookie(w, r, s.urlCookie(r), url.QueryEscape(target))
	}
}
