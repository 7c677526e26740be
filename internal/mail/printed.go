package mail

import (
	"context"

	"go.uber.org/zap"
)

// Printed writes messages to the operator's log instead of sending them, with the
// secrets that they hold. It is for development.
type Printed struct {
	Logger *zap.Logger
}

// Send implements Mailer.
func (p Printed) Send(_ context.Context, m Message) error {
	p.Logger.Info("mail is printed, not sent", zap.String("to", m.To), zap.String("subject", m.Subject), zap.String("text", m.Text))
	return nil
}
