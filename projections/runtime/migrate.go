package runtime

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var ownMigrations embed.FS

const (
	ownSchema = "roster"
	// migrationLock is the key of the advisory lock; any constant will do.
	migrationLock  = 0x726f73746572 // "roster"
	undefinedTable = "42P01"
)

// schemaMigrations are the migrations of one schema.
type schemaMigrations struct {
	schema     string
	files      fs.FS
	extensions []string
	newest     int64
}

// Migrate brings the runtime's own schema and those of the projections up to
// date. Processes that start together wait for each other. When nothing is to do
// it costs one connection and one query.
func Migrate(ctx context.Context, dsn string, projections []Projection) error {
	wanted, err := wantedSchemas(projections)
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return fmt.Errorf("migrate: connect to PostgreSQL: %w", err)
	}
	defer closeConn(conn)
	missing, err := missingMigrations(ctx, conn, wanted)
	if err != nil || len(missing) == 0 {
		return err
	}
	if _, err := conn.Exec(ctx, `select pg_advisory_lock($1)`, int64(migrationLock)); err != nil {
		return fmt.Errorf("migrate: wait for the lock: %w", err)
	}
	// Another process may have done it meanwhile.
	if missing, err = missingMigrations(ctx, conn, wanted); err != nil {
		return err
	}
	for _, m := range missing {
		if err := m.apply(ctx, conn); err != nil {
			return fmt.Errorf("migrate schema %s: %w", m.schema, err)
		}
	}
	return nil
}

func wantedSchemas(projections []Projection) ([]schemaMigrations, error) {
	own, err := newSchemaMigrations(ownSchema, ownMigrations)
	if err != nil {
		return nil, err
	}
	out := []schemaMigrations{own} // first: the others are noted in it
	for _, p := range projections {
		if p.Migrations == nil {
			continue
		}
		m, err := newSchemaMigrations(p.Schema(), p.Migrations)
		if err != nil {
			return nil, err
		}
		m.extensions = p.Extensions
		out = append(out, m)
	}
	return out, nil
}

func newSchemaMigrations(schema string, files fs.FS) (schemaMigrations, error) {
	if _, err := fs.Stat(files, "migrations"); err == nil {
		sub, err := fs.Sub(files, "migrations")
		if err != nil {
			return schemaMigrations{}, fmt.Errorf("migrations of %s: %w", schema, err)
		}
		files = sub
	}
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return schemaMigrations{}, fmt.Errorf("migrations of %s: %w", schema, err)
	}
	m := schemaMigrations{schema: schema, files: files}
	for _, name := range names {
		number, _, _ := strings.Cut(name, "_")
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return schemaMigrations{}, fmt.Errorf("migrations of %s: %s does not begin with a number", schema, name)
		}
		m.newest = max(m.newest, n)
	}
	return m, nil
}

// missingMigrations compares what is wanted with the one table that says what is
// there. A newer release may have gone further already, which is fine.
func missingMigrations(ctx context.Context, conn *pgx.Conn, wanted []schemaMigrations) ([]schemaMigrations, error) {
	there, err := readSchemas(ctx, conn)
	if err != nil {
		return nil, err
	}
	var missing []schemaMigrations
	for _, m := range wanted {
		if there[m.schema] < m.newest {
			missing = append(missing, m)
		}
	}
	return missing, nil
}

func readSchemas(ctx context.Context, conn *pgx.Conn) (map[string]int64, error) {
	there := map[string]int64{}
	rows, err := conn.Query(ctx, `select schema, migrated from roster.schemas`)
	if err == nil {
		var (
			schema   string
			migrated int64
		)
		_, err = pgx.ForEachRow(rows, []any{&schema, &migrated}, func() error {
			there[schema] = migrated
			return nil
		})
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == undefinedTable {
		return there, nil // a fresh database
	}
	if err != nil {
		return nil, fmt.Errorf("migrate: read what is there: %w", err)
	}
	return there, nil
}

// apply runs one schema's migrations. The lock is held by conn.
func (m schemaMigrations) apply(ctx context.Context, conn *pgx.Conn) (err error) {
	if _, err := conn.Exec(ctx, "create schema if not exists "+pgx.Identifier{m.schema}.Sanitize()); err != nil {
		return fmt.Errorf("create schema: %w", err)
	}
	path := []string{pgx.Identifier{m.schema}.Sanitize()}
	for _, name := range m.extensions {
		at, err := ensureExtension(ctx, conn, name)
		if err != nil {
			return err
		}
		path = append(path, pgx.Identifier{at}.Sanitize())
	}
	config := conn.Config().Copy()
	config.RuntimeParams["search_path"] = strings.Join(path, ", ")
	db := stdlib.OpenDB(*config)
	defer func() { err = errors.Join(err, db.Close()) }()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, m.files,
		goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, `insert into roster.schemas (schema, migrated) values ($1, $2)
		on conflict (schema) do update set migrated = greatest(schemas.migrated, excluded.migrated)`, m.schema, m.newest); err != nil {
		return fmt.Errorf("note what was done: %w", err)
	}
	return nil
}
