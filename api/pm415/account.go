package pm415

import (
	"net/http"
	"strings"

	"github.com/rosterhq/roster/api/bearer"
	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

// outcome is the answer of the calls around an account.
type outcome struct {
	UserID  int64  `json:"userId,omitempty"`
	Success bool   `json:"success"`
	Message string `json:"message"`
}

// verify answers GET /api/account/verify. What is wrong with a token is told with
// status 200, as PM415 does.
func (h *Handler) verify(w http.ResponseWriter, r *http.Request) error {
	proof, ok := h.claims(r.URL.Query().Get("token"), bearer.VerifyEmail)
	if !ok {
		write(w, http.StatusOK, outcome{Message: "Token is invalid or expired."})
		return nil
	}
	u, err := h.Commands.Find(r.Context(), commands.UserRef{ID: proof.UserID})
	if commands.CodeOf(err) == commands.NotFound {
		write(w, http.StatusOK, outcome{Message: "User not found"})
		return nil
	}
	if err != nil {
		return err
	}
	if !strings.EqualFold(proof.Extra[claimEmail], u.Email) { // it proves another address
		write(w, http.StatusOK, outcome{Message: "Token is invalid or expired."})
		return nil
	}
	request := gate.Request(r, gate.Caller{}, Name)
	request.Actor, request.IdempotencyKey = commands.Actor{UserID: commands.SystemActor}, ""
	request.Reason = "the e-mail address was proved by a token that was mailed to it"
	res, err := h.Commands.ConfirmUser(r.Context(), request, u.ID)
	if err != nil {
		return err
	}
	h.Gate.WroteCredentials(w, r, res)
	write(w, http.StatusOK, outcome{u.Number, true, "Account verified"})
	return nil
}

var forgotRules = []member{{name: "email", label: "Email", needed: true, email: true, max: maxEmail}}

// forgotPassword answers POST /api/account/forgotpassword.
func (h *Handler) forgotPassword(w http.ResponseWriter, r *http.Request) error {
	v, err := read(w, r, forgotRules)
	if err != nil {
		return err
	}
	if err := h.Gate.AllowMail(r, v["email"]); err != nil {
		return err
	}
	u, err := h.byEmail(r.Context(), v["email"])
	if err != nil {
		return err
	}
	if err := h.resettable(u); err != nil {
		return err
	}
	if err := h.mailReset(r.Context(), u); err != nil {
		return err
	}
	write(w, http.StatusOK, struct {
		Message string `json:"message"`
		Success bool   `json:"success"`
		UserID  int64  `json:"userId"`
	}{"A message was sent to the " + v["email"], true, u.Number})
	return nil
}

// resettable refuses to mail what would be refused later.
func (h *Handler) resettable(u commands.User) error {
	switch {
	case u.Status == events.StatusSuspended:
		return errInactive
	case u.LoginType != events.LoginPassword:
		return refuse(http.StatusConflict, "User signs in without a password")
	default:
		return nil
	}
}

var changeRules = []member{
	{name: "token", label: "token", needed: true},
	{name: "password", label: "Password", needed: true, min: minPassword, max: maxPassword},
	{name: "confirmation", label: "Confirmation", needed: true, same: "password"},
}

var errResetToken = refuse(http.StatusUnprocessableEntity, "Token is invalid or expired.")

// changePassword answers POST /api/account/changepassword: the token is good for one
// change.
func (h *Handler) changePassword(w http.ResponseWriter, r *http.Request) error {
	v, err := read(w, r, changeRules)
	if err != nil {
		return err
	}
	if err := h.Gate.AllowLogin(r, ""); err != nil {
		return err
	}
	proof, ok := h.claims(v["token"], bearer.PasswordReset)
	if !ok {
		return errResetToken
	}
	res, err := h.Commands.ResetPassword(r.Context(), gate.Request(r, gate.Caller{}, Name), commands.ResetPassword{
		UserID: proof.UserID, Mark: proof.Extra[claimMark], Password: v["password"],
	})
	switch commands.CodeOf(err) {
	case commands.NotFound:
		return refuse(http.StatusNotFound, "User not found")
	case commands.Unauthenticated:
		return errResetToken
	}
	if err != nil {
		return err
	}
	h.Gate.WroteCredentials(w, r, res)
	write(w, http.StatusOK, outcome{res.User.Number, true, "New password saved"})
	return nil
}
