package app

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/rosterhq/roster/internal/config"
	"github.com/rosterhq/roster/internal/telemetry"
	"github.com/rosterhq/roster/query"
)

// Projector is a running cmd/projector.
type Projector struct {
	parts    *parts
	registry *prometheus.Registry
	health   *health
	listener net.Listener // nil without an address
	failed   chan error
}

// StartProjector starts all projectors and returns when each works or stands by
// for another process.
func StartProjector(ctx context.Context, c config.Projector, logger *zap.Logger) (*Projector, error) {
	p := &Projector{parts: &parts{log: logger}, registry: telemetry.NewRegistry(), failed: make(chan error, 1)}
	guarded, release, explain := p.parts.refusals.guard(ctx)
	defer release()
	if err := p.start(guarded, c); err != nil {
		return nil, p.parts.abandon(ctx, explain(err))
	}
	return p, nil
}

// URL is where health and metrics are served, "" when they are not.
func (p *Projector) URL() string {
	if p.listener == nil {
		return ""
	}
	return "http://" + p.listener.Addr().String()
}

// Failed delivers why the process can not go on.
func (p *Projector) Failed() <-chan error { return p.failed }

// Stop stops everything.
func (p *Projector) Stop(ctx context.Context) error { return p.parts.stop(ctx) }

func (p *Projector) start(ctx context.Context, c config.Projector) error {
	if err := checkDatabaseURL(c.DatabaseURL); err != nil {
		return err
	}
	if c.HTTPAddr != "" {
		var err error
		if p.listener, err = listen(ctx, "ROSTER_HTTP_ADDR", c.HTTPAddr); err != nil {
			return err
		}
		p.parts.add("HTTP address", func(context.Context) error {
			_ = p.listener.Close() // the server has closed it already, if it came to that
			return nil
		})
	}
	if err := serveProfiles(ctx, p.parts, c.DebugAddr); err != nil {
		return err
	}
	if err := reachDatabase(ctx, c.DatabaseURL); err != nil {
		return err
	}
	if err := migrateDatabase(ctx, c.DatabaseURL, p.parts.log); err != nil {
		return err
	}
	settled, err := p.project(ctx, c)
	if err != nil {
		return err
	}
	if p.listener != nil {
		serve(ctx, p.parts, "HTTP", p.listener, p.handler())
	}
	return await(ctx, settled)
}

func (p *Projector) project(ctx context.Context, c config.Projector) (<-chan struct{}, error) {
	nc, err := connectBroker(p.parts, c.NATSURL)
	if err != nil {
		return nil, err
	}
	log, err := followLog(ctx, p.parts, c.Shared, nc, configuredKeys(c.Shared))
	if err != nil {
		return nil, err
	}
	if p.health, err = watchProjections(ctx, p.parts, c.DatabaseURL, log, p.registry); err != nil {
		return nil, err
	}
	tail, err := query.OpenTail(ctx, log, p.parts.log.Named("tail"))
	if err != nil {
		return nil, fmt.Errorf("follow the log: %w", err)
	}
	p.parts.add("tail", func(context.Context) error {
		tail.Close()
		return nil
	})
	endWithLog(ctx, p.parts, tail, p.failed)
	forgetErased(tail, log)
	return runProjectors(ctx, projectorDeps{
		parts: p.parts, nats: nc, dsn: c.DatabaseURL, prefix: c.NATSPrefix, log: log, live: tail, keep: c.KeepModels,
		metrics: p.registry, failed: p.failed,
	})
}

// handler serves what supervisors ask. A projector that catches up does its
// work, so only what a restart could cure, or a person must, makes it not ready.
func (p *Projector) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := p.health.check(r.Context()); err != nil {
			answer(w, http.StatusServiceUnavailable, err.Error())
			return
		}
		answer(w, http.StatusOK, "ready")
	})
	mux.Handle("GET /metrics", telemetry.Handler(p.registry))
	return http.TimeoutHandler(mux, 10*time.Second, "timed out")
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, text)
}
