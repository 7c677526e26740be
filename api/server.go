package api

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/rosterhq/roster/api/abf"
	"github.com/rosterhq/roster/api/bearer"
	"github.com/rosterhq/roster/api/coder"
	"github.com/rosterhq/roster/api/codimir"
	"github.com/rosterhq/roster/api/crowd"
	"github.com/rosterhq/roster/api/gate"
	livepage "github.com/rosterhq/roster/api/live"
	"github.com/rosterhq/roster/api/pm415"
	"github.com/rosterhq/roster/api/runwhen"
	v1 "github.com/rosterhq/roster/api/v1"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/internal/mail"
	"github.com/rosterhq/roster/query"
	"github.com/rosterhq/roster/query/live"
	"github.com/rosterhq/roster/signin"
)

// Config is what the surface is made of.
type Config struct {
	Commands *commands.Service
	Queries  *query.Queries
	Logger   *zap.Logger
	Clock    func() time.Time // nil means time.Now

	// Dialects are the foreign dialects that are switched on; none means all.
	// The own API is always on.
	Dialects   []string
	RateLimits bool
	// Crowd bounds what is asked at once; nil means one with the usual limits.
	Crowd *crowd.Crowd
	// CallsPerMinute bounds what a user may ask of one endpoint of Coder's API; 0
	// means gate.DefaultCallsPerMinute.
	CallsPerMinute int
	// Settings are what dialects must know of the operator's choices.
	Settings gate.Settings
	// SignIn has the providers of identities by whom users sign in.
	SignIn signin.Providers
	// Mail sends the few messages that people get; nil: none is sent.
	Mail mail.Mailer

	// TokenSecret is what keys of signed tokens are derived from, the same in every
	// process of an installation; nil means that no tokens are signed.
	TokenSecret []byte

	// TrustedProxies are the networks of proxies whose word about the client counts.
	TrustedProxies []netip.Prefix
	// CORSOrigins are the origins whose pages may call with a token of their own.
	CORSOrigins []string

	// Copies is what copies of the log are made from.
	Copies gate.Copies
	// Models lets operators look after read models.
	Models gate.Models
	// MasterKey changes the master key that the process keeps; nil where it is a setting.
	MasterKey gate.MasterKey

	// Ready says why this process should get no requests, nil when it should.
	// Its text is shown to whoever asks /readyz.
	Ready func(ctx context.Context) error
	// Streams has the limits of live streams; the rest of it is filled in.
	Streams live.Config
	// Metrics answers /metrics; nil leaves the path out.
	Metrics http.Handler
	// Registry takes the metrics of requests; nil means that nobody sees them.
	Registry prometheus.Registerer
}

// Names of the foreign dialects there are.
const (
	codimirName = "codimir"
	coderName   = "coder"
	abfName     = "abf"
	runwhenName = "runwhen"
	pm415Name   = "pm415"
)

// Dialects lists the foreign dialects there are.
func Dialects() []string { return []string{codimirName, coderName, abfName, runwhenName, pm415Name} }

// Handler is the whole surface.
type Handler struct {
	http.Handler
	streams hubs
	closing context.CancelFunc
}

// Close ends the live streams with the word that this process ends, and waits
// for them, or for ctx. New ones are refused from then on. Call it before the
// server's Shutdown, which waits for some of them and forgets the others.
func (h *Handler) Close(ctx context.Context) error {
	h.closing()
	return h.streams.close(ctx)
}

// New makes the handler of the whole surface.
func New(c Config) (*Handler, error) {
	c = c.withDefaults()
	streams, err := newStreams(c)
	if err != nil {
		return nil, err
	}
	watch, err := newVouchers(c.SignIn, c.Commands, c.Clock)
	if err != nil {
		return nil, err
	}
	if c.Settings.SignIn == (gate.SignIn{}) {
		c.Settings.SignIn = signInOf(c.SignIn)
	}
	tokens, err := c.signer()
	if err != nil {
		return nil, err
	}
	door := gate.New(gate.Config{
		Reads: c.Queries, Clock: c.Clock, RateLimits: c.RateLimits, CallsPerMinute: c.CallsPerMinute,
		Usages: c.Commands, Waker: c.Commands, Providers: watch, Tokens: tokens, Readables: c.Commands, FixedLives: c.Settings.FixedLives,
	})
	basic, err := gate.NewBasic(door, c.Commands)
	if err != nil {
		return nil, fmt.Errorf("make the door for HTTP Basic: %w", err)
	}
	closing, closed := context.WithCancel(context.Background())
	made := &Handler{streams: streams, closing: closed}
	deps := gate.Deps{
		Commands: c.Commands, Queries: c.Queries, Logger: c.Logger, Clock: c.Clock, Gate: door, Basic: basic, Tokens: tokens,
		Settings: c.Settings, Streams: streams.own, Closing: closing, SignIn: c.SignIn, Mail: c.Mail, Copies: c.Copies,
		Models: c.Models, Master: c.MasterKey,
	}
	dialects, err := switchedOn(c.Dialects, deps, streams)
	if err != nil {
		return nil, err
	}
	measure, err := newMeter(c.Registry)
	if err != nil {
		return nil, err
	}
	if c.Registry != nil {
		if err := c.Crowd.Register(c.Registry); err != nil {
			return nil, err
		}
	}
	s := &surface{dialects: dialects, logger: c.Logger, meter: measure, clock: c.Clock, crowd: c.Crowd}
	made.Handler = s.handler(c)
	return made, nil
}

