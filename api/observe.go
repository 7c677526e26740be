package api

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gorilla/mux"
	"go.uber.org/zap"

	"github.com/rosterhq/roster/api/crowd"
	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/query"
)

// observation is what is learnt of a request on its way.
type observation struct{ route string }

type observationKey struct{}

// noteRoute tells the observation which route matched.
func noteRoute(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if o, ok := r.Context().Value(observationKey{}).(*observation); ok {
			if template, err := mux.CurrentRoute(r).GetPathTemplate(); err == nil {
				o.route = template
			}
		}
		next.ServeHTTP(w, r)
	})
}

// observe names, guards, measures and logs every request.
func (s *surface) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := s.clock()
		id := gate.NewRequestID(r)
		header := w.Header()
		header.Set(gate.RequestIDHeader, id)
		secure(header, r)

		o := &observation{route: "none"}
		ctx, stale := query.WithStaleness(gate.WithRequestID(r.Context(), id))
		r = r.WithContext(context.WithValue(ctx, observationKey{}, o))
		seen := &writer{ResponseWriter: w, stale: stale}
		done := s.meter.begin()
		defer func() {
			took := s.clock().Sub(start)
			done(o.route, r.Method, seen.status, took)
			s.log(r, o, seen, id, took)
		}()
		defer s.recover(seen, r, id)
		next.ServeHTTP(seen, r)
		if seen.status == 0 { // a handler that wrote nothing answered 200
			seen.WriteHeader(http.StatusOK)
		}
	})
}

// recover keeps a panic from the client: an answer in the dialect's form where
// nothing was written yet, a broken connection else.
func (s *surface) recover(w *writer, r *http.Request, id string) {
	cause := recover()
	if cause == nil {
		return
	}
	if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(http.ErrAbortHandler)
	}
	s.logger.Error("handler panicked", zap.String("request_id", id), zap.Any("panic", cause), zap.ByteString("stack", debug.Stack()))
	if w.status != 0 {
		panic(http.ErrAbortHandler)
	}
	s.refuse(w, r, gate.Refusal{
		Status: http.StatusInternalServerError, Code: "internal",
		Message: "something went wrong; the request id tells us where to look",
	})
}

func (s *surface) log(r *http.Request, o *observation, w *writer, id string, took time.Duration) {
	level := zap.InfoLevel
	if o.route == "/healthz" || o.route == "/readyz" || o.route == "/metrics" {
		level = zap.DebugLevel
	}
	entry := s.logger.Check(level, "request")
	if entry == nil {
		return
	}
	entry.Write(
		zap.String("request_id", id), zap.String("method", known(r.Method)), zap.String("path", redact(r.URL.Path)),
		zap.String("route", o.route), zap.Int("status", w.status), zap.Int64("bytes", w.bytes),
		zap.Duration("took", took), zap.String("address", gate.ClientAddress(r)),
	)
}

// token is the form of session tokens and keys, wherever someone put one.
var token = regexp.MustCompile(`[0-9A-Za-z]{10}-[0-9A-Za-z]{22}`)

const maxLoggedPath = 256

// redact makes a path fit for the log.
func redact(path string) string {
	if len(path) > maxLoggedPath {
		path = path[:maxLoggedPath]
	}
	if strings.Contains(path, "-") {
		path = token.ReplaceAllString(path, "<redacted>")
	}
	return strings.ToValidUTF8(path, "\uFFFD")
}

// writer remembers what was answered, and adds Roster-Stale.
type writer struct {
	http.ResponseWriter
	stale  func() uint64
	place  *crowd.Place // nil for what needs none
	status int
	bytes  int64
}

// WriteHeader implements http.ResponseWriter.
func (w *writer) WriteHeader(status int) {
	if status >= http.StatusOK && w.status == 0 {
		w.status = status
		if behind := w.stale(); behind > 0 {
			w.Header().Set(gate.StaleHeader, formatUint(behind))
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *writer) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	w.place.Writing(w.bytes + int64(len(p)))
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err //nolint:wrapcheck // this is a writer
}

// Hijack implements http.Hijacker: who takes the connection answers 200 on it.
func (w *writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.status = http.StatusOK
		w.place.Hijacked()
	}
	return conn, buffered, err //nolint:wrapcheck // this is a writer
}

// Unwrap lets http.ResponseController find deadlines and flushing.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }
