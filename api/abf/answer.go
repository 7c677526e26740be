package abf

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"go.uber.org/zap"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// answer is what is said instead of a success. It is an error so that it can
// travel to the one place that writes it.
type answer struct {
	status int
	body   any
}

func (a *answer) Error() string { return fmt.Sprintf("answer %d", a.status) }

type (
	errorBody struct {
		Error string `json:"error"`
	}
	messageBody struct {
		Message string `json:"message"`
	}
	statusBody struct {
		Status  int    `json:"status"`
		Message string `json:"message"`
	}
)

func withStatus(status int, message string) *answer {
	return &answer{status, statusBody{status, message}}
}

// The answers with a fixed text: ABF's client compares them.
var (
	errSignIn      = &answer{http.StatusUnauthorized, errorBody{"You need to sign in or sign up before continuing."}}
	errCredentials = &answer{http.StatusUnauthorized, errorBody{"Invalid email or password."}}
	errLocked      = &answer{http.StatusUnauthorized, errorBody{"Your account is locked."}}
	errForbidden   = &answer{http.StatusForbidden, messageBody{"Access violation to this page!"}}
	errRateLimit   = &answer{http.StatusForbidden, messageBody{"403 Forbidden | Rate Limit Exceeded"}}
	errBadRequest  = withStatus(http.StatusBadRequest, "Bad Request")
	errNotFound    = withStatus(http.StatusNotFound, "Error 404. Resource not found!")
	errMethod      = withStatus(http.StatusMethodNotAllowed, "Error 405. Method not allowed!")
	errTooLarge    = withStatus(http.StatusRequestEntityTooLarge, "Error 413. Request is too large!")
	errInternal    = withStatus(http.StatusInternalServerError, "Something went wrong. We've been notified about this issue and we'll take a look at it shortly.")
	errUnavailable = withStatus(http.StatusServiceUnavailable, "We update the site, it will take some time. We are really trying to do it fast. We apologize for any inconvenience..")
)

// refusalOf is the plain answer of a status that a layer around the dialect asks for.
func refusalOf(status int) *answer {
	for _, a := range []*answer{errBadRequest, errNotFound, errMethod, errTooLarge, errInternal, errUnavailable} {
		if a.status == status {
			return a
		}
	}
	switch status {
	case http.StatusUnauthorized:
		return errSignIn
	case http.StatusForbidden:
		return errForbidden
	case http.StatusTooManyRequests:
		return errRateLimit
	}
	if status < http.StatusInternalServerError {
		return withStatus(status, http.StatusText(status))
	}
	return errInternal
}

// failed is a 422: what was not done, and each problem behind it.
func failed(what string, problems []string) *answer {
	body := userMessage{}
	body.User.Message = strings.Join(append([]string{what}, problems...), ". ")
	return &answer{http.StatusUnprocessableEntity, body}
}

// userMessage is the answer to a write; a null id says that it failed.
type userMessage struct {
	User struct {
		ID      *int64 `json:"id"`
		Message string `json:"message"`
	} `json:"user"`
}

func done(number int64, message string) userMessage {
	var m userMessage
	m.User.ID, m.User.Message = &number, message
	return m
}

func (a *answer) write(w http.ResponseWriter) {
	switch a.status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Basic realm="Application"`)
	case http.StatusServiceUnavailable:
		if w.Header().Get("Retry-After") == "" {
			w.Header().Set("Retry-After", "1")
		}
	}
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("Content-Type", contentType)
	raw, _ := encode(a.body) // fixed forms, which encode
	w.WriteHeader(a.status)
	_, _ = w.Write(raw)
}

const contentType = "application/json; charset=utf-8"

func encode(body any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(body); err != nil {
		return nil, fmt.Errorf("encode answer: %w", err)
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// success answers 200, or 304 to a read of what the client has. The tag is a hash
// of the body: the client keeps bodies by it alone.
func success(w http.ResponseWriter, r *http.Request, body any) error {
	raw, err := encode(body)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(raw)
	tag := `"` + hex.EncodeToString(sum[:16]) + `"`
	w.Header().Set("ETag", tag)
	w.Header().Set("Cache-Control", "max-age=0, private, must-revalidate")
	if (r.Method == http.MethodGet || r.Method == http.MethodHead) && matches(r.Header.Values("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(raw) // a client that went away needs no answer
	return nil
}

// matches compares tags as RFC 9110, 13.1.2 says: weakly, any of a list.
func matches(values []string, tag string) bool {
	for _, value := range values {
		for one := range strings.SplitSeq(value, ",") {
			one = strings.TrimPrefix(strings.TrimSpace(one), "W/")
			if one == tag || one == "*" {
				return true
			}
		}
	}
	return false
}

func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	a := answerOf(err)
	if a.status >= http.StatusInternalServerError && !errors.Is(r.Context().Err(), context.Canceled) {
		h.Logger.Error("request failed", zap.String("dialect", Name), zap.String("request", gate.RequestID(r.Context())),
			zap.String("method", r.Method), zap.String("path", r.URL.Path), zap.Error(err))
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
			return errTooLarge
		}
		return errBadRequest
	}
	if reason := gate.ReasonOf(err); reason != "" {
		return answerOfCaller(reason)
	}
	switch {
	case errors.Is(err, query.ErrNotFound):
		return errNotFound
	case errors.Is(err, query.ErrAhead):
		return errBadRequest
	case errors.Is(err, query.ErrUnavailable), errors.Is(err, events.ErrUnavailable):
		return errUnavailable
	case errors.Is(err, events.ErrTooLarge):
		return errTooLarge
	default:
		return errInternal
	}
}

func answerOfCaller(reason gate.Reason) *answer {
	switch reason {
	case gate.NoCredential:
		return errSignIn
	case gate.Suspended:
		return errLocked
	case gate.CrossOrigin:
		return errForbidden
	case gate.RateLimited:
		return errRateLimit
	case gate.Ahead:
		return errBadRequest
	case gate.Unavailable:
		return errUnavailable
	default:
		return errCredentials
	}
}

func answerOfRefusal(e *commands.Error) *answer {
	switch e.Code {
	case commands.Forbidden:
		return errForbidden
	case commands.NotFound:
		return errNotFound
	case commands.Unauthenticated:
		return errCredentials
	case commands.KeyReused:
		return withStatus(http.StatusUnprocessableEntity, "Idempotency-Key was used for another request")
	case commands.Unavailable:
		return errUnavailable
	case commands.TooLarge:
		return errTooLarge
	case commands.Conflict:
		return withStatus(http.StatusConflict, "Conflict")
	default:
		return errBadRequest
	}
}
