package apitest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/rosterhq/roster/api"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/eventlog"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/testenv"
	"github.com/rosterhq/roster/projections"
	"github.com/rosterhq/roster/projections/runtime"
	"github.com/rosterhq/roster/query"
	"github.com/rosterhq/roster/query/live"
)

// System is a running Roster.
type System struct {
	t        testing.TB
	URL      string
	Handler  http.Handler
	Log      *eventlog.Log
	Commands *commands.Service
	Queries  *query.Queries
	client   *http.Client
	contract *contract
}

// Option changes how a System is made.
type Option func(*settings)

type settings struct {
	api api.Config
}

// WithRateLimits switches the rate limits on.
func WithRateLimits() Option { return func(s *settings) { s.api.RateLimits = true } }

// WithClock gives the HTTP side (expiry of sessions, statistics, limits) a clock.
func WithClock(clock func() time.Time) Option { return func(s *settings) { s.api.Clock = clock } }

// WithReady answers /readyz.
func WithReady(ready func(context.Context) error) Option {
	return func(s *settings) { s.api.Ready = ready }
}

// WithStreams sets the limits of live streams.
func WithStreams(c live.Config) Option { return func(s *settings) { s.api.Streams = c } }

// WithLogger takes the log of the HTTP side.
func WithLogger(l *zap.Logger) Option { return func(s *settings) { s.api.Logger = l } }

// WithDialects switches dialects on by name.
func WithDialects(names ...string) Option { return func(s *settings) { s.api.Dialects = names } }

// cheapHashes keep tests of logins fast; the parameters travel with each hash.
var cheapHashes = commands.PasswordParams{MemoryKiB: 64, Iterations: 1, Parallelism: 1}

// New starts a system that ends with the test.
func New(tb testing.TB, options ...Option) *System {
	tb.Helper()
	registry := prometheus.NewRegistry()
	set := settings{api: api.Config{
		Logger: zap.NewNop(), Registry: registry, Metrics: promhttp.HandlerFor(registry, promhttp.HandlerOpts{}),
	}}
	for _, o := range options {
		o(&set)
	}
	s := &System{t: tb}
	s.startBack(set.api.Logger)
	set.api.Commands, set.api.Queries = s.Commands, s.Queries
	handler, err := api.New(set.api)
	require.NoError(tb, err)
	s.Handler = handler
	server := httptest.NewServer(handler)
	tb.Cleanup(server.Close)
	tb.Cleanup(func() { s.closeStreams(handler) })
	s.URL = server.URL
	s.client = &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 64},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	tb.Cleanup(s.client.CloseIdleConnections)
	s.contract = newContract(tb, s)
	return s
}

// streamsPatience is how long streams may take to end with the system.
const streamsPatience = 5 * time.Second

func (s *System) closeStreams(handler *api.Handler) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), streamsPatience)
	defer cancel()
	require.NoError(s.t, handler.Close(ctx))
}

// startBack starts what lies behind HTTP.
func (s *System) startBack(logger *zap.Logger) {
	t := s.t
	t.Helper()
	ctx := context.Background()
	nc, dsn := testenv.NATS(t), testenv.Postgres(t)
	log, err := eventlog.Open(ctx, nc, eventlog.Options{Replicas: 1, MasterKey: testenv.MasterKey(), Logger: logger})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, log.Close(context.Background())) })
	s.Log = log
	s.Commands, err = commands.NewService(ctx, commands.Config{Log: log, Logger: logger, PasswordParams: cheapHashes})
	require.NoError(t, err)
	project(t, runtime.Config{
		NATS: nc, DSN: dsn, StreamName: func(stream events.Stream) string { return eventlog.StreamName("", stream) },
		Keys: log, Recorder: log, Logger: logger, Projections: projections.All(),
	})
	s.Queries, err = query.Open(ctx, query.Config{DSN: dsn, Logger: logger, Log: log})
	require.NoError(t, err)
	t.Cleanup(s.Queries.Close)
}

func project(tb testing.TB, c runtime.Config) {
	tb.Helper()
	ctx, stop := context.WithCancel(context.Background())
	require.NoError(tb, runtime.Migrate(ctx, c.DSN, c.Projections))
	rt, err := runtime.New(c)
	require.NoError(tb, err)
	ended := make(chan error, 1)
	go func() { ended <- rt.Run(ctx) }()
	tb.Cleanup(func() {
		stop()
		require.NoError(tb, <-ended)
	})
	<-rt.Ready()
}
