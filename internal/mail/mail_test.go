package mail_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	ours "github.com/rosterhq/roster/internal/mail"
)

// received is what a server was given.
type received struct {
	from, to, user string
	encrypted      bool
	data           string
}

// server is a real mail server, on a port of its own.
type server struct {
	mu    sync.Mutex
	mails []received
}

func (s *server) NewSession(c *smtp.Conn) (smtp.Session, error) {
	_, encrypted := c.TLSConnectionState()
	return &session{server: s, mail: received{encrypted: encrypted}}, nil
}

func (s *server) got() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mails
}

type session struct {
	server *server
	mail   received
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "roster" || password != "secret" {
			return errors.New("wrong name or password")
		}
		s.mail.user = user
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error { s.mail.from = from; return nil }

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if strings.HasPrefix(to, "nobody@") {
		return &smtp.SMTPError{Code: 550, Message: "no such mailbox"}
	}
	s.mail.to = to
	return nil
}

func (s *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.mail.data = string(data)
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.mails = append(s.server.mails, s.mail)
	return nil
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

// serve starts a server whose certificate the returned configuration trusts.
func serve(t *testing.T, security ours.Security, withTLS bool) (*server, ours.SMTPConfig) {
	t.Helper()
	authority := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate
	t.Cleanup(authority.Close)
	roots := x509.NewCertPool()
	roots.AddCert(authority.Certificate())

	backend := &server{}
	s := smtp.NewServer(backend)
	s.Domain = "localhost"
	s.ErrorLog = quiet{}
	if withTLS {
		s.TLSConfig = &tls.Config{Certificates: authority.TLS.Certificates, MinVersion: tls.VersionTLS12}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	if security == ours.ImplicitTLS {
		listener = tls.NewListener(listener, s.TLSConfig)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(listener) }()
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		<-done
	})
	return backend, ours.SMTPConfig{
		Address: address, From: "Roster <roster@example.com>", Security: security,
		TLS: &tls.Config{RootCAs: roots, ServerName: "example.com", MinVersion: tls.VersionTLS12},
	}
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

func TestMessagesArrive(t *testing.T) {
	t.Parallel()
	for _, security := range []ours.Security{ours.StartTLS, ours.ImplicitTLS, ours.Unprotected} {
		t.Run(string(security), func(t *testing.T) {
			t.Parallel()
			server, config := serve(t, security, security != ours.Unprotected)
			if security != ours.Unprotected {
				config.Username, config.Password = "roster", "secret"
			}
			mailer, err := ours.NewSMTP(config)
			require.NoError(t, err)
			text := "Your passcode is ABC.\n.\nGrüße\n"
			require.NoError(t, mailer.Send(t.Context(), ours.Message{To: "ann@example.com", Subject: "Paßwort", Text: text}))
			mails := server.got()
			require.Len(t, mails, 1)
			got := mails[0]
			require.Equal(t, "roster@example.com", got.from)
			require.Equal(t, "ann@example.com", got.to)
			require.Equal(t, config.Username, got.user)
			require.Equal(t, security != ours.Unprotected, got.encrypted)
			m, err := mail.ReadMessage(strings.NewReader(got.data))
			require.NoError(t, err)
			require.Equal(t, `"Roster" <roster@example.com>`, m.Header.Get("From"))
			require.Equal(t, "auto-generated", m.Header.Get("Auto-Submitted"))
			require.NotEmpty(t, m.Header.Get("Message-Id"))
			require.Contains(t, m.Header.Get("Content-Type"), "text/plain")
			body, err := io.ReadAll(m.Body)
			require.NoError(t, err)
			require.Contains(t, string(body), "Your passcode is ABC.")
		})
	}
}

func TestPasswordsAreNotSentInClear(t *testing.T) {
	t.Parallel()
	server, config := serve(t, ours.StartTLS, false)
	config.Username, config.Password = "roster", "secret"
	mailer, err := ours.NewSMTP(config)
	require.NoError(t, err)
	require.Error(t, mailer.Send(t.Context(), ours.Message{To: "ann@example.com", Subject: "a", Text: "b"}))
	require.Empty(t, server.got(), "a server without encryption gets nothing")

	config.Security = ours.Unprotected
	mailer, err = ours.NewSMTP(config)
	require.NoError(t, err)
	require.Error(t, mailer.Send(t.Context(), ours.Message{To: "ann@example.com", Subject: "a", Text: "b"}))
	require.Empty(t, server.got())
}

func TestStrangeCertificatesAreRefused(t *testing.T) {
	t.Parallel()
	server, config := serve(t, ours.StartTLS, true)
	config.TLS = nil // the roots of the machine don't know it
	mailer, err := ours.NewSMTP(config)
	require.NoError(t, err)
	require.Error(t, mailer.Send(t.Context(), ours.Message{To: "ann@example.com", Subject: "a", Text: "b"}))
	require.Empty(t, server.got())
}

func TestRefusedMessages(t *testing.T) {
	t.Parallel()
	server, config := serve(t, ours.StartTLS, true)
	mailer, err := ours.NewSMTP(config)
	require.NoError(t, err)
	for name, m := range map[string]ours.Message{
		"unknown mailbox":     {To: "nobody@example.com", Subject: "a", Text: "b"},
		"no address":          {To: "ann", Subject: "a", Text: "b"},
		"a header in the To":  {To: "ann@example.com\r\nBcc: eve@example.com", Subject: "a", Text: "b"},
		"several addresses":   {To: "ann@example.com, eve@example.com", Subject: "a", Text: "b"},
		"nobody is addressed": {Subject: "a", Text: "b"},
	} {
		require.Error(t, mailer.Send(t.Context(), m), name)
	}
	require.Empty(t, server.got())

	require.NoError(t, mailer.Send(t.Context(), ours.Message{To: "ann@example.com", Subject: "a\r\nBcc: eve@example.com", Text: "b"}))
	m, err := mail.ReadMessage(strings.NewReader(server.got()[0].data))
	require.NoError(t, err)
	require.Empty(t, m.Header.Get("Bcc"), "a subject makes no header")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, mailer.Send(ctx, ours.Message{To: "ann@example.com", Subject: "a", Text: "b"}))
	require.Len(t, server.got(), 1)
}

