package app

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/rosterhq/roster/api"
	"github.com/rosterhq/roster/api/crowd"
	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/eventlog"
	"github.com/rosterhq/roster/internal/config"
	"github.com/rosterhq/roster/internal/natsserver"
	"github.com/rosterhq/roster/internal/postgres"
	"github.com/rosterhq/roster/internal/telemetry"
	"github.com/rosterhq/roster/query"
)

// API is a running cmd/api: HTTP, and everything that is embedded.
type API struct {
	parts    *parts
	config   config.API
	registry *prometheus.Registry
	began    time.Time

	dir      *dataDir // nil when nothing is embedded
	listener net.Listener
	broker   *natsserver.Server // nil where the broker is another process
	nats     *nats.Conn
	log      *eventlog.Log
	commands *commands.Service
	postgres *postgres.Server // nil with a DATABASE_URL
	dsn      string
	queries  *query.Queries
	health   *health
	summary  Summary
	failed   chan error
}

// StartAPI starts everything and returns when requests are answered.
func StartAPI(ctx context.Context, c config.API, logger *zap.Logger) (*API, error) {
	a := &API{
		parts: &parts{log: logger}, config: c, registry: telemetry.NewRegistry(), began: time.Now(),
		failed: make(chan error, 2),
	}
	guarded, release, explain := a.parts.refusals.guard(ctx)
	defer release()
	if err := a.start(guarded); err != nil {
		return nil, a.parts.abandon(ctx, explain(err))
	}
	return a, nil
}

// URL is where HTTP is served.
func (a *API) URL() string {
	if a.config.TLSCert != "" {
		return "https://" + a.listener.Addr().String()
	}
	return "http://" + a.listener.Addr().String()
}

// Failed delivers why the process can not go on.
func (a *API) Failed() <-chan error { return a.failed }

// Stop drains and stops everything.
func (a *API) Stop(ctx context.Context) error { return a.parts.stop(ctx) }

// Summary says where things are and what to do next.
func (a *API) Summary() Summary { return a.summary }

func (a *API) start(ctx context.Context) error {
	if err := a.claim(ctx); err != nil {
		return err
	}
	sides, sideCtx := errgroup.WithContext(ctx)
	sides.Go(func() error { return a.startWriteSide(sideCtx) })
	sides.Go(func() error { return a.startDatabase(sideCtx) })
	if err := sides.Wait(); err != nil {
		return err
	}
	if err := a.startReadSide(ctx); err != nil {
		return err
	}
	if err := a.startHTTP(ctx); err != nil {
		return err
	}
	return a.startHousekeeping(ctx)
}

// claim takes what only one process can have, before anything is started.
func (a *API) claim(ctx context.Context) error {
	if err := checkDatabaseURL(a.config.DatabaseURL); err != nil {
		return err
	}
	l, err := listen(ctx, "ROSTER_HTTP_ADDR", a.config.HTTPAddr)
	if err != nil {
		return err
	}
	a.listener = l
	a.parts.add("HTTP address", func(context.Context) error {
		_ = l.Close() // the server has closed it already, if it came to that
		return nil
	})
	if err := serveProfiles(ctx, a.parts, a.config.DebugAddr); err != nil {
		return err
	}
	if a.config.NATSURL != "" && a.config.DatabaseURL != "" {
		return nil
	}
	if a.dir, err = openDataDir(a.config.DataDir); err != nil {
		return err
	}
	a.parts.add("data directory", func(context.Context) error { return a.dir.close() })
	return nil
}

