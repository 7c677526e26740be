package signin

import (
	"errors"
	"strings"
	"unicode"

	"golang.org/x/oauth2"
)

// Reason is the closed set of reasons for which nobody is vouched for.
type Reason string

// The reasons.
const (
	Unreachable   Reason = "unreachable"    // the provider can not be asked, or talks nonsense
	Refused       Reason = "refused"        // the provider does not accept the code or token; Code says why
	Pending       Reason = "pending"        // the person has not decided yet (device flow); Code says how to go on
	WrongIssuer   Reason = "wrong-issuer"   // the callback comes from another provider
	NoIDToken     Reason = "no-id-token"    // OpenID Connect without its token
	BadIDToken    Reason = "bad-id-token"   // wrong signature, audience, time, nonce, ...
	NoSubject     Reason = "no-subject"     // somebody without an id
	NoEmail       Reason = "no-email"       // no address among the claims
	NotVerified   Reason = "not-verified"   // the provider has not verified Email
	WrongDomain   Reason = "wrong-domain"   // Email is not of an allowed domain
	NotMember     Reason = "not-member"     // of an allowed organization
	PrimaryEmail  Reason = "primary-email"  // GitHub: there is no verified primary address
	NoDeviceFlow  Reason = "no-device-flow" // it is switched off
	BadRoles      Reason = "bad-roles"      // the claim of roles can not be read
	NotConfigured Reason = "not-configured" // there is no such provider
)

// Error says why nobody is vouched for.
type Error struct {
	Reason  Reason
	Code    string   // the provider's own word, such as invalid_grant; may be empty
	Email   string   // of NotVerified and WrongDomain
	Allowed []string // of WrongDomain
	Detail  string   // for operators; without secrets
}

// Error implements error.
func (e *Error) Error() string {
	text := "ask the provider who signs in: " + string(e.Reason)
	if e.Code != "" {
		text += ": " + e.Code
	}
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	return text
}

// AsError returns the *Error in err, if it is one.
func AsError(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}

const maxDetail = 300

// said makes one harmless line of what went wrong: libraries repeat answers, and
// an answer may repeat what it was asked with.
func said(err error, secrets ...string) string { return plain(err.Error(), maxDetail, secrets...) }

func plain(text string, limit int, secrets ...string) string {
	for _, s := range secrets {
		if len(s) >= 4 { // shorter ones are no secrets, and would hide the text
			text = strings.ReplaceAll(text, s, "(secret)")
		}
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, text)
	return cut(text, limit)
}

// failed classifies what a token endpoint answered.
func failed(err error, secrets ...string) *Error {
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) {
		return &Error{Reason: Unreachable, Detail: said(err, secrets...)}
	}
	e := &Error{
		Reason: Refused, Code: plain(refused.ErrorCode, 64, secrets...),
		Detail: plain(refused.ErrorDescription, maxDetail, secrets...),
	}
	if refused.Response != nil && refused.Response.StatusCode >= 500 {
		e.Reason, e.Detail = Unreachable, refused.Response.Status
	}
	return e
}