func TestBadConfigurations(t *testing.T) {
	t.Parallel()
	good := ours.SMTPConfig{Address: "127.0.0.1:25", From: "roster@example.com"}
	_, err := ours.NewSMTP(good)
	require.NoError(t, err)
	for name, change := range map[string]func(*ours.SMTPConfig){
		"no port":      func(c *ours.SMTPConfig) { c.Address = "127.0.0.1" },
		"port's name":  func(c *ours.SMTPConfig) { c.Address = "127.0.0.1:smtp" },
		"port 0":       func(c *ours.SMTPConfig) { c.Address = "127.0.0.1:0" },
		"no host":      func(c *ours.SMTPConfig) { c.Address = ":25" },
		"no sender":    func(c *ours.SMTPConfig) { c.From = "" },
		"bad sender":   func(c *ours.SMTPConfig) { c.From = "roster" },
		"other secret": func(c *ours.SMTPConfig) { c.Security = "maybe" },
	} {
		c := good
		change(&c)
		_, err := ours.NewSMTP(c)
		require.Error(t, err, name)
	}
}

func TestPrinted(t *testing.T) {
	t.Parallel()
	core, logs := observer.New(zap.InfoLevel)
	m := ours.Message{To: "ann@example.com", Subject: "Passcode", Text: "ABC"}
	var mailer ours.Mailer = ours.Printed{Logger: zap.New(core)}
	require.NoError(t, mailer.Send(t.Context(), m))
	require.Equal(t, 1, logs.Len())
	require.Equal(t, map[string]any{"to": m.To, "subject": m.Subject, "text": m.Text}, logs.All()[0].ContextMap())
}
