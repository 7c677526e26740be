package app

import (
	"context"
	"errors"
	"fmt"
	goruntime "runtime"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/zap"

	"github.com/rosterhq/roster/internal/config"
	"github.com/rosterhq/roster/internal/postgres"
	"github.com/rosterhq/roster/projections"
	"github.com/rosterhq/roster/projections/runtime"
)

// databaseName is the database of the private PostgreSQL.
const databaseName = "roster"

// runDatabase starts the private PostgreSQL.
func runDatabase(ctx context.Context, p *parts, dir *dataDir) (*postgres.Server, error) {
	server, err := postgres.Start(ctx, postgres.Options{Dir: dir.join("postgresql"), Logger: p.log.Named("postgresql")})
	if err != nil {
		return nil, err
	}
	p.add("PostgreSQL", server.Stop)
	if err := server.CreateDatabase(ctx, databaseName); err != nil {
		return nil, err
	}
	return server, nil
}

// checkDatabaseURL reads the operator's DATABASE_URL as the driver will.
func checkDatabaseURL(dsn string) error {
	if dsn == "" {
		return nil
	}
	if _, err := pgxpool.ParseConfig(dsn); err != nil {
		return &config.Error{Problems: []string{fmt.Sprintf("DATABASE_URL can not be read: %v", err)}}
	}
	return nil
}

// reachDatabase connects once, for a clear message when that fails.
func reachDatabase(ctx context.Context, dsn string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return fmt.Errorf("PostgreSQL could not be reached at DATABASE_URL (%w): check that it runs, that the address is right, and that the database exists", err)
	}
	return conn.Close(ctx)
}

const (
	projectorsWait = time.Minute
	projectorsPoll = 200 * time.Millisecond
)

// migrateDatabase brings the schemas up to date, or finds that they are. Where roles
// are separate, an api waits here for the projectors to make what is theirs.
func migrateDatabase(ctx context.Context, dsn string, logger *zap.Logger) error {
	enough := time.NewTimer(projectorsWait)
	defer enough.Stop()
	told := false
	for {
		err := runtime.Migrate(ctx, dsn, projections.All())
		if errors.Is(err, runtime.ErrNotMigrated) {
			return &config.Error{Problems: []string{"DATABASE_URL: " + err.Error()}}
		}
		if !errors.Is(err, runtime.ErrAwaitsProjectors) {
			return err
		}
		if !told {
			logger.Info("waiting for a projector", zap.String("for", err.Error()))
			told = true
		}
		select {
		case <-time.After(projectorsPoll):
		case <-ctx.Done():
			return ctx.Err()
		case <-enough.C:
			return fmt.Errorf("no projector came within %s (start one, of this release): %w", projectorsWait, err)
		}
	}
}

// readConnections is the size of the pool for reads: PostgreSQL's processor time
// is the limit, not the pool, so four a core are enough. The private server has
// room for them and the projectors.
func readConnections() int32 {
	return int32(min(max(4*goruntime.GOMAXPROCS(0), 8), 32))
}
