package coder_test

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/internal/mail"
)

const (
	otpRequest = "/api/v2/users/otp/request"
	otpChange  = "/api/v2/users/otp/change-password"
)

// postbox takes the mail.
type postbox chan mail.Message

// Send implements mail.Mailer.
func (p postbox) Send(ctx context.Context, m mail.Message) error {
	select {
	case p <- m:
		return nil
	case <-ctx.Done():
		return errors.New("nobody takes the mail")
	}
}

var passcodeLine = regexp.MustCompile(`One-time passcode: (\S+)`)

// passcode asks for one and reads it from the mail.
func (p postbox) passcode(t *testing.T, s *apitest.System, address string) string {
	t.Helper()
	a := s.Do(http.MethodPost, otpRequest, nil, object{"email": address})
	require.Equal(t, http.StatusNoContent, a.Status, "%s", a.Body)
	require.Empty(t, a.Body)
	select {
	case m := <-p:
		found := passcodeLine.FindStringSubmatch(m.Text)
		require.Len(t, found, 2, m.Text)
		return found[1]
	case <-time.After(20 * time.Second):
		t.Fatal("no mail came")
		return ""
	}
}

func TestOTP(t *testing.T) {
	t.Parallel()
	box, clock := make(postbox, 10), newHand()
	s := apitest.New(t, apitest.WithMail(box), apitest.WithOneClock(clock.Now))
	owner := s.FirstUser()
	ada := owner.NewUser("ada")
	for _, c := range []struct {
		path   string
		body   any
		status int
		text   string
	}{
		{otpRequest, "", 400, "Request body must be valid JSON."},
		{otpRequest, object{}, 400, "Validation failed."},
		{otpRequest, object{"email": "nonsense"}, 400, "Validation failed."},
		{otpRequest, object{"email": 7}, 400, "Request body must be valid JSON."},
		{otpChange, object{"email": ada.Email}, 400, "Validation failed."},
		{otpChange, object{"email": ada.Email, "password": "weak", "one_time_passcode": "x"}, 400, "Invalid password."},
		{otpChange, object{"email": ada.Email, "password": "SomeSecurePassword!", "one_time_passcode": "x"}, 400, "Incorrect email or one-time passcode."},
		{otpChange, object{"email": "nobody@example.com", "password": "SomeSecurePassword!", "one_time_passcode": "x"}, 400, "Incorrect email or one-time passcode."},
	} {
		a := s.Do(http.MethodPost, c.path, nil, c.body)
		require.Equal(t, c.status, a.Status, "%v: %s", c.body, a.Body)
		require.Equal(t, c.text, message(t, s, a), "%v", c.body)
	}
	require.Equal(t, http.StatusNoContent, s.Do(http.MethodPost, otpRequest, nil, object{"email": "nobody@example.com"}).Status, "unknown addresses are told the same")

	first := box.passcode(t, s, "ADA@example.com")
	second := box.passcode(t, s, ada.Email)
	require.NotEqual(t, first, second)
	change := func(passcode string) apitest.Answer {
		return s.Do(http.MethodPost, otpChange, nil, object{"email": ada.Email, "password": "SomeSecurePassword!", "one_time_passcode": passcode})
	}
	require.Equal(t, http.StatusBadRequest, change(first).Status, "a new one ends it")
	require.Equal(t, http.StatusOK, ada.Do(http.MethodGet, "/api/v2/users/me", nil, nil).Status)
	done := change(second)
	require.Equal(t, http.StatusNoContent, done.Status, "%s", done.Body)
	require.Equal(t, http.StatusUnauthorized, ada.Do(http.MethodGet, "/api/v2/users/me", nil, nil).Status, "section 6: deletes all keys")
	require.Equal(t, http.StatusBadRequest, change(second).Status, "it works once")
	s.Login(ada.Email, "SomeSecurePassword!")

	late := box.passcode(t, s, ada.Email)
	clock.pass(21 * time.Minute)
	a := change(late)
	require.Equal(t, http.StatusBadRequest, a.Status)
	require.Equal(t, "Incorrect email or one-time passcode.", message(t, s, a), "twenty minutes")
	require.Empty(t, box, "nobody else got mail")
}

func TestOTP_Links(t *testing.T) {
	t.Parallel()
	box := make(postbox, 1)
	s := apitest.New(t, apitest.WithMail(box), apitest.WithSettings(func(c *gate.Settings) { c.AccessURL = "https://roster.example" }))
	s.FirstUser()
	require.Equal(t, http.StatusNoContent, s.Do(http.MethodPost, otpRequest, nil, object{"email": "owner@example.com"}).Status)
	m := <-box
	require.Equal(t, "owner@example.com", m.To)
	require.Contains(t, m.Text, "https://roster.example/reset-password/change?email=owner%40example.com&otp=")
}

func TestOTP_Disabled(t *testing.T) {
	t.Parallel()
	s := apitest.New(t, apitest.WithSettings(func(c *gate.Settings) { c.PasswordLoginDisabled = true }))
	for _, path := range []string{otpRequest, otpChange} {
		a := s.Do(http.MethodPost, path, nil, object{"email": "a@example.com"})
		require.Equal(t, http.StatusForbidden, a.Status)
		require.Equal(t, "Password authentication is disabled.", message(t, s, a))
	}
}
