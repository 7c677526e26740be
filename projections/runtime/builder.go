package runtime

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

// Builds says how this process builds read models beside the serving ones.
type Builds struct {
	// From is how many messages a new version must be behind for it to be built at
	// once, and not event by event. 0: never by itself.
	From uint64
	// Keep is for how long a version or copy that does not serve any more is kept.
	Keep time.Duration
}

const (
	// builderLock is the key of the advisory lock of the one process that builds.
	builderLock = 0x726f736275696c64 // "rosbuild"

	builderPoll  = 2 * time.Second        // between looks for what nobody told of
	gatherWait   = 150 * time.Millisecond // for requests that come together, and share a pass
	retireEvery  = time.Minute
	builderRetry = time.Second
)

// builder takes up requests to build. Of several processes one does.
type builder struct {
	config Config
	builds Builds
	js     jetstream.JetStream
	log    *zap.Logger
	dsn    *pgx.ConnConfig
}

func newBuilder(c Config, js jetstream.JetStream) (*builder, error) {
	dsn, err := connection(c.DSN, Projection{Name: "builder", Version: 1})
	if err != nil {
		return nil, err
	}
	dsn.RuntimeParams["application_name"] = "roster-builder"
	dsn.RuntimeParams["search_path"] = ownSchema
	return &builder{config: c, builds: *c.Builds, js: js, log: c.Logger.Named("builder"), dsn: dsn}, nil
}

func (b *builder) run(ctx context.Context) {
	for ctx.Err() == nil {
		err := b.hold(ctx)
		if ctx.Err() != nil {
			return
		}
		b.log.Warn("read models are not built, trying again", zap.Error(err), zap.Duration("in", builderRetry))
		sleep(ctx, builderRetry)
	}
}

// hold works over one connection, for as long as that lasts.
func (b *builder) hold(ctx context.Context) error {
	conn, err := pgx.ConnectConfig(ctx, b.dsn.Copy())
	if err != nil {
		return fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	defer closeConn(conn)
	if _, err := conn.Exec(ctx, "listen "+rebuildChannel); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	var retired time.Time
	for held := false; ; {
		if !held {
			if err := conn.QueryRow(ctx, `select pg_try_advisory_lock($1)`, int64(builderLock)).Scan(&held); err != nil {
				return fmt.Errorf("take the lock: %w", err)
			}
		}
		if held {
			if err := b.round(ctx, conn); err != nil {
				return err
			}
			if time.Since(retired) > min(retireEvery, max(b.builds.Keep, builderPoll)) {
				if err := b.retire(ctx, conn); err != nil {
					return err
				}
				retired = time.Now()
			}
		}
		if err := pause(ctx, conn); err != nil {
			return err
		}
	}
}

// pause waits to be told of something.
func pause(ctx context.Context, conn *pgx.Conn) error {
	bounded, cancel := context.WithTimeout(ctx, builderPoll)
	defer cancel()
	_, err := conn.WaitForNotification(bounded)
	if err != nil && (ctx.Err() != nil || conn.IsClosed() || !errors.Is(err, context.DeadlineExceeded)) {
		return fmt.Errorf("wait for requests: %w", err)
	}
	return nil
}

// round takes up everything that is requested, or was left by a process that ended.
func (b *builder) round(ctx context.Context, conn *pgx.Conn) error {
	jobs, err := b.open(ctx, conn)
	if err != nil || len(jobs) == 0 {
		return err
	}
	if !sleep(ctx, gatherWait) {
		return ctx.Err()
	}
	if jobs, err = b.open(ctx, conn); err != nil || len(jobs) == 0 {
		return err
	}
	return b.work(ctx, conn, jobs)
}

// job is a row of roster.rebuilds.
type job struct {
	projection Projection
	state      RebuildState
	release    string
	events     int64
	maxRate    *int64
	cancel     bool
}

const openJobsSQL = `select name, version, slot, state, release, events, max_rate, cancel from roster.rebuilds
	where state in ('requested', 'building', 'indexing', 'switching') and slot in ('', 'next', 'kept') order by requested_at, name`

// open lists the jobs that this release can do.
func (b *builder) open(ctx context.Context, conn *pgx.Conn) ([]job, error) {
	rows, err := conn.Query(ctx, openJobsSQL)
	if err != nil {
		return nil, fmt.Errorf("look for requests: %w", err)
	}
	var (
		jobs    []job
		j       job
		name    string
		version int
		in      slot
	)
	_, err = pgx.ForEachRow(rows, []any{&name, &version, &in, &j.state, &j.release, &j.events, &j.maxRate, &j.cancel}, func() error {
		if p, ok := find(b.config.Projections, name, version); ok && p.Migrations != nil {
			found := j
			found.projection = p.copyIn(in)
			jobs = append(jobs, found)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for requests: %w", err)
	}
	return jobs, nil
}
