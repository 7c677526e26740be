package signin

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Device is a sign-in that somebody confirms on another device by typing UserCode
// at VerificationURI.
type Device struct {
	DeviceCode      string `json:"device_code"`
	UserCode        string `json:"user_code"`
	VerificationURI string `json:"verification_uri"`
	ExpiresIn       int64  `json:"expires_in"` // seconds
	Interval        int64  `json:"interval"`   // seconds between two questions
}

// the words of RFC 8628, 3.5, after which a client asks again
const (
	authorizationPending = "authorization_pending"
	slowDown             = "slow_down"
)

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// BeginDevice begins a sign-in by device.
func (g *GitHub) BeginDevice(ctx context.Context) (Device, error) {
	if !g.config.DeviceFlow {
		return Device{}, &Error{Reason: NoDeviceFlow}
	}
	var d Device
	form := url.Values{"client_id": {g.config.ClientID}, "scope": {strings.Join(g.oauth.Scopes, " ")}}
	if err := g.post(ctx, g.device, form, &d); err != nil {
		return Device{}, err
	}
	if d.DeviceCode == "" || d.UserCode == "" {
		return Device{}, &Error{Reason: Unreachable, Detail: "GitHub's answer has no device code"}
	}
	return d, nil
}

// FinishDevice asks once whether the sign-in was confirmed.
func (g *GitHub) FinishDevice(ctx context.Context, deviceCode string) (Person, error) {
	if !g.config.DeviceFlow {
		return Person{}, &Error{Reason: NoDeviceFlow}
	}
	var answer struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
		ExpiresIn    int64  `json:"expires_in"`
	}
	form := url.Values{"client_id": {g.config.ClientID}, "device_code": {deviceCode}, "grant_type": {deviceGrant}}
	if err := g.post(ctx, g.oauth.Endpoint.TokenURL, form, &answer); err != nil {
		return Person{}, err
	}
	if answer.AccessToken == "" {
		return Person{}, &Error{Reason: Unreachable, Detail: "GitHub's answer has no access token"}
	}
	t := Token{Access: answer.AccessToken, Refresh: answer.RefreshToken}
	if answer.ExpiresIn > 0 {
		t.ExpiresAt = g.config.Clock().Add(time.Duration(answer.ExpiresIn) * time.Second)
	}
	return g.person(ctx, t)
}

// post sends a form to one of GitHub's endpoints of OAuth, which tell of errors
// with status 200.
func (g *GitHub) post(ctx context.Context, address string, form url.Values, into any) error {
	secret := form.Get("device_code")
	broken := func(err error) *Error {
		return &Error{Reason: Unreachable, Detail: "GitHub: " + said(err, secret)}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return broken(err)
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("User-Agent", userAgent)
	res, err := g.client.Do(r)
	if err != nil {
		return broken(err)
	}
	defer func() { _ = res.Body.Close() }()
	var raw json.RawMessage
	if err := json.NewDecoder(res.Body).Decode(&raw); err != nil {
		return &Error{Reason: Unreachable, Detail: "GitHub answered " + res.Status + " without JSON"}
	}
	var refused struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if err := json.Unmarshal(raw, &refused); err != nil {
		return broken(err)
	}
	switch {
	case refused.Error == authorizationPending || refused.Error == slowDown:
		return &Error{Reason: Pending, Code: refused.Error}
	case refused.Error != "":
		return &Error{Reason: Refused, Code: plain(refused.Error, 64, secret), Detail: plain(refused.Description, maxDetail, secret)}
	case res.StatusCode != http.StatusOK:
		return &Error{Reason: Unreachable, Detail: "GitHub answered " + res.Status}
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return broken(err)
	}
	return nil
}
