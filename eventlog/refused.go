package eventlog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/rosterhq/roster/events"
)

// refusals end requests that the server refuses. It does not answer them, but tells
// the connection, on which the subject is all that says whose request it was.
type refusals struct {
	mu      sync.Mutex
	waiting map[*question]struct{}
}

// question is what somebody waits for an answer to.
type question struct {
	subject string // that was asked, or what it begins with, without its prefix
	end     context.CancelCauseFunc
}

// watchRefusals listens on a connection, beside who listened before.
func watchRefusals(nc *nats.Conn) *refusals {
	r := &refusals{waiting: map[*question]struct{}{}}
	before := nc.ErrorHandler()
	nc.SetErrorHandler(func(nc *nats.Conn, sub *nats.Subscription, err error) {
		r.told(err)
		if before != nil {
			before(nc, sub, err)
		}
	})
	return r
}

// told ends all that the connection was told of.
func (r *refusals) told(err error) {
	subject, ok := refusedSubject(err)
	if !ok {
		return
	}
	subject = bare(subject)
	refused := fmt.Errorf("%w: %w", events.ErrUnavailable, err)
	r.mu.Lock()
	defer r.mu.Unlock()
	for q := range r.waiting {
		if rest, under := strings.CutPrefix(subject, q.subject); under && (rest == "" || rest[0] == '.') {
			q.end(refused)
		}
	}
}

// refusedSubject is where the server did not let something be published.
func refusedSubject(err error) (string, bool) {
	if !errors.Is(err, nats.ErrPermissionViolation) {
		return "", false
	}
	_, after, ok := strings.Cut(err.Error(), `Publish to "`)
	if !ok {
		return "", false
	}
	subject, _, ok := strings.Cut(after, `"`)
	return subject, ok
}

// bare is a subject without the prefix of the server's API, which an account may map to
// another one: the server then tells that.
func bare(subject string) string {
	if _, rest, ok := strings.Cut(subject, ".API."); ok {
		return rest
	}
	return subject
}

// during is a context that ends with a refusal of a subject, or of one under it. Call
// done when the answer is there. A nil one never ends it.
func (r *refusals) during(ctx context.Context, subject string) (asking context.Context, done func()) {
	if r == nil {
		return ctx, func() {}
	}
	asking, end := context.WithCancelCause(ctx)
	q := &question{subject: bare(subject), end: end}
	r.mu.Lock()
	r.waiting[q] = struct{}{}
	r.mu.Unlock()
	return asking, func() {
		r.mu.Lock()
		delete(r.waiting, q)
		r.mu.Unlock()
		end(nil)
	}
}

// refusalOr is the refusal that ended a context, or else an error.
func refusalOr(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, nats.ErrPermissionViolation) {
		return cause
	}
	return err
}
