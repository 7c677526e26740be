package pm415

import (
	"context"
	"net/http"
	"time"

	"github.com/rosterhq/roster/api/bearer"
	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

// week is how long a login lives.
const week = 7 * 24 * time.Hour

var loginRules = []member{
	{name: "email", label: "Email", needed: true},
	{name: "password", label: "Password", needed: true},
	{name: "token", label: "token", max: maxToken},
}

var errLogin = refuse(http.StatusUnauthorized, "Unable to login user")

// login answers POST /api/account/login.
func (h *Handler) login(w http.ResponseWriter, r *http.Request) error {
	v, err := read(w, r, loginRules)
	if err != nil {
		return err
	}
	if err := h.Gate.SameOrigin(r); err != nil {
		return err
	}
	if err := h.Gate.AllowLogin(r, v["email"]); err != nil {
		return err
	}
	u, err := h.byEmail(r.Context(), v["email"])
	if err != nil {
		return err
	}
	if u.Status == events.StatusSuspended || !u.Confirmed {
		return errInactive
	}
	if token, invited := v["token"]; invited {
		if err := h.accept(w, r, v, token); err != nil {
			return err
		}
	}
	request := gate.Request(r, gate.Caller{}, Name)
	request.IdempotencyKey = "" // each login is a session of its own
	res, err := h.Commands.SignIn(r.Context(), request, commands.SignIn{Email: v["email"], Password: v["password"], Lifetime: week})
	h.Gate.TriedLogin(r, v["email"], err)
	if err != nil {
		return refusedLogin(err)
	}
	h.Gate.WroteCredentials(w, r, res)
	return h.loggedIn(w, r, res)
}

// loggedIn answers who signed in, with a token for the first organization.
func (h *Handler) loggedIn(w http.ResponseWriter, r *http.Request, res commands.Result) error {
	places, err := h.places(r.Context(), res.User.Memberships)
	if err != nil {
		return err
	}
	var first int64
	if len(places) > 0 {
		first = places[0].Number
	}
	token, err := h.token(res.User.ID, res.User.Number, first, session{res.Key.ID, res.Key.ExpiresAt})
	if err != nil {
		return err
	}
	type organization struct {
		ID   int64  `json:"id"`
		Name string `json:"name"`
	}
	organizations := make([]organization, len(places))
	for i, p := range places {
		organizations[i] = organization{p.Number, titleOf(p.Organization)}
	}
	type user struct {
		person
		Organizations []organization `json:"organizations"`
	}
	write(w, http.StatusOK, struct {
		Token   string `json:"token"`
		Success bool   `json:"success"`
		User    user   `json:"user"`
	}{token, true, user{personOfState(res.User), organizations}})
	return nil
}

// byEmail finds a live user. Its refusal tells who is registered, as PM415 does.
func (h *Handler) byEmail(ctx context.Context, email string) (commands.User, error) {
	u, err := h.Commands.Find(ctx, commands.UserRef{Email: email})
	switch commands.CodeOf(err) {
	case commands.NotFound, commands.Invalid: // nobody has what is no address
		return commands.User{}, refusef(http.StatusNotFound, "User with email %s not found.", email)
	}
	return u, err
}

func refusedLogin(err error) error {
	e, ok := commands.AsError(err)
	switch {
	case !ok:
		return err
	case e.Code == commands.Unauthenticated && (e.Reason == "suspended" || e.Reason == "unconfirmed"):
		return errInactive
	case e.Code == commands.Unauthenticated, e.Code == commands.Invalid:
		return errLogin
	default:
		return err
	}
}

// session is what a token of a login stands for.
type session struct {
	id    string
	until time.Time
}

// token signs a token of a session, for an organization (0 for none).
func (h *Handler) token(userID string, number, organization int64, s session) (string, error) {
	until := h.Clock().Add(week)
	if s.until.Before(until) {
		until = s.until
	}
	return h.sign(bearer.PM415, bearer.Claims{
		UserID: userID, SessionID: s.id, ExpiresAt: until, Number: number, OrgID: organization,
	})
}

func (h *Handler) sign(kind bearer.Kind, c bearer.Claims) (string, error) {
	if h.Tokens == nil {
		return "", errUnavailable
	}
	return h.Tokens.Sign(kind, c)
}

// claims reads a token that travelled by mail.
func (h *Handler) claims(token string, kind bearer.Kind) (bearer.Claims, bool) {
	if h.Tokens == nil {
		return bearer.Claims{}, false
	}
	c, err := h.Tokens.Verify(token, kind)
	return c, err == nil
}

// sessionOf returns the session of a caller, a new one for who came with a key.
func (h *Handler) sessionOf(w http.ResponseWriter, r *http.Request, c gate.Caller) (session, error) {
	if c.Key.ID != "" && c.Key.LoginType != events.LoginToken {
		return session{c.Key.ID, c.Key.ExpiresAt}, nil
	}
	request := gate.Request(r, c, Name)
	request.IdempotencyKey = ""
	res, err := h.Commands.CreateKey(r.Context(), request, commands.CreateKey{
		UserID: c.UserID(), LoginType: events.LoginPassword, Lifetime: min(week, h.Commands.MaxLifetime(commands.User{Roles: c.Actor.Roles})),
	})
	if err != nil {
		return session{}, err
	}
	h.Gate.WroteCredentials(w, r, res)
	return session{res.Key.ID, res.Key.ExpiresAt}, nil
}
