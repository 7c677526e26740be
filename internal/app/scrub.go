package app

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"

	"github.com/jackc/pgx/v5"

	"github.com/rosterhq/roster/internal/config"
)

// Scrub makes PostgreSQL forget what its tables hold no more: dead rows, what its
// statistics sampled, and its write-ahead log. Reads and projections of a table wait
// while it is written anew.
type Scrub struct {
	Settings config.API // those of the server, which must run where PostgreSQL is embedded
	// Progress, which may be nil, is told of each table before it is written anew.
	Progress func(table string)
}

// scrubTables are those of the read models, and all beside them.
const scrubTables = `select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
	where c.relkind in ('r', 'm') and n.nspname <> 'information_schema' and n.nspname not like 'pg\_%' order by 1`

// switches is how often the write-ahead log goes on to another file: files that a
// checkpoint still needs go with one of the next.
const switches = 4

// Run asks for a superuser, or who owns all tables and may vacuum pg_statistic, alter
// the system, switch the write-ahead log and make checkpoints.
func (s Scrub) Run(ctx context.Context) (err error) {
	conn, err := pgx.Connect(ctx, s.dsn())
	if err != nil {
		return fmt.Errorf("PostgreSQL could not be reached (%w): name the server's data directory with ROSTER_DATA_DIR, or its database with DATABASE_URL", err)
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	found, err := conn.Query(ctx, scrubTables)
	if err != nil {
		return fmt.Errorf("list the tables: %w", err)
	}
	tables, err := pgx.CollectRows(found, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("list the tables: %w", err)
	}
	// Statistics come behind the tables that they are of.
	for _, table := range append(tables, "pg_catalog.pg_statistic", "pg_catalog.pg_statistic_ext_data") {
		if s.Progress != nil {
			s.Progress(table)
		}
		if _, err := conn.Exec(ctx, "vacuum (full, analyze) "+table); err != nil {
			return fmt.Errorf("write %s anew: %w", table, err)
		}
	}
	return forgetWAL(ctx, conn)
}

// forgetWAL removes the old files of the write-ahead log, where PostgreSQL would
// rather use them again, with what they hold.
func forgetWAL(ctx context.Context, conn *pgx.Conn) (err error) {
	set := func(ctx context.Context, what string) error {
		if _, err := conn.Exec(ctx, "alter system "+what); err != nil {
			return fmt.Errorf("alter system %s: %w", what, err)
		}
		if _, err := conn.Exec(ctx, "select pg_reload_conf()"); err != nil {
			return fmt.Errorf("reload the settings: %w", err)
		}
		return nil
	}
	if err := set(ctx, "set wal_recycle = off"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, set(context.WithoutCancel(ctx), "reset wal_recycle")) }()
	for range switches {
		for _, do := range []string{"select pg_logical_emit_message(true, 'roster', 'scrub')", "select pg_switch_wal()", "checkpoint"} {
			if _, err := conn.Exec(ctx, do); err != nil {
				return fmt.Errorf("%s: %w", do, err)
			}
		}
	}
	return nil
}

// dsn is the database of the server's settings.
func (s Scrub) dsn() string {
	if s.Settings.DatabaseURL != "" {
		return s.Settings.DatabaseURL
	}
	at := url.Values{
		"host": {filepath.Join(s.Settings.DataDir, "postgresql", "run")}, "port": {"5432"}, "user": {"roster"}, "sslmode": {"disable"},
	}
	return "postgres:///" + databaseName + "?" + at.Encode()
}
