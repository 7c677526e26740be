package runwhen

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/rosterhq/roster/api/bearer"
	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/internal/mail"
)

const (
	leastPassword = 8
	mostPassword  = 128
	// verifyLife is for how long an address may be confirmed.
	verifyLife = 24 * time.Hour
	// mailPatience bounds the sending of a mail.
	mailPatience = 30 * time.Second
	// addressClaim is the address that a mailed token confirms.
	addressClaim = "email"
)

// register answers POST /users/register, where the installation lets people in.
func (h *Handler) register(w http.ResponseWriter, r *http.Request, _ gate.Caller) error {
	if !h.Settings.SignUp {
		return errClosed
	}
	b, err := readBody(w, r, false)
	if err != nil {
		return err
	}
	command := b.registration()
	if err := b.err(); err != nil {
		return err
	}
	if err := h.Gate.AllowLogin(r, ""); err != nil {
		return err
	}
	res, err := h.Commands.SignUp(r.Context(), gate.Request(r, gate.Caller{}, Name), command, commands.SignUpOptions{})
	if err != nil {
		return err
	}
	h.Gate.Wrote(w, r, res)
	if !res.Repeated {
		h.mailVerification(r, res.User)
	}
	return succeed(w, http.StatusCreated, map[string]any{
		"id": res.User.Number, "username": res.User.Username, "email": res.User.Email,
		"message": "User registered successfully. Please check your email to verify your account.",
	})
}

// registration reads who wants to register.
func (b *body) registration() commands.Register {
	var c commands.Register
	c.Email, _ = b.email(b.need("email"))
	password := b.need("password")
	c.Password, _ = b.text(password, leastPassword, mostPassword)
	if m := b.member("username"); m.present() {
		c.Username, _ = b.username(m, "")
	} else {
		c.Username, c.NormaliseUsername = c.Email, true
	}
	if m := b.member("confirm_password", "confirmPassword"); m.present() {
		if s, ok := b.text(m, 0, 0); ok && password.given && s != c.Password && c.Password != "" {
			b.add(valueError(m.loc(), "Passwords do not match", m.input()))
		}
	}
	if m := b.member("first_name", "firstName"); m.present() {
		c.FirstName, _ = b.text(m, 0, mostName)
	}
	if m := b.member("last_name", "lastName"); m.present() {
		c.LastName, _ = b.text(m, 0, mostName)
	}
	return c
}

// mailVerification sends what confirms the address. Somebody who is registered stays
// so when it can not be sent: an administrator can confirm them.
func (h *Handler) mailVerification(r *http.Request, u commands.User) {
	if h.Mail == nil || h.Tokens == nil {
		h.Logger.Warn("somebody registered, but no mail can be sent: set ROSTER_SMTP_ADDR")
		return
	}
	token, err := h.Tokens.Sign(bearer.VerifyEmail, bearer.Claims{
		UserID: u.ID, Number: u.Number, ExpiresAt: h.Clock().Add(verifyLife), Extra: map[string]string{addressClaim: u.Email},
	})
	if err == nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), mailPatience)
		defer cancel()
		err = h.Mail.Send(ctx, verificationMail(u, token))
	}
	if err != nil {
		h.Logger.Error("a verification could not be mailed", zap.String("request", gate.RequestID(r.Context())), zap.Error(err))
	}
}

func verificationMail(u commands.User, token string) mail.Message {
	return mail.Message{
		To: u.Email, Subject: "Confirm your e-mail address",
		Text: fmt.Sprintf("Somebody, most likely you, registered %s with this address.\n\nVerification token: %s\n\n", u.Username, token) +
			"It is good for 24 hours. If it was not you, there is nothing to do.\n",
	}
}

// verifyEmail answers POST /users/verify-email. Who confirmed already is told so
// again.
func (h *Handler) verifyEmail(w http.ResponseWriter, r *http.Request, _ gate.Caller) error {
	b, err := readBody(w, r, false)
	if err != nil {
		return err
	}
	token, _ := b.text(b.need("token"), 0, 0)
	if err := b.err(); err != nil {
		return err
	}
	if h.Tokens == nil {
		return errNoTokens
	}
	claims, err := h.Tokens.Verify(token, bearer.VerifyEmail)
	if err != nil {
		return errBadVerification
	}
	u, err := h.Commands.Find(r.Context(), commands.UserRef{ID: claims.UserID})
	if commands.CodeOf(err) == commands.NotFound || err == nil && !strings.EqualFold(u.Email, claims.Extra[addressClaim]) {
		return errBadVerification
	}
	if err != nil {
		return err
	}
	request := gate.Request(r, gate.Caller{}, Name)
	request.Actor = commands.Actor{UserID: commands.SystemActor} // the token is the right
	request.Reason = "the e-mail address was confirmed"
	res, err := h.Commands.ConfirmUser(r.Context(), request, u.ID)
	if err != nil {
		return err
	}
	h.Gate.WroteCredentials(w, r, res)
	return succeed(w, http.StatusOK, map[string]string{"message": "Email verified successfully"})
}