// signer makes what signs tokens; nil without a secret.
func (c Config) signer() (*bearer.Signer, error) {
	if c.TokenSecret == nil {
		return nil, nil
	}
	return bearer.New(c.TokenSecret, c.Clock)
}

func (c Config) withDefaults() Config {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}
	if c.Crowd == nil {
		c.Crowd = crowd.New(crowd.Limits{}, c.Clock)
	}
	if c.Ready == nil {
		c.Ready = func(context.Context) error { return nil }
	}
	return c
}

// switchedOn makes the dialects by name, the own API included.
func switchedOn(names []string, deps gate.Deps, streams hubs) (map[string]gate.Dialect, error) {
	forRunWhen := deps.For(runwhenName)
	forRunWhen.Streams = streams.runwhen
	known := []gate.Dialect{
		codimir.New(deps.For(codimirName)), coder.New(deps.For(coderName)), abf.New(deps.For(abfName)), runwhen.New(forRunWhen),
		pm415.New(deps.For(pm415Name)),
	}
	on := map[string]gate.Dialect{v1.Name: v1.New(deps.For(v1.Name))}
	for _, d := range known {
		if len(names) == 0 || slices.Contains(names, d.Name()) {
			on[d.Name()] = d
		}
	}
	for _, name := range names {
		if _, ok := on[name]; !ok {
			return nil, fmt.Errorf("dialect %q is not known: want some of %s", name, strings.Join(Dialects(), ", "))
		}
	}
	return on, nil
}

// surface is all dialects behind one router.
type surface struct {
	dialects map[string]gate.Dialect
	logger   *zap.Logger
	meter    *meter
	clock    func() time.Time
	crowd    *crowd.Crowd
}

// handler gives each dialect a router of its own, so that a request is compared
// with the routes of one dialect alone: each comparison costs, and there are many.
func (s *surface) handler(c Config) http.Handler {
	routers := make(map[string]*mux.Router, len(s.dialects))
	for _, name := range s.names() {
		routers[name] = s.router(s.dialects[name].Register)
	}
	own := routers[v1.Name]
	registerHealth(own, c.Ready, s.crowd.Busy)
	if c.Metrics != nil {
		own.Handle("/metrics", c.Metrics).Methods(http.MethodGet)
	}
	s.registerDocs(own)
	livepage.Register(own)
	byOwner := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if router, on := routers[owner(r.URL.Path)]; on {
			router.ServeHTTP(w, r)
			return
		}
		s.notFound(w, r)
	})
	return behindProxies(c.TrustedProxies, s.observe(s.admit(callsOfPages(c.CORSOrigins, s.checkHeaders(c.Settings.ReadHostCookies(headAsGet(byOwner)))))))
}

func (s *surface) router(register func(*mux.Router)) *mux.Router {
	router := mux.NewRouter().SkipClean(true) // a path is what the client wrote, not what it could mean
	router.Use(noteRoute)
	register(router)
	router.NotFoundHandler = http.HandlerFunc(s.notFound)
	router.MethodNotAllowedHandler = s.methodNotAllowed(router)
	return router
}

// names lists the dialects in a fixed order.
func (s *surface) names() []string {
	names := make([]string, 0, len(s.dialects))
	for name := range s.dialects {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// headAsGet lets every GET answer HEAD: the server leaves the body out.
func headAsGet(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			r = gate.AsGet(r)
		}
		next.ServeHTTP(w, r)
	})
}
