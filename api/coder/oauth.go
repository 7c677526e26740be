package coder

import (
	"crypto/subtle"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/gorilla/mux"
	"go.uber.org/zap"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/signin"
)

// callbacks are where providers send browsers back to, and where a sign-in begins.
var callbacks = map[events.LoginType]string{
	events.LoginOIDC:   usersPath + "/oidc/callback",
	events.LoginGitHub: usersPath + "/oauth2/github/callback",
}

func (h *Handler) registerOAuth(router *mux.Router) {
	for kind, path := range callbacks {
		router.Handle(path, h.public(func(w http.ResponseWriter, r *http.Request) error {
			return h.oauthCallback(w, r, kind)
		})).Methods(http.MethodGet)
	}
	router.Handle(usersPath+"/oauth2/github/device", h.public(h.gitHubDevice)).Methods(http.MethodGet)
	router.Handle(usersPath+"/otp/request", h.public(h.requestPasscode)).Methods(http.MethodPost)
	router.Handle(usersPath+"/otp/change-password", h.public(h.changePasswordByPasscode)).Methods(http.MethodPost)
	h.routes(router, []route{
		{http.MethodGet, usersPath + "/oidc-claims", h.oidcClaims},
		{http.MethodPost, usersPath + "/{user}/convert-login", h.convertLogin},
	})
}

// oauthCallback begins a sign-in by a provider, or ends it with the code that the
// browser brought back.
func (h *Handler) oauthCallback(w http.ResponseWriter, r *http.Request, kind events.LoginType) error {
	provider, ok := h.SignIn.Of(kind)
	if !ok {
		return errNotConfigured
	}
	if err := h.Gate.AllowLogin(r, ""); err != nil {
		return err
	}
	q := r.URL.Query()
	if code := q.Get("error"); code != "" {
		return refusedByProvider(q)
	}
	if q.Get("code") == "" {
		return h.startOAuth(w, r, provider)
	}
	return h.finishOAuth(w, r, provider, q)
}

// startOAuth sends the browser to the provider.
func (h *Handler) startOAuth(w http.ResponseWriter, r *http.Request, provider signin.Provider) error {
	q := r.URL.Query()
	attempt := signin.Attempt{State: signin.NewState(), Verifier: signin.NewVerifier(), Callback: h.callbackURL(r, provider)}
	if merge := q.Get("oidc_merge_state"); merge != "" {
		if !isConversion(merge) {
			return errMergeState
		}
		attempt.State = merge
	}
	target := "/login/device?" + url.Values{"state": {attempt.State}}.Encode()
	if !byDevice(provider) {
		var err error
		if target, err = provider.AuthorizeURL(r.Context(), attempt); err != nil {
			h.Logger.Warn("a sign-in can not begin", zap.String("provider", string(provider.LoginType())), zap.Error(err))
			return errProviderDown(provider.LoginType())
		}
	}
	h.keepAttempt(w, r, attempt, q.Get("redirect"))
	redirect(w, target)
	return nil
}

func (h *Handler) callbackURL(r *http.Request, provider signin.Provider) string {
	return h.Settings.BaseURL(r) + callbacks[provider.LoginType()]
}

// byDevice says that people confirm on another device, and their browser asks
// until they have.
func byDevice(provider signin.Provider) bool {
	g, ok := provider.(*signin.GitHub)
	return ok && g.DeviceFlow()
}

// finishOAuth opens a session for who the provider vouches for.
func (h *Handler) finishOAuth(w http.ResponseWriter, r *http.Request, provider signin.Provider, q url.Values) error {
	attempt, err := attemptOf(r, q)
	if err != nil {
		return err
	}
	attempt.Callback, attempt.Issuer = h.callbackURL(r, provider), q.Get("iss")
	device := byDevice(provider)
	if !device { // whatever comes of it: it was one try
		h.forgetAttempt(w, r)
	}
	userID, err := h.converting(r, attempt.State, provider.LoginType())
	if err != nil {
		return err
	}
	person, err := h.vouchedFor(r, provider, attempt, q.Get("code"))
	if err != nil {
		return h.refusedPerson(w, r, err)
	}
	res, err := h.Commands.SignInWith(r.Context(), gate.Request(r, gate.Caller{}, Name), commandOf(provider, person, userID))
	if err != nil {
		return refusedSignIn(err, provider.LoginType())
	}
	h.Gate.Wrote(w, r, res)
	if device {
		h.forgetAttempt(w, r)
	}
	if userID != "" {
		h.setCookie(w, r, convertCookie, "", -1)
	}
	h.setCookie(w, r, h.Settings.SessionCookie(), res.Token, cookieAge)
	target := redirectOf(r)
	if device {
		write(w, http.StatusOK, map[string]string{"redirect_url": target})
		return nil
	}
	redirect(w, target)
	return nil
}

func (h *Handler) vouchedFor(r *http.Request, provider signin.Provider, a signin.Attempt, code string) (signin.Person, error) {
	if g, ok := provider.(*signin.GitHub); ok && g.DeviceFlow() {
		return g.FinishDevice(r.Context(), code)
	}
	return provider.Exchange(r.Context(), a, code)
}

func commandOf(provider signin.Provider, p signin.Person, convert string) commands.SignInWith {
	return commands.SignInWith{
		LoginType: provider.LoginType(), Identity: p.Identity, Email: p.Email, Username: p.Username, Name: p.Name, Avatar: p.Avatar,
		Claims: p.Claims, SignUp: provider.SignUps(), Convert: convert, SyncRoles: p.Roles != nil, Roles: p.Roles,
		Tokens: commands.ProviderTokens{AccessToken: p.Token.Access, RefreshToken: p.Token.Refresh, ExpiresAt: p.Token.ExpiresAt},
	}
}

// attemptOf checks that the browser that comes back is the one that was sent.
func attemptOf(r *http.Request, q url.Values) (signin.Attempt, error) {
	state := q.Get("state")
	if state == "" {
		return signin.Attempt{}, refuse(http.StatusBadRequest, "State must be provided.", "")
	}
	kept, err := r.Cookie(stateCookie)
	if err != nil || kept.Value == "" {
		return signin.Attempt{}, refuse(http.StatusUnauthorized, fmt.Sprintf("Cookie %q must be provided.", stateCookie), "")
	}
	if subtle.ConstantTimeCompare([]byte(kept.Value), []byte(state)) != 1 {
		return signin.Attempt{}, errState
	}
	a := signin.Attempt{State: state}
	if verifier, err := r.Cookie(verifierCookie); err == nil {
		a.Verifier = verifier.Value
	}
	return a, nil
}

// redirect sends a browser on. The target is a path here, or a provider's address.
func redirect(w http.ResponseWriter, target string) {
	w.Header().Set("Location", target)
	w.Header().Set(versionHeader, buildVersion)
	w.WriteHeader(http.StatusTemporaryRedirect)
}

// pathOf reduces an address to path and query, so that nobody is sent to another
// site: "" for an empty one.
func pathOf(address string) string {
	if address == "" {
		return ""
	}
	u, err := url.Parse(address)
	if err != nil {
		return "/"
	}
	path := "/" + strings.TrimLeft(u.EscapedPath(), `/\`)
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	// The escaped form counts: it is what comes back and is reduced again.
	if path = escaped(path); len(path) > maxRedirect {
		return "/"
	}
	return path
}

// escaped escapes what may stand in an address, but not in a cookie.
func escaped(path string) string {
	var b strings.Builder
	for i := range len(path) {
		if c := path[i]; c <= ' ' || c > '~' || strings.IndexByte(";,\"\\", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

const maxRedirect = 2048 // bytes, escaped
