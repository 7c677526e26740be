package coder

import (
	"fmt"
	"net/http"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
)

// cookieAge outlives every session on purpose: the session's own end counts.
const cookieAge = 365 * 24 * 60 * 60

func (h *Handler) login(w http.ResponseWriter, r *http.Request) error {
	if err := h.Gate.SameOrigin(r); err != nil { // it sets a cookie
		return err
	}
	b, err := readBody(w, r)
	if err != nil {
		return err
	}
	command := commands.SignIn{Email: b.text("email"), Password: b.text("password")}
	b.check("email", command.Email, required, email)
	b.check("password", command.Password, required)
	if err := b.err(); err != nil {
		return err
	}
	if err := h.Gate.AllowLogin(r, command.Email); err != nil {
		return err
	}
	// The token could not be shown to a repeat, which would help nobody: each
	// login opens a session, whatever its Idempotency-Key.
	request := gate.Request(r, gate.Caller{}, Name)
	request.IdempotencyKey, request.RequestHash = "", ""
	res, err := h.Commands.SignIn(r.Context(), request, command)
	if err != nil {
		return refusedLogin(err)
	}
	h.Gate.Wrote(w, r, res)
	h.setCookie(w, r, res.Token, cookieAge)
	write(w, http.StatusCreated, map[string]string{"session_token": res.Token})
	return nil
}

func refusedLogin(err error) error {
	e, ok := commands.AsError(err)
	if !ok {
		return err
	}
	switch {
	case e.Code == commands.Invalid: // no such address or password can exist
		return refuse(http.StatusUnauthorized, "Incorrect email or password.", "")
	case e.Code == commands.Forbidden && e.Reason == "password-disabled":
		return refuse(http.StatusForbidden, "Password authentication is disabled.", "")
	case e.Code != commands.Unauthenticated:
		return err
	}
	switch e.Reason {
	case "suspended":
		return refuse(http.StatusUnauthorized, "Your account is suspended. Contact an admin to reactivate your account.", "")
	case "login-type":
		kind := ""
		if len(e.Fields) > 0 {
			kind = e.Fields[0].Detail
		}
		return refuse(http.StatusForbidden, fmt.Sprintf(`Incorrect login type, attempting to use "password" but user is of login type %q`, kind), "")
	default:
		return refuse(http.StatusUnauthorized, "Incorrect email or password.", "")
	}
}

func (h *Handler) logout(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	res, err := h.Commands.SignOut(r.Context(), gate.Request(r, c, Name), c.UserID(), c.Actor.KeyID)
	if err != nil {
		return err
	}
	h.Gate.WroteCredentials(w, r, res)
	h.setCookie(w, r, "", -1)
	write(w, http.StatusOK, envelope{Message: "Logged out!"})
	return nil
}

func (h *Handler) setCookie(w http.ResponseWriter, r *http.Request, token string, age int) {
	http.SetCookie(w, &http.Cookie{
		Name: gate.CoderCookie, Value: token, Path: "/", MaxAge: age,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: h.Settings.SecureCookies(r),
	})
}
