package coder

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// buildVersion is what clients compare with their own.
const buildVersion = "v2.29.0+roster"

// versionHeader is on every answer: clients take a server without it for
// something else.
const versionHeader = "X-Coder-Build-Version"

const signedOut = "You are signed out or your session has expired. Please sign in again to continue."

// validation is what is wrong with one member.
type validation struct {
	Field  string `json:"field"`
	Detail string `json:"detail"`
}

// envelope is Coder's form of messages and errors.
type envelope struct {
	Message     string       `json:"message"`
	Detail      string       `json:"detail,omitempty"`
	Validations []validation `json:"validations,omitempty"`
}

// answer is a refusal with its status.
type answer struct {
	status int
	envelope
	retryAfter time.Duration
	challenge  string // of WWW-Authenticate, of the check of the caller alone
	cause      error  // for the log alone
}

// Error implements error.
func (a *answer) Error() string {
	if a.cause != nil {
		return a.Message + ": " + a.cause.Error()
	}
	return a.Message
}

// Unwrap returns what is for the log alone.
func (a *answer) Unwrap() error { return a.cause }

func refuse(status int, message, detail string, validations ...validation) *answer {
	return &answer{status: status, envelope: envelope{Message: message, Detail: detail, Validations: validations}}
}

// broken says in an endpoint's own words that the log or the database failed. The
// words are all that a client learns. Every other error stays what it is, also that
// there is too much to do at once.
func broken(err error, message string) error {
	var said *answer
	if err == nil || errors.As(err, &said) || answerOf(err).status < http.StatusInternalServerError {
		return err
	}
	if refused, ok := commands.AsError(err); ok && refused.Reason == "busy" {
		return err
	}
	a := refuse(http.StatusInternalServerError, message, "The log or the database can not be reached. Please try again.")
	a.cause = err
	return a
}

