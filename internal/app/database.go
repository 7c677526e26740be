package app

import (
	"context"
	"fmt"
	goruntime "runtime"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rosterhq/roster/internal/config"
	"github.com/rosterhq/roster/internal/postgres"
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

// readConnections is the size of the pool for reads: PostgreSQL's processor time
// is the limit, not the pool, so four a core are enough. The private server has
// room for them and the projectors.
func readConnections() int32 {
	return int32(min(max(4*goruntime.GOMAXPROCS(0), 8), 32))
}
