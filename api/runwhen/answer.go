package runwhen

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"

	"go.uber.org/zap"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// answer is what is said instead of a success: an error, so that it can travel to
// the one place that writes it.
type answer struct {
	status int
	detail any // a text, or the problems of a 422
}

func (a *answer) Error() string { return fmt.Sprintf("answer %d", a.status) }

func told(status int, text string) *answer { return &answer{status, text} }

// The answers with a fixed text.
var (
	errNotAuthenticated = told(http.StatusUnauthorized, "Not authenticated")
	errBadToken         = told(http.StatusUnauthorized, "Invalid or expired token")
	errNoAccount        = told(http.StatusUnauthorized, "No active account found with the given credentials")
	errForbidden        = told(http.StatusForbidden, "You do not have permission to perform this action.")
	errClosed           = told(http.StatusForbidden, "Registration is not open")
	errNoUser           = told(http.StatusNotFound, "User not found")
	errNoToken          = told(http.StatusNotFound, "Token not found")
	errUnknownPath      = told(http.StatusNotFound, "Not Found")
	errInvalidPage      = told(http.StatusNotFound, "Invalid page.")
	errMethod           = told(http.StatusMethodNotAllowed, "Method Not Allowed")
	errEmailTaken       = told(http.StatusConflict, "Email already exists")
	errUsernameTaken    = told(http.StatusConflict, "Username already exists")
	errTokenNameTaken   = told(http.StatusConflict, "Token name already exists")
	errBody             = told(http.StatusBadRequest, "There was an error parsing the body")
	errBadVerification  = told(http.StatusBadRequest, "Invalid or expired token")
)

// plain is the answer of a status that has no text of its own here.
func plain(status int) *answer { return told(status, http.StatusText(status)) }

func (a *answer) write(w http.ResponseWriter) {
	switch a.status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", "Bearer")
	case http.StatusServiceUnavailable:
		if w.Header().Get("Retry-After") == "" {
			w.Header().Set("Retry-After", "1")
		}
	}
	_ = succeed(w, a.status, map[string]any{"detail": a.detail}) // fixed forms, which encode
}

// succeed writes a body.
func succeed(w http.ResponseWriter, status int, body any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(body); err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	raw := bytes.TrimRight(b.Bytes(), "\n")
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(raw)))
	w.WriteHeader(status)
	_, _ = w.Write(raw) // a client that went away needs no answer
	return nil
}

func noContent(w http.ResponseWriter) error {
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	a := answerOf(err)
	if a.status >= http.StatusInternalServerError && !errors.Is(r.Context().Err(), context.Canceled) {
		h.Logger.Error("request failed", zap.String("dialect", Name), zap.String("request", gate.RequestID(r.Context())),
			zap.String("method", r.Method), zap.String("path", r.URL.Path), zap.Error(err))
	}
	var limited *gate.Error
	if errors.As(err, &limited) && limited.Reason == gate.RateLimited {
		seconds := int(math.Ceil(limited.RetryAfter.Seconds()))
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
		a = told(http.StatusTooManyRequests, fmt.Sprintf("Request was throttled. Expected available in %d seconds.", seconds))
	}
	a.write(w)
}

// answerOf maps what the layers below say.
func answerOf(err error) *answer {
	var a *answer
	if errors.As(err, &a) {
		return a
	}
	if e, ok := commands.AsError(err); ok {
		return answerOfRefusal(e)
	}
	if e, ok := gate.AsBodyError(err); ok {
		if e.Code == gate.TooLarge {
			return plain(http.StatusRequestEntityTooLarge)
		}
		return errBody
	}
	if reason := gate.ReasonOf(err); reason != "" {
		return answerOfCaller(reason)
	}
	switch {
	case errors.Is(err, query.ErrNotFound):
		return errNoUser
	case errors.Is(err, query.ErrAhead):
		return plain(http.StatusBadRequest)
	case errors.Is(err, query.ErrUnavailable), errors.Is(err, events.ErrUnavailable):
		return plain(http.StatusServiceUnavailable)
	case errors.Is(err, events.ErrTooLarge):
		return plain(http.StatusRequestEntityTooLarge)
	default:
		return plain(http.StatusInternalServerError)
	}
}

func answerOfCaller(reason gate.Reason) *answer {
	switch reason {
	case gate.NoCredential:
		return errNotAuthenticated
	case gate.CrossOrigin:
		return told(http.StatusForbidden, "CSRF Failed: this request comes from another site.")
	case gate.Ahead:
		return plain(http.StatusBadRequest)
	case gate.Unavailable:
		return plain(http.StatusServiceUnavailable)
	default:
		return errBadToken
	}
}

func answerOfRefusal(e *commands.Error) *answer {
	switch e.Code {
	case commands.Forbidden:
		return errForbidden
	case commands.NotFound:
		return errNoUser
	case commands.Unauthenticated:
		return errNoAccount
	case commands.Conflict:
		return answerOfConflict(e)
	case commands.Precondition:
		return told(http.StatusConflict, sentence(e.Message))
	case commands.KeyReused:
		return invalid(problem{
			Type: "value_error", Loc: []any{"header", "idempotency-key"},
			Msg: "Value error, this key was used for another request", Ctx: map[string]any{"error": struct{}{}},
		})
	case commands.Invalid:
		return answerOfFields(e.Fields)
	case commands.Unavailable:
		return plain(http.StatusServiceUnavailable)
	case commands.TooLarge:
		return plain(http.StatusRequestEntityTooLarge)
	default:
		return plain(http.StatusInternalServerError)
	}
}

func answerOfConflict(e *commands.Error) *answer {
	for _, f := range e.Fields {
		switch f.Field {
		case "email":
			return errEmailTaken
		case "username":
			return errUsernameTaken
		case "name":
			return errTokenNameTaken
		}
	}
	return told(http.StatusConflict, sentence(e.Message))
}

func sentence(s string) string { return strings.ToUpper(s[:min(1, len(s))]) + s[min(1, len(s)):] }

// bodyNames are the members of this dialect where the domain calls them otherwise.
var bodyNames = map[string]string{"avatar": "avatarUrl", "email": "primaryEmail", "lifetime": "days"}

// answerOfFields tells what only the domain found wrong.
func answerOfFields(fields []commands.FieldError) *answer {
	var list []problem
	for _, f := range fields {
		name := f.Field
		if other, ok := bodyNames[name]; ok {
			name = other
		}
		list = append(list, valueError([]any{"body", name}, f.Detail, nil))
	}
	return invalid(list...)
}
