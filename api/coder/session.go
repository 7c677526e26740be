package coder

import (
	"net/http"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
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
	h.Gate.TriedLogin(r, command.Email, err)
	if err != nil {
		return refusedLogin(err)
	}
	h.Gate.Wrote(w, r, res)
	h.setCookie(w, r, h.Settings.SessionCookie(), res.Token, cookieAge)
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
		return errNoPasswords
	case e.Code != commands.Unauthenticated:
		return err
	}
	switch e.Reason {
	case "suspended":
		return errSuspended
	case "login-type":
		return wrongLoginType(events.LoginPassword, e)
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
	h.setCookie(w, r, h.Settings.SessionCookie(), "", -1)
	write(w, http.StatusOK, envelope{Message: "Logged out!"})
	return nil
}

// setCookie keeps something in a browser, away from its scripts.
func (h *Handler) setCookie(w http.ResponseWriter, r *http.Request, name, value string, age int) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: age,
		HttpOnly: true, SameSite: h.Settings.SameSite(), Secure: h.Settings.SecureCookies(r),
	})
}
