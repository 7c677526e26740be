package app

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
)

// errRefused says that the permissions of NATS do not allow what Roster must do.
var errRefused = errors.New("NATS refuses what this process must do")

// refusals are what NATS refused. It answers nothing to a question that it refuses:
// who asked would wait, and then know of a time-out alone.
type refusals struct {
	mu     sync.Mutex
	giveUp context.CancelCauseFunc // nil while nothing starts
}

// guard ends a context with the first refusal until release is called; explain puts
// the refusal in the place of the error that came of it.
func (r *refusals) guard(ctx context.Context) (guarded context.Context, release func(), explain func(error) error) {
	guarded, cancel := context.WithCancelCause(ctx)
	r.mu.Lock()
	r.giveUp = cancel
	r.mu.Unlock()
	release = func() {
		r.mu.Lock()
		r.giveUp = nil
		r.mu.Unlock()
	}
	explain = func(err error) error {
		if cause := context.Cause(guarded); err != nil && errors.Is(cause, errRefused) {
			return cause
		}
		return err
	}
	return guarded, release, explain
}

// handle is the connection's handler of errors.
func (r *refusals) handle(log *zap.Logger) nats.ErrHandler {
	return func(nc *nats.Conn, _ *nats.Subscription, err error) {
		if !errors.Is(err, nats.ErrPermissionViolation) {
			log.Warn("NATS", zap.Error(err))
			return
		}
		log.Error("NATS refuses what this process must do: look at the permissions of its user", zap.Error(err))
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.giveUp != nil {
			r.giveUp(fmt.Errorf("%w: %w. Look at the permissions of its user (ROSTER_NATS_URL; deploy/nats/accounts.conf has them all)", errRefused, err))
		}
	}
}
