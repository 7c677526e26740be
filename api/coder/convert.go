package coder

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/signin"
)

const (
	convertPrefix   = "convert-"
	convertLifetime = 5 * time.Minute
	convertPurpose  = "coder convert login"
)

var conversionForm = regexp.MustCompile(`^` + convertPrefix + `[A-Za-z0-9_-]{32}$`)

// isConversion says whether a state is one that convertLogin made.
func isConversion(state string) bool { return conversionForm.MatchString(state) }

// conversion is what a cookie says of somebody who proved their password and goes
// to the provider by which they want to sign in from now on.
type conversion struct {
	UserID    string           `json:"userId"`
	To        events.LoginType `json:"to"`
	State     string           `json:"state"`
	ExpiresAt time.Time        `json:"expiresAt"`
}

func (h *Handler) convertLogin(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	u, err := h.user(r, c)
	if err != nil {
		return err
	}
	if !c.Is(u.ID) { // nobody else knows the password
		return errForbidden
	}
	b, err := readBody(w, r)
	if err != nil {
		return err
	}
	to, password := b.text("to_type"), b.text("password")
	b.check("to_type", to, required)
	b.check("password", password, required)
	if err := b.err(); err != nil {
		return err
	}
	if err := h.convertible(events.LoginType(to)); err != nil {
		return err
	}
	if err := h.Gate.AllowLogin(r, u.Email); err != nil {
		return err
	}
	_, err = h.Commands.ProvePassword(r.Context(), gate.Request(r, c, Name), u.ID, password)
	h.Gate.TriedLogin(r, u.Email, err)
	if err != nil {
		return refusedLogin(err)
	}
	made := conversion{
		UserID: u.ID, To: events.LoginType(to), State: convertPrefix + signin.NewState(), ExpiresAt: h.Clock().Add(convertLifetime).UTC(),
	}
	cookie, err := h.sealConversion(made)
	if err != nil {
		return err
	}
	h.setCookie(w, r, convertCookie, cookie, int(convertLifetime.Seconds()))
	write(w, http.StatusCreated, map[string]any{
		"state_string": made.State, "expires_at": stamp(made.ExpiresAt), "to_type": to, "user_id": u.ID,
	})
	return nil
}

func (h *Handler) convertible(to events.LoginType) error {
	switch to {
	case events.LoginOIDC, events.LoginGitHub:
		if _, ok := h.SignIn.Of(to); !ok {
			return errNotConfigured
		}
		return nil
	case events.LoginPassword, events.LoginNone, events.LoginToken:
		return refuse(http.StatusBadRequest, fmt.Sprintf("Cannot convert to login type %q.", to), "")
	default:
		return refuse(http.StatusBadRequest, fmt.Sprintf("Login type %q is not a valid login type.", foreign(string(to))), "")
	}
}

func (h *Handler) sealConversion(c conversion) (string, error) {
	raw, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("encode a conversion: %w", err)
	}
	payload := base64.RawURLEncoding.EncodeToString(raw)
	return payload + "." + h.Commands.KeyedHash(convertPurpose, payload), nil
}

// converting returns who converts by this sign-in, "" when it is a usual one.
func (h *Handler) converting(r *http.Request, state string, to events.LoginType) (string, error) {
	if !isConversion(state) {
		return "", nil
	}
	kept, err := r.Cookie(convertCookie)
	if err != nil {
		return "", refuse(http.StatusBadRequest, "Convert to oauth cookie not found. Please try again.", "")
	}
	invalid := refuse(http.StatusBadRequest, "The request to convert the login type is not valid or has expired. Please try again.", "")
	payload, mac, _ := strings.Cut(kept.Value, ".")
	if subtle.ConstantTimeCompare([]byte(mac), []byte(h.Commands.KeyedHash(convertPurpose, payload))) != 1 {
		return "", invalid
	}
	raw, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return "", invalid
	}
	var c conversion
	if json.Unmarshal(raw, &c) != nil || c.State != state || c.To != to || !h.Clock().Before(c.ExpiresAt) {
		return "", invalid
	}
	return c.UserID, nil
}
