package codimir

import (
	"context"
	"errors"
	"net/http"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// fault is an answer that is not a success. It is an error so that it can
// travel to the one place that writes it.
type fault struct {
	status  int
	code    string
	message string
	details any
}

func (f *fault) Error() string { return f.code + ": " + f.message }

// The faults with a fixed text.
var (
	faultAhead        = badRequest("The position asked for lies beyond the log")
	faultUnauthorized = &fault{status: http.StatusUnauthorized, code: "UNAUTHORIZED", message: "Authentication required"}
	faultForbidden    = &fault{status: http.StatusForbidden, code: "FORBIDDEN", message: "Not allowed"}
	faultNotFound     = &fault{status: http.StatusNotFound, code: "NOT_FOUND", message: "Not found"}
	faultMethod       = &fault{status: http.StatusMethodNotAllowed, code: "METHOD_NOT_ALLOWED", message: "Method not allowed"}
	faultTooLarge     = &fault{status: http.StatusRequestEntityTooLarge, code: "PAYLOAD_TOO_LARGE", message: "Request body is too large"}
	faultMediaType    = &fault{status: http.StatusUnsupportedMediaType, code: "UNSUPPORTED_MEDIA_TYPE", message: "Content-Type must be application/json"}
	faultRateLimited  = &fault{status: http.StatusTooManyRequests, code: "RATE_LIMITED", message: "Too many requests"}
	faultInternal     = &fault{status: http.StatusInternalServerError, code: "INTERNAL_ERROR", message: "Internal server error"}
	faultUnavailable  = &fault{status: http.StatusServiceUnavailable, code: "SERVICE_UNAVAILABLE", message: "Service unavailable"}
	faultTimeout      = &fault{status: http.StatusGatewayTimeout, code: "GATEWAY_TIMEOUT", message: "Request timed out"}
)

func badRequest(message string) *fault {
	return &fault{status: http.StatusBadRequest, code: "BAD_REQUEST", message: message}
}

// invalid is the answer to members that are wrong; reasons has one text each.
func invalid(reasons map[string]string) *fault {
	return &fault{status: http.StatusUnprocessableEntity, code: "VALIDATION_ERROR", message: "Validation failed", details: reasons}
}

// statusFaults names the code of every status that a layer around the dialect
// may ask for.
var statusFaults = map[int]*fault{
	http.StatusUnauthorized:          faultUnauthorized,
	http.StatusForbidden:             faultForbidden,
	http.StatusNotFound:              faultNotFound,
	http.StatusMethodNotAllowed:      faultMethod,
	http.StatusRequestEntityTooLarge: faultTooLarge,
	http.StatusUnsupportedMediaType:  faultMediaType,
	http.StatusTooManyRequests:       faultRateLimited,
	http.StatusInternalServerError:   faultInternal,
	http.StatusServiceUnavailable:    faultUnavailable,
	http.StatusGatewayTimeout:        faultTimeout,
	http.StatusBadRequest:            {status: http.StatusBadRequest, code: "BAD_REQUEST", message: "Bad request"},
	http.StatusConflict:              {status: http.StatusConflict, code: "CONFLICT", message: "Conflict"},
	http.StatusUnprocessableEntity:   {status: http.StatusUnprocessableEntity, code: "VALIDATION_ERROR", message: "Validation failed"},
	http.StatusBadGateway:            {status: http.StatusBadGateway, code: "BAD_GATEWAY", message: "Bad gateway"},
}

// faultOfStatus is the plain answer of a status.
func faultOfStatus(status int) *fault {
	if f, ok := statusFaults[status]; ok {
		return f
	}
	if status >= http.StatusInternalServerError {
		return &fault{status: status, code: faultInternal.code, message: faultInternal.message}
	}
	return &fault{status: status, code: "BAD_REQUEST", message: "Bad request"}
}

// faultOf maps what commands and queries answer. It returns nil for an error
// that nobody foresaw: that one is logged and told to nobody.
func faultOf(err error) *fault {
	var f *fault
	if errors.As(err, &f) {
		return f
	}
	if e, ok := commands.AsError(err); ok {
		return faultOfRefusal(e)
	}
	if e, ok := gate.AsBodyError(err); ok {
		return faultOfBody(e)
	}
	if reason := gate.ReasonOf(err); reason != "" {
		return faultOfCaller(reason)
	}
	switch {
	case errors.Is(err, query.ErrNotFound):
		return faultUnauthorized // every read is about the caller: a caller without a row is gone
	case errors.Is(err, query.ErrAhead):
		return faultAhead
	case errors.Is(err, query.ErrUnavailable), errors.Is(err, events.ErrUnavailable):
		return faultUnavailable
	case errors.Is(err, events.ErrTooLarge):
		return faultTooLarge
	case errors.Is(err, context.DeadlineExceeded):
		return faultTimeout
	default:
		return nil
	}
}

func faultOfCaller(reason gate.Reason) *fault {
	switch reason {
	case gate.CrossOrigin:
		return &fault{status: http.StatusForbidden, code: faultForbidden.code, message: "Request comes from another site"}
	case gate.RateLimited:
		return faultRateLimited
	case gate.Ahead:
		return faultAhead
	case gate.Unavailable:
		return faultUnavailable
	default:
		return faultUnauthorized
	}
}

// memberOf names the members of a command as this dialect does.
var memberOf = map[string]string{"avatar": "image"}

func faultOfRefusal(e *commands.Error) *fault {
	switch e.Code {
	case commands.Invalid:
		reasons := make(map[string]string, len(e.Fields))
		for _, field := range e.Fields {
			name := field.Field
			if own, ok := memberOf[name]; ok {
				name = own
			}
			reasons[name] = field.Detail
		}
		return invalid(reasons)
	case commands.NotFound, commands.Unauthenticated:
		return faultUnauthorized
	case commands.Forbidden:
		return faultForbidden
	case commands.Conflict:
		return &fault{status: http.StatusConflict, code: "CONFLICT", message: e.Message}
	case commands.Precondition:
		if e.Reason == "suspended" || e.Reason == "deleted" {
			return faultUnauthorized
		}
		return &fault{status: http.StatusConflict, code: "CONFLICT", message: e.Message}
	case commands.KeyReused:
		return &fault{
			status: http.StatusUnprocessableEntity, code: "VALIDATION_ERROR",
			message: "Idempotency-Key was used for another request",
			details: map[string]string{"Idempotency-Key": "was used for another request"},
		}
	case commands.Unavailable:
		return faultUnavailable
	case commands.TooLarge:
		return faultTooLarge
	default:
		return nil
	}
}