// startWriteSide starts broker, log and commands.
func (a *API) startWriteSide(ctx context.Context) error {
	keys, err := a.startBroker()
	if err != nil {
		return err
	}
	if a.log, err = openLog(ctx, a.parts, a.config.Shared, a.nats, keys, a.syncWithin()); err != nil {
		return err
	}
	a.spreadBatches()
	a.commands, err = commands.NewService(ctx, commands.Config{
		Log: a.log, Clock: time.Now, Logger: a.parts.log.Named("commands"), PasswordMinEntropy: a.config.PasswordMinEntropy,
		// Each that waits has a place among the requests: most are for others.
		PasswordsWaiting: max(1, a.config.MaxRequests/4),
		NumbersFrom:      a.config.NumbersFrom, NoPasswords: !a.config.PasswordAuth, SessionLifetime: a.config.SessionDuration,
		DefaultTokenLifetime: a.config.DefaultTokenLifetime, RolesByOIDC: a.config.OIDC != nil && a.config.OIDC.RoleField != "",
		MaxTokenLifetime: a.config.MaxTokenLifetime, MaxAdminTokenLifetime: a.config.MaxAdminTokenLifetime,
	})
	if err != nil {
		return fmt.Errorf("start the commands: %w", err)
	}
	return nil
}

// startBroker returns the master keys beside the broker's connection.
func (a *API) startBroker() (keys masterKeys, err error) {
	keys = configuredKeys(a.config.Shared)
	if a.config.NATSURL != "" {
		a.nats, err = connectBroker(a.parts, a.config.NATSURL)
		return keys, err
	}
	if keys.current == nil {
		if keys, err = a.dir.masterKeys(); err != nil {
			return keys, err
		}
	}
	a.broker, a.nats, err = embedBroker(a.parts, a.config, a.dir)
	return keys, err
}

// spreadBatches makes appends to the embedded broker cheaper, where that can be had.
func (a *API) spreadBatches() {
	if a.broker == nil {
		return
	}
	if err := a.broker.SpreadBatches(); err != nil {
		a.parts.log.Debug("batches stay where they are on the disk", zap.Error(err))
	}
}

// syncWithin is how long an acknowledged write may not be on the disk of the embedded
// broker. Of others their operators know.
func (a *API) syncWithin() time.Duration {
	if a.config.NATSURL != "" || a.config.SyncAlways {
		return 0
	}
	return lazySync
}

// startDatabase starts or reaches PostgreSQL and brings its schemas up to date.
func (a *API) startDatabase(ctx context.Context) error {
	a.dsn = a.config.DatabaseURL
	if a.dsn == "" {
		var err error
		if a.postgres, err = runDatabase(ctx, a.parts, a.dir); err != nil {
			return err
		}
		a.dsn = a.postgres.DSN(databaseName)
		a.watchPostgres(ctx)
	} else if err := reachDatabase(ctx, a.dsn); err != nil {
		return err
	}
	return migrateDatabase(ctx, a.dsn, a.parts.log)
}

// watchPostgres makes the failure of the private PostgreSQL the process's own.
func (a *API) watchPostgres(ctx context.Context) {
	watch, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-a.postgres.Failed():
			a.failed <- a.postgres.Err()
		case <-watch.Done():
		}
	}()
	a.parts.add("watch over PostgreSQL", func(context.Context) error {
		cancel()
		<-ended
		return nil
	})
}

// startReadSide starts projectors and queries.
func (a *API) startReadSide(ctx context.Context) error {
	var err error
	if a.health, err = watchProjections(ctx, a.parts, a.dsn, a.log, a.registry); err != nil {
		return err
	}
	a.queries, err = query.Open(ctx, query.Config{
		DSN: a.dsn, Logger: a.parts.log.Named("query"), Log: a.log, Uses: a.log, Events: a.log, MaxConns: readConnections(),
		CacheBytes: cacheBytes(a.config.CacheMiB),
	})
	if err != nil {
		return fmt.Errorf("open the read models: %w", err)
	}
	a.parts.add("queries", func(context.Context) error {
		a.queries.Close()
		return nil
	})
	if err := watchTail(a.queries, a.registry); err != nil {
		return err
	}
	endWithLog(ctx, a.parts, a.queries.Tail(), a.failed)
	forgetErased(a.queries.Tail(), a.log)
	if !a.config.EmbedProjectors {
		return nil
	}
	settled, err := runProjectors(ctx, a.projectors())
	if err != nil {
		return err
	}
	return await(ctx, settled)
}

