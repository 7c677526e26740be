package v1

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"go.uber.org/zap"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/api/v1/client"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/query"
)

// problem is an answer that refuses.
type problem struct {
	client.Problem
	kept  *client.RecordAnswer // of POST /v1/activities
	retry string               // value of Retry-After
}

// Error implements error.
func (p *problem) Error() string { return p.Code + ": " + p.Detail }

// refuse makes a problem.
func refuse(status int, code, detail string, fields ...client.FieldProblem) *problem {
	return &problem{Problem: client.Problem{Status: status, Code: code, Detail: detail, Errors: fields}}
}

// invalid refuses members or parameters.
func invalid(status int, fields []client.FieldProblem) *problem {
	return refuse(status, string(commands.Invalid), fields[0].Field+": "+fields[0].Detail, fields...)
}

var errNotFound = refuse(http.StatusNotFound, string(commands.NotFound), "there is no such user, or you may not see it")

// codes maps refusals of commands to statuses.
var codes = map[commands.Code]int{
	commands.NotFound:        http.StatusNotFound,
	commands.Conflict:        http.StatusConflict,
	commands.Invalid:         http.StatusUnprocessableEntity,
	commands.Forbidden:       http.StatusForbidden,
	commands.Precondition:    http.StatusConflict,
	commands.Unauthenticated: http.StatusForbidden, // a wrong old password: the session itself is fine
	commands.KeyReused:       http.StatusUnprocessableEntity,
	commands.Unavailable:     http.StatusServiceUnavailable,
	commands.TooLarge:        http.StatusRequestEntityTooLarge,
}

// fail answers an error. What is not a refusal is logged and told to nobody.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(err)
	if p == nil || p.Status >= http.StatusInternalServerError {
		h.logger(r).Error("request failed", zap.Error(err))
	}
	if p == nil {
		p = refuse(http.StatusInternalServerError, "internal", "something went wrong; the request id tells us where to look")
	}
	writeProblem(w, r, p)
}

func problemOf(err error) *problem {
	var p *problem
	if errors.As(err, &p) {
		return p
	}
	var unknown *gate.Error
	if errors.As(err, &unknown) {
		return problemOfCaller(unknown)
	}
	if body, ok := gate.AsBodyError(err); ok {
		return problemOfBody(body)
	}
	if refused, ok := commands.AsError(err); ok {
		return problemOfCommand(refused)
	}
	return problemOfQuery(err)
}

func problemOfCaller(e *gate.Error) *problem {
	switch e.Reason {
	case gate.CrossOrigin:
		return refuse(http.StatusForbidden, "cross-origin", "a browser sent this from another site; use a token in a header instead of a cookie")
	case gate.RateLimited:
		p := refuse(http.StatusTooManyRequests, "rate-limited", "too many requests; Retry-After says when to come back")
		p.retryAfter(e.RetryAfter.Seconds())
		return p
	case gate.Ahead:
		return problemOfQuery(query.ErrAhead)
	case gate.Unavailable:
		return refuse(http.StatusServiceUnavailable, string(commands.Unavailable), "credentials can not be checked right now")
	case gate.NoCredential:
		return refuse(http.StatusUnauthorized, string(commands.Unauthenticated), "sign in: send a session token or API key as Authorization: Bearer <token>")
	default: // which of them it is, is nobody's business
		return refuse(http.StatusUnauthorized, string(commands.Unauthenticated), "the token is not valid, or not any more")
	}
}

func problemOfBody(e *gate.BodyError) *problem {
	status := http.StatusBadRequest
	switch e.Code {
	case gate.TooLarge:
		status = http.StatusRequestEntityTooLarge
	case gate.BadEncoding:
		status = http.StatusUnsupportedMediaType
	}
	p := refuse(status, string(e.Code), e.Detail)
	if e.Field != "" {
		p.Detail = e.Field + ": " + e.Detail
		p.Errors = []client.FieldProblem{{Field: e.Field, Rule: string(e.Code), Detail: e.Detail}}
	}
	return p
}

func problemOfCommand(e *commands.Error) *problem {
	status, ok := codes[e.Code]
	if !ok {
		return nil
	}
	p := refuse(status, string(e.Code), e.Message)
	p.Reason = e.Reason
	for _, f := range e.Fields {
		p.Errors = append(p.Errors, client.FieldProblem{Field: memberOf(f.Field), Rule: f.Rule, Detail: f.Detail})
	}
	return p
}

// memberOf is the name of a command's field here.
func memberOf(field string) string {
	if field == "lifetime" {
		return lifetimeSeconds
	}
	return field
}

func problemOfQuery(err error) *problem {
	switch {
	case errors.Is(err, query.ErrNotFound):
		return errNotFound
	case errors.Is(err, query.ErrBadCursor):
		return parameter("cursor", "format", "was not made by this list")
	case errors.Is(err, query.ErrAhead):
		return refuse(http.StatusBadRequest, "position-ahead", gate.MinPositionHeader+" is beyond the log")
	case errors.Is(err, query.ErrUnavailable):
		return refuse(http.StatusServiceUnavailable, string(commands.Unavailable), "the read model can not be asked right now")
	default:
		return nil
	}
}

// parameter refuses a query parameter.
func parameter(name, rule, detail string) *problem {
	return invalid(http.StatusBadRequest, []client.FieldProblem{{Field: name, Rule: rule, Detail: detail}})
}

// Refuse implements gate.Dialect.
func (h *Handler) Refuse(w http.ResponseWriter, r *http.Request, f gate.Refusal) {
	writeProblem(w, r, refuse(f.Status, f.Code, f.Message))
}

func writeProblem(w http.ResponseWriter, r *http.Request, p *problem) {
	out := p.Problem
	out.Type = "about:blank"
	out.Title = http.StatusText(p.Status)
	out.RequestId = gate.RequestID(r.Context())
	var body any = out
	if p.kept != nil {
		body = unfinished(out, p.kept)
	}
	header := w.Header()
	header.Set("Content-Type", "application/problem+json")
	switch p.Status {
	case http.StatusUnauthorized:
		header.Set("WWW-Authenticate", `Bearer realm="roster"`)
	case http.StatusServiceUnavailable:
		header.Set("Retry-After", cmp.Or(p.retry, "1"))
	case http.StatusTooManyRequests:
		if p.retry != "" {
			header.Set("Retry-After", p.retry)
		}
	}
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(body)
}

// unfinished is the problem of a recording that was given up, with what was kept.
func unfinished(p client.Problem, kept *client.RecordAnswer) client.UnfinishedProblem {
	return client.UnfinishedProblem{
		Type: p.Type, Title: p.Title, Status: p.Status, Code: p.Code, Detail: p.Detail, RequestId: p.RequestId,
		Accepted: kept.Accepted, Duplicates: kept.Duplicates, Rejected: kept.Rejected,
		RejectedTotal: kept.RejectedTotal, Position: kept.Position,
	}
}

func answer(w http.ResponseWriter, status int, body any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(raw)+1)) // without it, long answers go out in chunks
	w.WriteHeader(status)
	_, _ = w.Write(append(raw, '\n'))
	return nil
}

func (p *problem) retryAfter(seconds float64) {
	p.retry = strconv.Itoa(max(1, int(seconds+0.999)))
}
