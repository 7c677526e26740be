package pm415

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// refusal is what is said instead of a success. It is an error so that it can
// travel to the one place that writes it.
type refusal struct {
	status  int
	message string
}

func (f *refusal) Error() string { return fmt.Sprintf("answer %d: %s", f.status, f.message) }

func refuse(status int, message string) *refusal { return &refusal{status, message} }

func refusef(status int, format string, args ...any) *refusal {
	return &refusal{status, fmt.Sprintf(format, args...)}
}

// The refusals with a fixed text that more than one call has.
var (
	errSignIn      = refuse(http.StatusUnauthorized, "Authentication required")
	errInactive    = refuse(http.StatusForbidden, "User not confirmed or inactive")
	errLimitedKey  = refuse(http.StatusForbidden, "This key is not allowed to do this")
	errNotFound    = refuse(http.StatusNotFound, "Not Found")
	errInternal    = refuse(http.StatusInternalServerError, "Internal Server Error")
	errUnavailable = refuse(http.StatusServiceUnavailable, "Service Unavailable")
	errTooLarge    = refuse(http.StatusRequestEntityTooLarge, "Request Entity Too Large")
)

func (f *refusal) write(w http.ResponseWriter) {
	if f.status == http.StatusServiceUnavailable && w.Header().Get("Retry-After") == "" {
		w.Header().Set("Retry-After", "1")
	}
	write(w, f.status, struct {
		StatusCode int    `json:"statusCode"`
		Error      string `json:"error"`
		Message    string `json:"message"`
		Success    bool   `json:"success"`
	}{f.status, http.StatusText(f.status), f.message, false})
}

// write writes an answer. Nothing of it is for caches: it is about one caller.
func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(body) // a client that went away needs no answer
}

// moment is a time as JavaScript writes it.
type moment time.Time

// MarshalJSON implements json.Marshaler.
func (m moment) MarshalJSON() ([]byte, error) {
	return []byte(time.Time(m).UTC().Format(`"2006-01-02T15:04:05.000Z"`)), nil
}

func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	f := refusalOf(err)
	if f.status >= http.StatusInternalServerError && !errors.Is(r.Context().Err(), context.Canceled) {
		h.Logger.Error("request failed", zap.String("dialect", Name), zap.String("request", gate.RequestID(r.Context())),
			zap.String("method", r.Method), zap.String("path", r.URL.Path), zap.Error(err))
	}
	var known *gate.Error
	if errors.As(err, &known) && known.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(known.RetryAfter.Seconds()))))
	}
	f.write(w)
}

// refusalOf maps what the layers below say.
func refusalOf(err error) *refusal {
	var f *refusal
	if errors.As(err, &f) {
		return f
	}
	if e, ok := commands.AsError(err); ok {
		return refusalOfCommand(e)
	}
	if e, ok := gate.AsBodyError(err); ok {
		return refusalOfBody(e)
	}
	if reason := gate.ReasonOf(err); reason != "" {
		return refusalOfCaller(reason)
	}
	switch {
	case errors.Is(err, query.ErrNotFound):
		return errNotFound
	case errors.Is(err, query.ErrAhead):
		return refuse(http.StatusBadRequest, "Roster-Min-Position is beyond the log")
	case errors.Is(err, query.ErrUnavailable), errors.Is(err, events.ErrUnavailable):
		return errUnavailable
	case errors.Is(err, events.ErrTooLarge):
		return errTooLarge
	default:
		return errInternal
	}
}

func refusalOfCaller(reason gate.Reason) *refusal {
	switch reason {
	case gate.Suspended, gate.Unconfirmed:
		return errInactive
	case gate.CrossOrigin:
		return refuse(http.StatusForbidden, "Request of another site")
	case gate.RateLimited:
		return refuse(http.StatusTooManyRequests, "Too many requests, please try again later")
	case gate.Ahead:
		return refuse(http.StatusBadRequest, "Roster-Min-Position is beyond the log")
	case gate.Unavailable:
		return errUnavailable
	default:
		return errSignIn
	}
}

func refusalOfBody(e *gate.BodyError) *refusal {
	switch e.Code {
	case gate.TooLarge:
		return errTooLarge
	case gate.NotObject:
		return refuse(http.StatusBadRequest, `"value" must be an object`)
	case gate.NotJSON:
		return refuse(http.StatusBadRequest, "The body is not valid JSON: "+e.Detail)
	case gate.Duplicate, gate.NUL, gate.TooDeep:
		return refusef(http.StatusBadRequest, "%q %s", e.Field, e.Detail)
	default:
		return refuse(http.StatusBadRequest, e.Detail)
	}
}

func refusalOfCommand(e *commands.Error) *refusal {
	switch e.Code {
	case commands.Forbidden:
		return refuse(http.StatusForbidden, e.Message)
	case commands.NotFound:
		return errNotFound
	case commands.Unauthenticated:
		return errSignIn
	case commands.KeyReused:
		return refuse(http.StatusUnprocessableEntity, "Idempotency-Key was used for another request")
	case commands.Unavailable:
		return errUnavailable
	case commands.TooLarge:
		return errTooLarge
	case commands.Conflict, commands.Precondition:
		return refuse(http.StatusConflict, e.Message)
	default:
		return refusalOfFields(e)
	}
}

// labels are the members of commands as PM415's messages call them.
var labels = map[string]string{"firstName": "Firstname", "lastName": "Lastname", "email": "Email", "password": "Password", "displayName": "Name", "name": "Name"}

func refusalOfFields(e *commands.Error) *refusal {
	if len(e.Fields) == 0 {
		return refuse(http.StatusBadRequest, e.Message)
	}
	first := e.Fields[0]
	label, ok := labels[first.Field]
	if !ok {
		label = first.Field
	}
	if first.Field == "email" {
		return refuse(http.StatusBadRequest, `"Email" must be a valid email`)
	}
	return refusef(http.StatusBadRequest, "%q %s", label, first.Detail)
}

// taken says whether a command was refused because somebody has this member.
func taken(err error, field string) bool {
	e, ok := commands.AsError(err)
	if !ok || e.Code != commands.Conflict {
		return false
	}
	for _, f := range e.Fields {
		if f.Field == field && f.Rule == "taken" {
			return true
		}
	}
	return false
}