func (a *API) projectors() projectorDeps {
	return projectorDeps{
		parts: a.parts, nats: a.nats, dsn: a.dsn, prefix: a.config.NATSPrefix, log: a.log, live: a.queries.Tail(),
		keep: a.config.KeepModels, metrics: a.registry, failed: a.failed,
	}
}

// cacheBytes turns the setting into what queries take: there 0 means their default.
func cacheBytes(mib float64) int64 {
	if mib == 0 {
		return -1
	}
	return int64(mib * (1 << 20))
}

// await waits for a channel to be closed; a nil one is not waited for.
func await(ctx context.Context, done <-chan struct{}) error {
	if done == nil {
		return nil
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// streamsLimit bounds how long clients of streams are told that the process ends.
const streamsLimit = time.Second

// startHTTP begins to answer requests.
func (a *API) startHTTP(ctx context.Context) error {
	mailer, err := mailerOf(a.config.Mail, a.parts.log)
	if err != nil {
		return err
	}
	care, err := lookAfterModels(ctx, a.projectors())
	if err != nil {
		return err
	}
	guests := crowd.New(crowd.Limits{Requests: a.config.MaxRequests, Connections: connectionsWithin(a.config.MaxConnections, a.parts.log)}, time.Now)
	handler, err := api.New(api.Config{
		Crowd:    guests,
		Commands: a.commands, Queries: a.queries, Logger: a.parts.log.Named("http"), Clock: time.Now,
		Dialects: a.config.Dialects, RateLimits: a.config.RateLimits,
		CallsPerMinute: a.config.APIRateLimit, Settings: a.settings(),
		TrustedProxies: a.config.TrustedProxies, CORSOrigins: a.config.CORSOrigins,
		SignIn: providersOf(a.config), Mail: mailer, TokenSecret: a.log.Secret("tokens"), Copies: a.log, Models: care, MasterKey: a.masterKey(),
		Ready: a.health.check, Metrics: telemetry.Handler(a.registry), Registry: a.registry,
	})
	if err != nil {
		return fmt.Errorf("set up HTTP: %w", err)
	}
	firstUser, err := a.commands.FirstUserExists(ctx)
	if err != nil {
		return fmt.Errorf("look for the first user: %w", err)
	}
	secured, err := certificateOf(a.config.Transport, a.parts.log)
	if err != nil {
		return err
	}
	front{handler: handler, secured: secured, guests: guests}.serve(ctx, a.parts, "HTTP", a.listener)
	a.parts.add("live streams", func(ctx context.Context) error { // before HTTP: it would wait for them
		ctx, cancel := context.WithTimeout(ctx, streamsLimit)
		defer cancel()
		return handler.Close(ctx)
	})
	a.summary = a.summarize(firstUser)
	return nil
}

// masterKey is the one in the data directory; nil where it is a setting.
func (a *API) masterKey() gate.MasterKey {
	if a.config.NATSURL != "" || a.config.MasterKey != nil {
		return nil
	}
	return &ownMasterKey{log: a.log, path: a.dir.join(masterKeyName)}
}

// settings are what dialects must know of the configuration.
func (a *API) settings() gate.Settings {
	cookies := gate.CookieSecurity(a.config.SecureCookies)
	if a.config.SecureCookies == "auto" {
		cookies = gate.CookiesByURL
	}
	return gate.Settings{
		SignUp: a.config.SignUp, PasswordLoginDisabled: !a.config.PasswordAuth,
		AccessURL: a.config.AccessURL, Cookies: cookies, ABFHourlyLimit: a.config.ABFHourlyLimit,
		HostCookies: a.config.HostCookies, CookiesAcrossSites: a.config.CookieSites == "none",
		FixedLives: a.config.FixedLives, TermsURL: a.config.TermsURL,
	}
}
