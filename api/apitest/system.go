package apitest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/rosterhq/roster/api"
	"github.com/rosterhq/roster/api/crowd"
	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/eventlog"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/mail"
	"github.com/rosterhq/roster/internal/models"
	"github.com/rosterhq/roster/internal/testenv"
	"github.com/rosterhq/roster/projections"
	"github.com/rosterhq/roster/projections/runtime"
	"github.com/rosterhq/roster/projections/usage"
	"github.com/rosterhq/roster/query"
	"github.com/rosterhq/roster/query/live"
	"github.com/rosterhq/roster/signin"
)

// System is a running Roster.
type System struct {
	t        testing.TB
	URL      string
	Handler  http.Handler
	Log      *eventlog.Log
	DSN      string // of the read models
	Commands *commands.Service
	Queries  *query.Queries
	client   *http.Client
	contract *contract

	stopProjections func()
	models          *models.Admin
}

// Option changes how a System is made.
type Option func(*settings)

type settings struct {
	api      api.Config
	commands commands.Config
	log      func(commands.Log) commands.Log
}

// WithABFHourlyLimit bounds what one user may ask of ABF's dialect in an hour.
func WithABFHourlyLimit(n int) Option {
	return func(s *settings) { s.api.Settings.ABFHourlyLimit = n }
}

// WithRateLimits switches the rate limits on.
func WithRateLimits() Option { return func(s *settings) { s.api.RateLimits = true } }

// WithCallsPerMinute switches the rate limits on, with another one than usual for
// the calls of one endpoint.
func WithCallsPerMinute(n int) Option {
	return func(s *settings) { s.api.RateLimits, s.api.CallsPerMinute = true, n }
}

// WithClock gives the HTTP side (expiry of sessions, statistics, limits) a clock.
func WithClock(clock func() time.Time) Option { return func(s *settings) { s.api.Clock = clock } }

// WithOneClock gives everything that decides by time the same clock, the commands
// included.
func WithOneClock(clock func() time.Time) Option {
	return func(s *settings) { s.api.Clock, s.commands.Clock = clock, clock }
}

// WithSettings changes the operator's choices that dialects know.
func WithSettings(change func(*gate.Settings)) Option {
	return func(s *settings) { change(&s.api.Settings) }
}

// WithCommands changes how the write side is made.
func WithCommands(change func(*commands.Config)) Option {
	return func(s *settings) { change(&s.commands) }
}

// WithLog puts something between the commands and the log, such as its failures.
func WithLog(wrap func(commands.Log) commands.Log) Option {
	return func(s *settings) { s.log = wrap }
}

// WithReady answers /readyz.
func WithReady(ready func(context.Context) error) Option {
	return func(s *settings) { s.api.Ready = ready }
}

// WithStreams sets the limits of live streams.
func WithStreams(c live.Config) Option { return func(s *settings) { s.api.Streams = c } }

// WithLogger takes the log of the HTTP side.
func WithLogger(l *zap.Logger) Option { return func(s *settings) { s.api.Logger = l } }

// WithSignIn lets people sign in by providers of identities.
func WithSignIn(p signin.Providers) Option { return func(s *settings) { s.api.SignIn = p } }

// WithMail takes the mail that is sent.
func WithMail(m mail.Mailer) Option { return func(s *settings) { s.api.Mail = m } }

// WithCrowd bounds what is asked at once.
func WithCrowd(c *crowd.Crowd) Option { return func(s *settings) { s.api.Crowd = c } }

// WithDialects switches dialects on by name.
func WithDialects(names ...string) Option { return func(s *settings) { s.api.Dialects = names } }

// WithOrigins lets pages of other origins call with a token of their own.
func WithOrigins(origins ...string) Option {
	return func(s *settings) { s.api.CORSOrigins = origins }
}

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
	hidden := newSecrets(tb)
	set.api.Logger = hidden.over(set.api.Logger)
	s := &System{t: tb}
	s.startBack(set)
	set.api.Commands, set.api.Queries, set.api.TokenSecret = s.Commands, s.Queries, s.Log.Secret("tokens")
	set.api.Copies, set.api.Models = s.Log, s.models
	handler, err := api.New(set.api)
	require.NoError(tb, err)
	s.Handler = handler
	server := httptest.NewServer(handler)
	tb.Cleanup(server.Close)
	tb.Cleanup(func() { s.closeStreams(handler) })
	s.URL = server.URL
	hidden.next = &http.Transport{MaxIdleConnsPerHost: 64}
	s.client = &http.Client{
		Transport:     hidden,
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
func (s *System) startBack(set settings) {
	t, logger := s.t, set.api.Logger
	t.Helper()
	ctx := context.Background()
	nc := testenv.NATS(t)
	dsn := testenv.PreparedPostgres(t, func(dsn string) error { return runtime.Migrate(ctx, dsn, projections.All()) })
	log, err := eventlog.Open(ctx, nc, eventlog.Options{Replicas: 1, MasterKey: testenv.MasterKey(), Logger: logger})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, log.Close(context.Background())) })
	s.Log, s.DSN = log, dsn
	set.commands.Log, set.commands.Logger, set.commands.PasswordParams = log, logger, cheapHashes
	if set.log != nil {
		set.commands.Log = set.log(log)
	}
	s.Commands, err = commands.NewService(ctx, set.commands)
	require.NoError(t, err)
	projected := runtime.Config{
		NATS: nc, DSN: dsn, StreamName: func(stream events.Stream) string { return eventlog.StreamName("", stream) },
		Keys: log, Recorder: log, Logger: logger, Projections: projections.All(), Builds: &runtime.Builds{Keep: time.Hour},
	}
	s.stopProjections = project(t, projected)
	s.models, err = models.New(ctx, projected, log.Head)
	require.NoError(t, err)
	t.Cleanup(s.models.Close)
	foldUses(t, usage.Config{DSN: dsn, Log: log, Logger: logger})
	s.Queries, err = query.Open(ctx, query.Config{DSN: dsn, Logger: logger, Log: log, Uses: log, Events: log})
	require.NoError(t, err)
	t.Cleanup(s.Queries.Close)
}

func foldUses(tb testing.TB, c usage.Config) {
	tb.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		usage.Run(ctx, c)
	}()
	tb.Cleanup(func() {
		stop()
		<-ended
	})
}

// project builds the read models until the test ends, or until it is told to stop.
func project(tb testing.TB, c runtime.Config) (stop func()) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	rt, err := runtime.New(c)
	require.NoError(tb, err)
	ended := make(chan error, 1)
	go func() { ended <- rt.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(tb, <-ended)
	})
	tb.Cleanup(stop)
	<-rt.Ready()
	return stop
}

// StopProjections lets the read models fall behind the log.
func (s *System) StopProjections() { s.stopProjections() }
