package runtime

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/components/cqrs"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/rosterhq/roster/events"
)

// Recorder appends activities to the log, each at most once for ever by its
// source and source id.
type Recorder interface {
	Record(ctx context.Context, drafts []events.Draft) ([]events.Recording, error)
}

// Config says what a Runtime works with.
type Config struct {
	NATS       *nats.Conn
	DSN        string // of PostgreSQL
	StreamName func(events.Stream) string
	// EventFilter returns the subjects of a stream under which events lie; nil,
	// or "", for all. What lies elsewhere is not even asked for, and moves a
	// checkpoint only once the stream is quiet.
	EventFilter func(events.Stream) string
	Keys        Keyring
	Recorder    Recorder // nil when no projection records activities
	Logger      *zap.Logger
	Projections []Projection
	// Live is what workers read from when they are at the end of the log; nil: each
	// reads for itself.
	Live Live
	// Metrics takes the workers' counters; nil for none.
	Metrics prometheus.Registerer
	// Release names the build in what is parked; default: from the build.
	Release string
	// Builds says how read models are built beside the serving ones. Nil: this
	// process does not build any.
	Builds *Builds
}

// Runtime projects. It is used for one Run.
type Runtime struct {
	router  *message.Router
	workers []*worker
	feeds   map[events.Stream]*feed
	builder *builder // nil for none
	// comparer works where there is a builder.
	comparer *comparer
	ready    chan struct{}
}

// closeWait is how long the router waits for handlers at the end.
const closeWait = 3 * time.Second

// New prepares a runtime. Nothing is connected before Run.
func New(c Config) (*Runtime, error) {
	c = c.withDefaults()
	js, err := jetstream.New(c.NATS)
	if err != nil {
		return nil, fmt.Errorf("projection runtime: %w", err)
	}
	logger := newLogger(c.Logger)
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: closeWait}, logger)
	if err != nil {
		return nil, fmt.Errorf("projection runtime: %w", err)
	}
	router.AddMiddleware(noteFailure)
	catalogue := events.Released()
	rt := &Runtime{router: router, feeds: map[events.Stream]*feed{}, ready: make(chan struct{})}
	if c.Builds != nil {
		if rt.builder, err = newBuilder(c, js); err != nil {
			return nil, err
		}
		if rt.comparer, err = newComparer(c); err != nil {
			return nil, err
		}
	}
	m := newMetrics(c.Metrics)
	for _, p := range c.Projections {
		w, err := newWorker(c, p, js, catalogue, m)
		if err != nil {
			return nil, err
		}
		if w.feed = rt.feeds[p.Stream]; w.feed == nil && c.Live != nil {
			w.feed = newFeed(c.Live, p.Stream, catalogue)
			rt.feeds[p.Stream] = w.feed
		}
		w.builds = c.Builds
		if err := rt.add(w, logger); err != nil {
			return nil, err
		}
	}
	return rt, nil
}

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}
	if c.Release == "" {
		c.Release = buildRelease()
	}
	return c
}

func newWorker(c Config, p Projection, js jetstream.JetStream, catalogue *events.Catalogue, m *counters) (*worker, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	dsn, err := connection(c.DSN, p)
	if err != nil {
		return nil, err
	}
	for _, h := range p.Handlers {
		if h.Type() == everyType {
			continue
		}
		if current, known := catalogue.Current(h.Type()); !known || current != h.Type() {
			return nil, fmt.Errorf("projection %s: %s is not a newest type of the catalogue", p.Name, h.Type())
		}
	}
	return &worker{
		projection: p,
		source:     c.source(js, catalogue, p.Stream),
		keys:       c.Keys, recorder: c.Recorder, catalogue: catalogue, handled: newSwitchboard(p.Handlers),
		dsn: dsn, release: c.Release, metrics: m.of(p.Schema()),
		log:     c.Logger.With(zap.String("projection", p.Schema())),
		state:   WorkerState{Projection: p.Schema(), State: Starting},
		settled: make(chan struct{}),
	}, nil
}

func (c *Config) source(js jetstream.JetStream, catalogue *events.Catalogue, stream events.Stream) source {
	s := source{js: js, catalogue: catalogue, stream: c.StreamName(stream)}
	if c.EventFilter != nil {
		s.filter = c.EventFilter(stream)
	}
	return s
}

// add gives a worker's subscriber to the router, as an event group of its own.
func (rt *Runtime) add(w *worker, logger *logger) error {
	processor, err := cqrs.NewEventGroupProcessorWithConfig(rt.router, cqrs.EventGroupProcessorConfig{
		GenerateSubscribeTopic: func(cqrs.EventGroupProcessorGenerateSubscribeTopicParams) (string, error) {
			return w.source.stream, nil
		},
		SubscriberConstructor: func(cqrs.EventGroupProcessorSubscriberConstructorParams) (message.Subscriber, error) {
			return newSubscriber(w), nil
		},
		// Others are dropped before the router: one that comes here is a mistake.
		AckOnUnknownEvent: false,
		Marshaler:         &marshaler{stream: w.projection.Stream, catalogue: w.catalogue, keys: w.keys},
		Logger:            logger,
	})
	if err != nil {
		return fmt.Errorf("projection %s: %w", w.projection.Name, err)
	}
	if err := processor.AddHandlersGroup(w.projection.Schema(), w.handled); err != nil {
		return fmt.Errorf("projection %s: %w", w.projection.Name, err)
	}
	rt.workers = append(rt.workers, w)
	return nil
}

// Run projects until ctx ends, and returns when all is stopped.
func (rt *Runtime) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	watched := make(chan struct{})
	defer func() {
		cancel()
		<-watched
	}()
	go func() {
		defer close(watched)
		rt.watchReady(ctx)
	}()
	if len(rt.workers) == 0 {
		<-ctx.Done()
		return nil
	}
	for _, f := range rt.feeds {
		defer f.start()()
	}
	defer rt.build(ctx, cancel)()
	if err := rt.router.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("projection runtime: %w", err)
	}
	return nil
}

// build starts builder and comparer, if this process has them.
func (rt *Runtime) build(ctx context.Context, cancel func()) (stop func()) {
	if rt.builder == nil {
		return func() {}
	}
	var working sync.WaitGroup
	working.Go(func() { rt.builder.run(ctx) })
	working.Go(func() { rt.comparer.run(ctx) })
	return func() {
		cancel()
		working.Wait()
	}
}

func (rt *Runtime) watchReady(ctx context.Context) {
	for _, w := range rt.workers {
		select {
		case <-w.settled:
		case <-ctx.Done():
			return
		}
	}
	close(rt.ready)
}

// Ready is closed when each projection is active, stands by for another process,
// or is stopped (States says which).
func (rt *Runtime) Ready() <-chan struct{} { return rt.ready }

// States says what each worker of this process does.
func (rt *Runtime) States() []WorkerState {
	out := make([]WorkerState, len(rt.workers))
	for i, w := range rt.workers {
		out[i] = w.current()
	}
	return out
}

func buildRelease() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	release := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			release += " " + s.Value
		}
	}
	return release
}
