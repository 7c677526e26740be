package runtime

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	insufficientPrivilege = "42501"
	featureNotSupported   = "0A000" // no such extension on this server
	undefinedFile         = "58P01" // its files are missing
)

// ensureExtension returns the schema that holds an extension, making it in the
// runtime's own schema where the database has none. A database may have it
// elsewhere: there is one of each extension in a database. Roster's processes wait
// for each other before they get here; others may make it at the same time.
func ensureExtension(ctx context.Context, conn *pgx.Conn, name string) (schema string, err error) {
	if schema, err = extensionSchema(ctx, conn, name); err != nil || schema != "" {
		return schema, err
	}
	_, failed := conn.Exec(ctx, fmt.Sprintf("create extension if not exists %s with schema %s",
		pgx.Identifier{name}.Sanitize(), pgx.Identifier{ownSchema}.Sanitize()))
	if schema, err = extensionSchema(ctx, conn, name); err != nil || schema != "" {
		return schema, err // made here, or by somebody else meanwhile
	}
	return "", missingExtension(name, failed)
}

func extensionSchema(ctx context.Context, conn *pgx.Conn, name string) (schema string, err error) {
	err = conn.QueryRow(ctx, `select n.nspname from pg_extension e join pg_namespace n on n.oid = e.extnamespace
		where e.extname = $1`, name).Scan(&schema)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("look for the extension %s: %w", name, err)
	}
	return schema, nil
}

// missingExtension tells the operator what to do.
func missingExtension(name string, err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return fmt.Errorf("create the extension %s: %w", name, err)
	}
	switch pg.Code {
	case insufficientPrivilege:
		return fmt.Errorf(`the database lacks the extension %[1]s and this role may not create it: `+
			`run "create extension %[1]s" there as an administrator, or grant the role create on the database: %[2]w`, name, err)
	case featureNotSupported, undefinedFile:
		return fmt.Errorf("this PostgreSQL does not have the extension %s: install it on the server "+
			"(it comes with PostgreSQL, often as the package postgresql-contrib): %w", name, err)
	}
	return fmt.Errorf("create the extension %s: %w", name, err)
}