func (a *answer) write(w http.ResponseWriter) {
	if a.status == http.StatusTooManyRequests || a.status == http.StatusServiceUnavailable {
		seconds := max(1, int(math.Ceil(a.retryAfter.Seconds())))
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
	}
	write(w, a.status, a.envelope)
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set(versionHeader, buildVersion)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// Refuse implements gate.Dialect.
func (h *Handler) Refuse(w http.ResponseWriter, _ *http.Request, f gate.Refusal) {
	message := f.Message
	switch f.Status {
	case http.StatusNotFound:
		message = "Route not found."
	case http.StatusMethodNotAllowed:
		message = "Method not allowed."
	case http.StatusInternalServerError:
		message = "An internal server error occurred."
	}
	a := refuse(f.Status, message, "")
	a.retryAfter = f.RetryAfter
	a.write(w)
}

// answerOf translates whatever went wrong.
func answerOf(err error) *answer {
	var a *answer
	if errors.As(err, &a) {
		return a
	}
	var unknown *gate.Error
	if errors.As(err, &unknown) {
		return answerOfCaller(unknown)
	}
	if body, ok := gate.AsBodyError(err); ok {
		return answerOfBody(body)
	}
	if refused, ok := commands.AsError(err); ok {
		return answerOfCommand(refused)
	}
	switch {
	case errors.Is(err, query.ErrNotFound):
		return errNotFound
	case errors.Is(err, query.ErrAhead):
		return refuse(http.StatusBadRequest, gate.MinPositionHeader+" is beyond the log.", "")
	case errors.Is(err, query.ErrUnavailable):
		return refuse(http.StatusServiceUnavailable, "The server is busy. Please try again.", "")
	default:
		return refuse(http.StatusInternalServerError, "An internal server error occurred.", "")
	}
}

func answerOfCaller(e *gate.Error) *answer {
	a := refusedCaller(e)
	switch a.status {
	case http.StatusUnauthorized:
		a.challenge = `Bearer realm="coder", error="invalid_token", error_description="The access token is invalid or has expired"`
	case http.StatusForbidden:
		a.challenge = `Bearer realm="coder", error="insufficient_scope", error_description="The request requires higher privileges than provided by the access token"`
	}
	return a
}

func refusedCaller(e *gate.Error) *answer {
	unauthorized := func(detail string) *answer { return refuse(http.StatusUnauthorized, signedOut, detail) }
	switch e.Reason {
	case gate.NoCredential:
		return unauthorized(`Cookie "coder_session_token" or query parameter must be provided.`)
	case gate.Malformed:
		return unauthorized("Invalid API key format: " + malformed(e))
	case gate.WrongSecret:
		return unauthorized("API key secret is invalid.")
	case gate.Expired:
		return unauthorized(fmt.Sprintf("API key expired at %q.", e.ExpiredAt.UTC().String()))
	case gate.LinkGone:
		return unauthorized("You must re-authenticate with the login provider.")
	case gate.RefreshFailed:
		return refuse(http.StatusUnauthorized, "Could not refresh expired "+providerName(e.LoginType)+
			" token. Try re-authenticating to resolve this issue.", "")
	case gate.Suspended:
		return refuse(http.StatusUnauthorized, `User is not active (status = "suspended"). Contact an admin to reactivate your account.`, "")
	case gate.CrossOrigin:
		return refuse(http.StatusForbidden, "Forbidden.", "A browser sent this request from another site.")
	case gate.RateLimited:
		a := refuse(http.StatusTooManyRequests, "You've been rate limited for sending too many requests. Please wait and try again.", "")
		a.retryAfter = e.RetryAfter
		return a
	case gate.Ahead:
		return refuse(http.StatusBadRequest, gate.MinPositionHeader+" is beyond the log.", "")
	case gate.Unavailable:
		return refuse(http.StatusServiceUnavailable, "The server is busy. Please try again.", "")
	default: // gone, revoked, or of an account that must look so
		return unauthorized("API key is invalid.")
	}
}

// providerName is how Coder's messages name a provider of identities.
func providerName(t events.LoginType) string {
	if t == events.LoginGitHub {
		return "GitHub"
	}
	return "OpenID Connect"
}

func malformed(e *gate.Error) string {
	switch {
	case e.Parts != 2:
		return fmt.Sprintf("incorrect amount of API key parts, expected 2 got %d", e.Parts)
	case e.IDLength != gate.KeyIDLength:
		return fmt.Sprintf("invalid API key ID length, expected %d got %d", gate.KeyIDLength, e.IDLength)
	default:
		return fmt.Sprintf("invalid API key secret length, expected %d got %d", gate.SecretLength, e.SecretLength)
	}
}

func answerOfBody(e *gate.BodyError) *answer {
	switch e.Code {
	case gate.TooLarge:
		return refuse(http.StatusRequestEntityTooLarge, "Request body too large.", "")
	case gate.BadEncoding:
		return refuse(http.StatusUnsupportedMediaType, "Unsupported content encoding.", "")
	}
	detail := e.Detail
	if e.Field != "" {
		detail = e.Field + ": " + detail
	}
	return refuse(http.StatusBadRequest, "Request body must be valid JSON.", detail)
}

func answerOfCommand(e *commands.Error) *answer {
	switch e.Code {
	case commands.NotFound:
		return errNotFound
	case commands.KeyReused:
		return refuse(http.StatusUnprocessableEntity, "The Idempotency-Key was used for another request.", "")
	case commands.Invalid:
		return refuse(http.StatusBadRequest, "Validation failed.", e.Message, validationsOf(e)...)
	case commands.Conflict, commands.Precondition:
		return refuse(http.StatusConflict, e.Message, "", validationsOf(e)...)
	case commands.Forbidden:
		return errForbidden
	case commands.Unauthenticated:
		return refuse(http.StatusUnauthorized, "Incorrect email or password.", "")
	case commands.TooLarge:
		return refuse(http.StatusRequestEntityTooLarge, "Request body too large.", "")
	case commands.Unavailable:
		return refuse(http.StatusServiceUnavailable, "The server is busy. Please try again.", "")
	default:
		return refuse(http.StatusInternalServerError, "An internal server error occurred.", "")
	}
}

func validationsOf(e *commands.Error) []validation {
	out := make([]validation, len(e.Fields))
	for i, f := range e.Fields {
		out[i] = validation{Field: f.Field, Detail: f.Detail}
	}
	return out
}
