package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/rosterhq/roster/eventlog"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/models"
	"github.com/rosterhq/roster/projections"
	"github.com/rosterhq/roster/projections/runtime"
	"github.com/rosterhq/roster/projections/usage"
)

type projectorDeps struct {
	parts   *parts
	nats    *nats.Conn
	dsn     string
	prefix  string
	log     *eventlog.Log
	live    runtime.Live // nil: each model reads the log for itself
	keep    time.Duration
	metrics prometheus.Registerer
	failed  chan<- error
}

// runProjectors starts all projectors. The channel is closed when each works or
// stands by for another process.
func runProjectors(ctx context.Context, d projectorDeps) (<-chan struct{}, error) {
	c := d.config()
	c.Recorder, c.Metrics, c.Live = d.log, d.metrics, d.live
	c.Builds = &runtime.Builds{From: bulkFrom, Keep: d.keep}
	rt, err := runtime.New(c)
	if err != nil {
		return nil, fmt.Errorf("set up the projectors: %w", err)
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() {
		err := rt.Run(running)
		if err == nil && running.Err() == nil {
			err = errors.New("the projectors ended by themselves")
		}
		if err != nil && running.Err() == nil {
			d.failed <- err
		}
		ended <- err
	}()
	folded := foldUses(running, d)
	d.parts.add("projectors", func(ctx context.Context) error {
		stop()
		<-folded
		select {
		case err := <-ended:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	return rt.Ready(), nil
}

// bulkFrom is how many messages make it worth while to build a new read model in
// one go.
const bulkFrom = 20_000

// config is what every use of the projections needs.
func (d projectorDeps) config() runtime.Config {
	return runtime.Config{
		NATS: d.nats, DSN: d.dsn, Keys: d.log, Logger: d.parts.log.Named("projections"),
		StreamName:  func(s events.Stream) string { return eventlog.StreamName(d.prefix, s) },
		EventFilter: func(s events.Stream) string { return eventlog.EventFilter(d.prefix, s) },
		Projections: projections.All(),
	}
}

// lookAfterModels lets operators look after read models, whoever projects them.
func lookAfterModels(ctx context.Context, d projectorDeps) (*models.Admin, error) {
	admin, err := models.New(ctx, d.config(), d.log.Head)
	if err != nil {
		return nil, err
	}
	d.parts.add("care of the read models", func(context.Context) error {
		admin.Close()
		return nil
	})
	return admin, nil
}

// foldUses keeps what lists show of the last uses of keys. The channel is closed
// when it has ended.
func foldUses(ctx context.Context, d projectorDeps) <-chan struct{} {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		usage.Run(ctx, usage.Config{DSN: d.dsn, Log: d.log, Logger: d.parts.log.Named("usage")})
	}()
	return ended
}

// watchProjections looks at the projections from outside, whoever runs them.
func watchProjections(ctx context.Context, p *parts, dsn string, log *eventlog.Log, registry *prometheus.Registry) (*health, error) {
	monitor, err := runtime.NewMonitor(ctx, dsn, log.Head, projections.All())
	if err != nil {
		return nil, err
	}
	p.add("monitor of the projections", func(context.Context) error {
		monitor.Close()
		return nil
	})
	if err := registry.Register(monitor); err != nil {
		return nil, fmt.Errorf("register the metrics of the projections: %w", err)
	}
	return &health{status: monitor.Status, clock: time.Now}, nil
}
