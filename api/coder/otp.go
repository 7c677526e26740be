package coder

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"go.uber.org/zap"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/internal/mail"
)

const (
	passcodePatience = 30 * time.Second
	passcodesAtOnce  = 32 // that are made and mailed after the answer
)

var errNoPasswords = refuse(http.StatusForbidden, "Password authentication is disabled.", "")

// requestPasscode mails a one-time passcode. The answer is the same for every
// address and comes before anything is done, so that it tells nobody who has an
// account.
func (h *Handler) requestPasscode(w http.ResponseWriter, r *http.Request) error {
	if h.Settings.PasswordLoginDisabled {
		return errNoPasswords
	}
	b, err := readBody(w, r)
	if err != nil {
		return err
	}
	address := b.text("email")
	b.check("email", address, required, email)
	if err := b.err(); err != nil {
		return err
	}
	if err := h.Gate.AllowMail(r, address); err != nil {
		return err
	}
	request := gate.Request(r, gate.Caller{}, Name)
	ctx := context.WithoutCancel(r.Context())
	select {
	case h.passcodes <- struct{}{}:
	default:
		return refuse(http.StatusServiceUnavailable, "The server is busy. Please try again.", "")
	}
	go func() {
		defer func() { <-h.passcodes }()
		h.mailPasscode(ctx, request, address)
	}()
	noContent(w)
	return nil
}

func (h *Handler) mailPasscode(ctx context.Context, request commands.Request, address string) {
	ctx, cancel := context.WithTimeout(ctx, passcodePatience)
	defer cancel()
	if h.Mail == nil {
		h.Logger.Warn("somebody asked for a one-time passcode, but no mail can be sent: set ROSTER_SMTP_ADDR")
		return
	}
	passcode, u, err := h.Commands.RequestPasscode(ctx, request, address)
	if err == nil && passcode != "" {
		err = h.Mail.Send(ctx, h.passcodeMail(u, passcode))
	}
	if err != nil {
		h.Logger.Error("a one-time passcode could not be mailed", zap.String("request_id", request.CorrelationID), zap.Error(err))
	}
}

// passcodeMail has a link only where the operator says by which name people reach
// this installation: the name in the request may be anybody's.
func (h *Handler) passcodeMail(u commands.User, passcode string) mail.Message {
	text := fmt.Sprintf("Somebody, most likely you, asked to set a new password for %s.\n\nOne-time passcode: %s\n\n", u.Username, passcode)
	if base := h.Settings.AccessURL; base != "" {
		text += base + "/reset-password/change?" + url.Values{"otp": {passcode}, "email": {u.Email}}.Encode() + "\n\n"
	}
	text += "It works once, within 20 minutes. If it was not you, there is nothing to do: your password stays as it is.\n"
	return mail.Message{To: u.Email, Subject: "A new password", Text: text}
}

// changePasswordByPasscode sets a password for who holds a one-time passcode.
func (h *Handler) changePasswordByPasscode(w http.ResponseWriter, r *http.Request) error {
	if h.Settings.PasswordLoginDisabled {
		return errNoPasswords
	}
	b, err := readBody(w, r)
	if err != nil {
		return err
	}
	command := commands.ChangePasswordByPasscode{Email: b.text("email"), Passcode: b.text("one_time_passcode"), Password: b.text("password")}
	b.check("email", command.Email, required, email)
	b.check("password", command.Password, required)
	b.check("one_time_passcode", command.Passcode, required)
	if err := b.err(); err != nil {
		return err
	}
	if err := h.Gate.AllowMail(r, command.Email); err != nil {
		return err
	}
	if weak := commands.CheckStrength(command.Password, minEntropy); weak != nil {
		return invalidPassword(weak)
	}
	res, err := h.Commands.ChangePasswordByPasscode(r.Context(), gate.Request(r, gate.Caller{}, Name), command)
	if e, ok := commands.AsError(err); ok {
		return refusedPasscode(e)
	}
	if err != nil {
		return err
	}
	h.Gate.WroteCredentials(w, r, res)
	noContent(w)
	return nil
}

func refusedPasscode(e *commands.Error) error {
	switch e.Code {
	case commands.Unauthenticated:
		return refuse(http.StatusBadRequest, "Incorrect email or one-time passcode.", "")
	case commands.Invalid:
		return refuse(http.StatusBadRequest, "Invalid password.", "", validationsOf(e)...)
	default:
		return e
	}
}
