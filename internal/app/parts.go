package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"
)

// parts are the started parts of a process, stopped in reverse order.
type parts struct {
	log      *zap.Logger
	refusals refusals

	mu      sync.Mutex
	running []part
}

type part struct {
	name string
	stop func(context.Context) error
}

func (p *parts) add(name string, stop func(context.Context) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running = append(p.running, part{name: name, stop: stop})
}

// stop stops everything, the latest first. Each part gets what is left of the
// time; one that fails does not keep the others running.
func (p *parts) stop(ctx context.Context) error {
	p.mu.Lock()
	running := p.running
	p.running = nil
	p.mu.Unlock()
	var errs []error
	for i := len(running) - 1; i >= 0; i-- {
		began := time.Now()
		err := running[i].stop(ctx)
		if err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", running[i].name, err))
		}
		p.log.Debug("stopped", zap.String("part", running[i].name), zap.Duration("in", time.Since(began)), zap.Error(err))
	}
	return errors.Join(errs...)
}

// abandon stops everything after a start that failed.
func (p *parts) abandon(ctx context.Context, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopLimit)
	defer cancel()
	return errors.Join(cause, p.stop(ctx))
}

// stopLimit bounds a stop of everything.
const stopLimit = 4500 * time.Millisecond
