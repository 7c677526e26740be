package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log" //nolint:depguard // net/http wants one; zap is behind it
	"net"
	"net/http"
	"net/http/pprof"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/rosterhq/roster/api/crowd"
)

const (
	headerTimeout = 5 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 64 << 10
	drainLimit    = 2500 * time.Millisecond // for requests that run when a stop begins
)

// listen takes an address early: a busy port is found before anything is
// started for nothing.
func listen(ctx context.Context, setting, addr string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("another program listens on %s: stop it, or choose another address with %s", addr, setting)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s, as %s says: %w", addr, setting, err)
	}
	return l, nil
}

// serve serves plain HTTP to few on a listener until the part is stopped.
func serve(ctx context.Context, p *parts, name string, l net.Listener, handler http.Handler) {
	front{handler: handler}.serve(ctx, p, name, l)
}

// front is what clients reach.
type front struct {
	handler http.Handler
	secured *tls.Config  // nil: plain HTTP
	guests  *crowd.Crowd // nil: connections are not bounded
}

// serve serves on a listener until the part is stopped. A body may take as long as
// it needs (imports stream); handlers set deadlines of their own.
func (f front) serve(ctx context.Context, p *parts, name string, l net.Listener) {
	base, cut := context.WithCancel(context.WithoutCancel(ctx))
	server := &http.Server{
		Handler:           f.handler,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		BaseContext:       func(net.Listener) context.Context { return base },
		ErrorLog:          stdLog(p.log),
		TLSConfig:         f.secured,
	}
	if f.guests != nil {
		l = f.guests.Listener(l)
		server.ConnContext = f.guests.Context
	}
	serve := func() error { return server.Serve(l) }
	if f.secured != nil {
		serve = func() error { return server.ServeTLS(l, "", "") }
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := serve(); !errors.Is(err, http.ErrServerClosed) {
			p.log.Error("HTTP stopped serving", zap.String("server", name), zap.Error(err))
		}
	}()
	p.add(name, func(ctx context.Context) error {
		defer func() { <-ended }()
		defer cut()
		ctx, cancel := context.WithTimeout(ctx, drainLimit)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			p.log.Warn("requests did not end in time and are cut off", zap.String("server", name), zap.Error(err))
			cut()
			return server.Close()
		}
		return nil
	})
}

// stdLog receives what net/http says by itself: panics, and clients that broke
// off.
func stdLog(logger *zap.Logger) *log.Logger {
	std, err := zap.NewStdLogAt(logger.Named("http"), zap.WarnLevel)
	if err != nil {
		return zap.NewStdLog(logger)
	}
	return std
}

// profiles serves pprof, without the global mux.
func profiles() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

// serveProfiles serves pprof on a loopback address, if there is one.
func serveProfiles(ctx context.Context, p *parts, addr string) error {
	if addr == "" {
		return nil
	}
	l, err := listen(ctx, "ROSTER_DEBUG_ADDR", addr)
	if err != nil {
		return err
	}
	serve(ctx, p, "profiles", l, profiles())
	return nil
}
