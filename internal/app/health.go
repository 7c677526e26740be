package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rosterhq/roster/projections/runtime"
)

// Beyond these a process is not ready: its reads would be too old to serve.
const (
	maxLag    = 10_000 // messages
	maxParked = 100    // events of one projection
)

const (
	healthAge   = 500 * time.Millisecond // for which an answer holds, so that many askers cost one look
	healthLimit = 2 * time.Second
)

// health says whether this process can serve: broker and database answer, and
// no projection is far behind.
type health struct {
	status func(context.Context) ([]runtime.ProjectionStatus, error)
	clock  func() time.Time

	mu   sync.Mutex
	at   time.Time
	last error
}

// check returns nil when ready; the error says why not.
func (h *health) check(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.clock()
	if !h.at.IsZero() && now.Sub(h.at) < healthAge {
		return h.last
	}
	// The answer is everybody's: one asker who leaves must not spoil it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), healthLimit)
	defer cancel()
	h.last = h.look(ctx)
	h.at = h.clock()
	return h.last
}

func (h *health) look(ctx context.Context) error {
	all, err := h.status(ctx)
	if err != nil {
		return fmt.Errorf("broker or database can not be asked: %w", err)
	}
	var errs []error
	for _, s := range all {
		name := fmt.Sprintf("projection %s_v%d", s.Name, s.Version)
		if s.Stopped != "" {
			errs = append(errs, fmt.Errorf("%s is stopped: %s", name, s.Stopped))
		}
		if s.Lag > maxLag {
			errs = append(errs, fmt.Errorf("%s is %d messages behind (limit %d)", name, s.Lag, maxLag))
		}
		if s.Parked > maxParked {
			errs = append(errs, fmt.Errorf("%s has parked %d events (limit %d)", name, s.Parked, maxParked))
		}
	}
	return errors.Join(errs...)
}
