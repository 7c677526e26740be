package runtime

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

const (
	// deferredSQL lists the indexes that no key and no handler needs.
	deferredSQL = `select c.relname, pg_get_indexdef(i.indexrelid) from pg_index i
		join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
		where n.nspname = $1 and not i.indisunique and not i.indisprimary and c.relname <> all($2)
			and not exists (select from pg_constraint k where k.conindid = i.indexrelid)
		order by c.relname`
	noteIndexesSQL = `update roster.rebuilds set indexes = $4 where name = $1 and version = $2 and slot = $3`
	indexesSQL     = `select indexes from roster.rebuilds where name = $1 and version = $2 and slot = $3`
	tablesSQL      = `select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where n.nspname = $1 and c.relkind = 'r' and c.relname <> 'goose_db_version' order by c.relname`
)

// makeCopy makes the empty tables of a copy.
func makeCopy(ctx context.Context, conn *pgx.Conn, p Projection) error {
	m, err := newSchemaMigrations(p.Schema(), p.Migrations)
	if err != nil {
		return err
	}
	m.extensions = p.Extensions
	role, err := accessOf(ctx, conn)
	if err != nil {
		return err
	}
	if err := m.apply(ctx, conn, role); err != nil {
		return fmt.Errorf("make schema %s: %w", p.Schema(), err)
	}
	return nil
}

// dropCopy removes a copy, and all that the runtime knows of it.
func dropCopy(ctx context.Context, conn *pgx.Conn, entry string, version int) error {
	schema := schemaOf(entry, version)
	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "drop schema if exists "+pgx.Identifier{schema}.Sanitize()+" cascade"); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `delete from roster.schemas where schema = $1`, schema); err != nil {
			return err
		}
		for _, table := range []string{"checkpoints", "parked", "redrives"} {
			if _, err := tx.Exec(ctx, `delete from roster.`+table+` where name = $1 and version = $2`, entry, version); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("drop schema %s: %w", schema, err)
	}
	return nil
}

// deferIndexes drops the indexes that cost more to keep up to date during a load
// than to make after it, once their definitions are noted.
func deferIndexes(ctx context.Context, conn *pgx.Conn, p Projection) error {
	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		needed := append([]string{}, p.NeededIndexes...)
		rows, err := tx.Query(ctx, deferredSQL, p.Schema(), needed)
		if err != nil {
			return err
		}
		var (
			name, definition string
			definitions      []string
			drops            []string
		)
		_, err = pgx.ForEachRow(rows, []any{&name, &definition}, func() error {
			definitions = append(definitions, strings.Replace(definition, "CREATE INDEX ", "CREATE INDEX IF NOT EXISTS ", 1))
			drops = append(drops, "drop index "+pgx.Identifier{p.Schema(), name}.Sanitize())
			return nil
		})
		if err != nil || len(drops) == 0 {
			return err
		}
		if _, err := tx.Exec(ctx, noteIndexesSQL, p.Name, p.Version, string(p.slot), definitions); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, strings.Join(drops, "; "))
		return err
	})
	if err != nil {
		return fmt.Errorf("put off the indexes of %s: %w", p.Schema(), err)
	}
	return nil
}

// setLogged says whether a copy's tables survive a crash of PostgreSQL. What is not
// logged is filled at a fraction of the writes; bootOf tells when it may be lost.
func setLogged(ctx context.Context, conn *pgx.Conn, p Projection, logged bool) error {
	tables, err := tablesOf(ctx, conn, p.Schema())
	if err != nil {
		return err
	}
	how := " set unlogged"
	if logged {
		how = " set logged"
	}
	for _, table := range tables {
		if _, err := conn.Exec(ctx, "alter table "+pgx.Identifier{p.Schema(), table}.Sanitize()+how); err != nil {
			return fmt.Errorf("%s.%s%s: %w", p.Schema(), table, how, err)
		}
	}
	return nil
}

// bootOf names the run of PostgreSQL: tables that are not logged are those of one.
func bootOf(ctx context.Context, db DB) (string, error) {
	var boot string
	if err := db.QueryRow(ctx, `select extract(epoch from pg_postmaster_start_time())::text`).Scan(&boot); err != nil {
		return "", fmt.Errorf("ask since when PostgreSQL runs: %w", err)
	}
	return boot, nil
}

// finishCopy lets the copy survive crashes, makes the indexes that were put off, and
// tells the planner of the rows.
func finishCopy(ctx context.Context, conn *pgx.Conn, p Projection) error {
	var definitions []string
	if err := conn.QueryRow(ctx, indexesSQL, p.Name, p.Version, string(p.slot)).Scan(&definitions); err != nil {
		return fmt.Errorf("read the indexes of %s: %w", p.Schema(), err)
	}
	if err := setLogged(ctx, conn, p, true); err != nil {
		return err
	}
	for _, definition := range definitions {
		if _, err := conn.Exec(ctx, definition); err != nil {
			return fmt.Errorf("make an index of %s: %w", p.Schema(), err)
		}
	}
	tables, err := tablesOf(ctx, conn, p.Schema())
	if err != nil {
		return err
	}
	for _, table := range tables {
		if _, err := conn.Exec(ctx, "analyze "+pgx.Identifier{p.Schema(), table}.Sanitize()); err != nil {
			return fmt.Errorf("analyze %s.%s: %w", p.Schema(), table, err)
		}
	}
	if _, err := conn.Exec(ctx, noteIndexesSQL, p.Name, p.Version, string(p.slot), []string{}); err != nil {
		return fmt.Errorf("note that %s has its indexes: %w", p.Schema(), err)
	}
	return nil
}

func tablesOf(ctx context.Context, db DB, schema string) ([]string, error) {
	rows, err := db.Query(ctx, tablesSQL, schema)
	if err != nil {
		return nil, fmt.Errorf("list the tables of %s: %w", schema, err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("list the tables of %s: %w", schema, err)
	}
	return tables, nil
}
