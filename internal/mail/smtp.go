package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	smtp "github.com/wneessen/go-mail"
)

// Security says how a connection to the server is protected.
type Security string

// The ways to protect a connection.
const (
	// StartTLS begins in clear and refuses to go on without encryption. It is the default.
	StartTLS Security = "starttls"
	// ImplicitTLS is encrypted from the first byte, usually on port 465.
	ImplicitTLS Security = "tls"
	// Unprotected is for a server on the same machine.
	Unprotected Security = "none"
)

// timeout bounds the sending of one message, beside the caller's own.
const timeout = 30 * time.Second

// SMTPConfig of a mailer.
type SMTPConfig struct {
	Address  string // host:port
	From     string // an address, with or without a name
	Username string // "" for none
	Password string
	Security Security    // "" means StartTLS
	TLS      *tls.Config // nil for the usual one: the machine's roots, the host's name
}

// SMTP sends messages through a mail server, over a connection for each: they are
// few.
type SMTP struct {
	host    string
	from    string
	options []smtp.Option
}

// NewSMTP checks the configuration. It does not connect.
func NewSMTP(c SMTPConfig) (*SMTP, error) {
	host, service, err := net.SplitHostPort(c.Address)
	if err != nil {
		return nil, fmt.Errorf("mail server %q: %w", c.Address, err)
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("mail server %q: port: %w", c.Address, err)
	}
	if err := smtp.NewMsg().From(c.From); err != nil {
		return nil, fmt.Errorf("sender %q: %w", c.From, err)
	}
	m := &SMTP{host: host, from: c.From, options: []smtp.Option{smtp.WithPort(int(port)), smtp.WithTimeout(timeout)}}
	protection, err := c.protection(host)
	if err != nil {
		return nil, err
	}
	m.options = append(m.options, protection...)
	if c.Username != "" {
		m.options = append(m.options, smtp.WithUsername(c.Username), smtp.WithPassword(c.Password), c.authentication())
	}
	if _, err := smtp.NewClient(m.host, m.options...); err != nil {
		return nil, fmt.Errorf("set up mail server %q: %w", c.Address, err)
	}
	return m, nil
}

func (c SMTPConfig) protection(host string) ([]smtp.Option, error) {
	config := c.TLS
	if config == nil {
		config = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host}
	}
	switch c.Security {
	case StartTLS, "":
		return []smtp.Option{smtp.WithTLSPolicy(smtp.TLSMandatory), smtp.WithTLSConfig(config)}, nil
	case ImplicitTLS:
		return []smtp.Option{smtp.WithSSL(), smtp.WithTLSConfig(config)}, nil
	case Unprotected:
		return []smtp.Option{smtp.WithTLSPolicy(smtp.NoTLS)}, nil
	}
	return nil, errors.New("protection of the mail server must be one of: starttls, tls, none")
}

// authentication takes the best way that the server offers; in clear no password
// is ever sent.
func (c SMTPConfig) authentication() smtp.Option { return smtp.WithSMTPAuth(smtp.SMTPAuthAutoDiscover) }

// Send implements Mailer.
func (m *SMTP) Send(ctx context.Context, message Message) error {
	mail, err := m.compose(message)
	if err != nil {
		return err
	}
	client, err := smtp.NewClient(m.host, m.options...)
	if err != nil {
		return fmt.Errorf("set up mail server: %w", err)
	}
	if err := client.DialAndSendWithContext(ctx, mail); err != nil {
		return fmt.Errorf("send mail through %s: %w", m.host, err)
	}
	return nil
}

func (m *SMTP) compose(message Message) (*smtp.Msg, error) {
	mail := smtp.NewMsg()
	if err := mail.From(m.from); err != nil {
		return nil, fmt.Errorf("sender of mail: %w", err)
	}
	if err := mail.To(message.To); err != nil {
		return nil, fmt.Errorf("recipient of mail: %w", err)
	}
	mail.Subject(message.Subject)
	mail.SetBodyString(smtp.TypeTextPlain, message.Text)
	mail.SetMessageID()
	mail.SetDate()
	// Nobody's holiday notice is an answer to this.
	mail.SetGenHeader(smtp.Header("Auto-Submitted"), "auto-generated")
	return mail, nil
}
