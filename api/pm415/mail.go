package pm415

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"go.uber.org/zap"

	"github.com/rosterhq/roster/api/bearer"
	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/internal/mail"
	"github.com/rosterhq/roster/query"
)

// sending is how long handing a message to the mail server may take.
const sending = 10 * time.Second

var (
	errNoMailer = errors.New("no mail can be sent: set ROSTER_SMTP_ADDR")
	errNotSent  = refuse(http.StatusServiceUnavailable, "The message could not be sent, please try again later")
)

func (h *Handler) send(ctx context.Context, m mail.Message) error {
	if h.Mail == nil {
		return errNoMailer
	}
	ctx, cancel := context.WithTimeout(ctx, sending)
	defer cancel()
	return h.Mail.Send(ctx, m)
}

// tryToSend sends what the answer does not depend on. What was done is done, even
// when the client is gone.
func (h *Handler) tryToSend(ctx context.Context, m mail.Message) {
	if err := h.send(context.WithoutCancel(ctx), m); err != nil {
		h.Logger.Warn("a message was not sent", zap.String("dialect", Name), zap.String("request", gate.RequestID(ctx)),
			zap.String("subject", m.Subject), zap.Error(err))
	}
}

// link is an address for a message: only where the operator says by which name
// people reach this installation, since the name in a request may be anybody's. The
// token is always there.
func (h *Handler) link(path, token string) string {
	text := "Token: " + token + "\n"
	if base := h.Settings.AccessURL; base != "" {
		text = base + path + "?" + url.Values{"token": {token}}.Encode() + "\n\n" + text
	}
	return text
}

func (h *Handler) mailVerification(ctx context.Context, u commands.User) {
	token, err := h.sign(bearer.VerifyEmail, bearer.Claims{
		UserID: u.ID, Number: u.Number, ExpiresAt: h.Clock().Add(mailed), Extra: map[string]string{claimEmail: u.Email},
	})
	if err != nil {
		h.Logger.Error("no token could be made for a new user", zap.String("dialect", Name), zap.Error(err))
		return
	}
	h.tryToSend(ctx, mail.Message{
		To: u.Email, Subject: "[PM415] confirmation required",
		Text: "Thanks for registering.\n\nPlease confirm your account within a day:\n\n" + h.link("/api/account/verify", token),
	})
}

// mailReset mails what sets a new password, once.
func (h *Handler) mailReset(ctx context.Context, u commands.User) error {
	token, err := h.sign(bearer.PasswordReset, bearer.Claims{
		UserID: u.ID, Number: u.Number, ExpiresAt: h.Clock().Add(mailed), Extra: map[string]string{claimMark: commands.PasswordMark(u)},
	})
	if err != nil {
		return err
	}
	err = h.send(ctx, mail.Message{
		To: u.Email, Subject: "Password recovery",
		Text: "To set a new password, use this within a day:\n\n" + h.link("/account/reset-password/", token) +
			"\nIf it was not you who asked, there is nothing to do: your password stays as it is.\n",
	})
	if err != nil {
		return fmt.Errorf("%w: %w", errNotSent, err)
	}
	return nil
}

func (h *Handler) invitationMail(to string, o query.Organization, token string) mail.Message {
	return mail.Message{
		To: to, Subject: "Join PM415",
		Text: "You have been invited to join " + titleOf(o) + ". To register or sign in, use this within a day:\n\n" +
			h.link("/account/invite/", token),
	}
}
