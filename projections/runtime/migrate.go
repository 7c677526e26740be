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
// it costs one connection and one query. Errors: ErrNotMigrated, ErrAwaitsProjectors
// for a role that may not do what is missing; what it may is done.
func Migrate(ctx context.Context, dsn string, projections []Projection) error {
	_, err := migrate(ctx, dsn, projections, false)
	return err
}

// Prepare is Migrate for a person: it also grants the separate roles of a database
// their rights anew. It tells what it did. Error: ErrNotMigrated.
func Prepare(ctx context.Context, dsn string, projections []Projection) (Prepared, error) {
	done, err := migrate(ctx, dsn, projections, true)
	if errors.Is(err, ErrAwaitsProjectors) {
		done.Waiting, err = err.Error(), nil
	}
	return done, err
}

// Prepared is what was done to a database.
type Prepared struct {
	Migrated []string // schemas that something was missing of
	Granted  bool     // the roles of the database are separate, and have their rights
	Waiting  string   // what the projectors do when they start; empty for nothing
}

func migrate(ctx context.Context, dsn string, projections []Projection, always bool) (done Prepared, err error) {
	wanted, err := wantedSchemas(projections)
	if err != nil {
		return done, err
	}
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return done, fmt.Errorf("migrate: connect to PostgreSQL: %w", err)
	}
	defer closeConn(conn)
	missing, err := missingMigrations(ctx, conn, wanted)
	if err != nil || len(missing) == 0 && !always {
		return done, err
	}
	role, err := accessOf(ctx, conn)
	if err != nil {
		return done, err
	}
	if always && role.separate && !role.own {
		return done, fmt.Errorf("%w: its roles are separate, and %s is no member of %s", ErrNotMigrated, role.role, migratorRole)
	}
	if !role.own && !role.models && len(missing) > 0 {
		return done, role.refuse(missing)
	}
	if _, err := conn.Exec(ctx, `select pg_advisory_lock($1)`, int64(migrationLock)); err != nil {
		return done, fmt.Errorf("migrate: wait for the lock: %w", err)
	}
	// Another process may have done it meanwhile.
	if missing, err = missingMigrations(ctx, conn, wanted); err != nil {
		return done, err
	}
	return role.migrate(ctx, conn, wanted, missing, always)
}

// migrate does of what is missing what the role may.
func (a access) migrate(ctx context.Context, conn *pgx.Conn, wanted, missing []schemaMigrations, always bool) (done Prepared, err error) {
	if len(missing) > 0 && missing[0].schema == ownSchema { // first: the others are noted in it
		if !a.own {
			return done, a.refuse(missing)
		}
		if err := done.apply(ctx, conn, a, missing[0]); err != nil {
			return done, err
		}
		missing, always = missing[1:], true
	}
	if a.separate && a.own && always {
		if err := prepare(ctx, conn, wanted); err != nil {
			return done, err
		}
		done.Granted = true
	}
	if len(missing) > 0 && !a.models {
		return done, a.refuse(missing)
	}
	for _, m := range missing {
		if err := done.apply(ctx, conn, a, m); err != nil {
			return done, err
		}
	}
	return done, nil
}

func (d *Prepared) apply(ctx context.Context, conn *pgx.Conn, a access, m schemaMigrations) error {
	if err := m.apply(ctx, conn, a); err != nil {
		return fmt.Errorf("migrate schema %s: %w", m.schema, err)
	}
	d.Migrated = append(d.Migrated, m.schema)
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
	if errors.As(err, &pg) && pg.Code == insufficientPrivilege {
		return nil, fmt.Errorf("%w for this role, which may not read it: run `roster migrate` with the DATABASE_URL of a role that may: %w",
			ErrNotMigrated, err)
	}
	if err != nil {
		return nil, fmt.Errorf("migrate: read what is there: %w", err)
	}
	return there, nil
}

// apply runs one schema's migrations, in the name of its owner. The lock is held by
// conn.
func (m schemaMigrations) apply(ctx context.Context, conn *pgx.Conn, a access) error {
	owner := a.owner(m.schema)
	path := []string{pgx.Identifier{m.schema}.Sanitize()}
	err := as(ctx, conn, owner, func() error {
		if _, err := conn.Exec(ctx, "create schema if not exists "+pgx.Identifier{m.schema}.Sanitize()); err != nil {
			return fmt.Errorf("create schema: %w", err)
		}
		for _, name := range m.extensions {
			at, err := ensureExtension(ctx, conn, name)
			if err != nil {
				return err
			}
			path = append(path, pgx.Identifier{at}.Sanitize())
		}
		return nil
	})
	if err != nil {
		return err
	}
	config := conn.Config().Copy()
	config.RuntimeParams["search_path"] = strings.Join(path, ", ")
	if owner != "" {
		config.RuntimeParams["role"] = owner
	}
	if err := m.up(ctx, config); err != nil {
		return err
	}
	if a.separate && m.schema != ownSchema {
		if err := show(ctx, conn, m.schema); err != nil {
			return err
		}
	}
	return as(ctx, conn, owner, func() error { return m.note(ctx, conn) })
}

// up runs what is missing.
func (m schemaMigrations) up(ctx context.Context, config *pgx.ConnConfig) (err error) {
	db := stdlib.OpenDB(*config)
	defer func() { err = errors.Join(err, db.Close()) }()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, m.files,
		goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}

func (m schemaMigrations) note(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.Exec(ctx, `insert into roster.schemas (schema, migrated) values ($1, $2)
		on conflict (schema) do update set migrated = greatest(schemas.migrated, excluded.migrated)`, m.schema, m.newest); err != nil {
		return fmt.Errorf("note what was done: %w", err)
	}
	return nil
}
