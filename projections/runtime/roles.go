package runtime

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// The roles of deploy/postgres/roles.sql.
const (
	migratorRole  = "roster_migrator"
	projectorRole = "roster_projector"
	apiRole       = "roster_api"
)

//go:embed grants.sql
var grants string

// Errors of a role that may not do all that Migrate finds missing.
var (
	// ErrNotMigrated says that a person has to migrate the database first.
	ErrNotMigrated = errors.New("the database is not migrated to this release")
	// ErrAwaitsProjectors says that read models lack their tables, which projectors
	// make when they start.
	ErrAwaitsProjectors = errors.New("read models wait for the projectors of this release")
)

// access is what a connection's role may do about schemas.
type access struct {
	role     string
	separate bool // the database has separate roles
	own      bool // it may change the runtime's own schema
	models   bool // and those of read models
}

// accessSQL looks for the mark that roles.sql leaves in the database: a grant to one
// of its roles. The roles themselves are those of the whole server.
const accessSQL = `with separated as (
		select exists (select from pg_database d, aclexplode(d.datacl) a join pg_roles r on r.oid = a.grantee
			where d.datname = current_database() and r.rolname = $3) as yes
	), may as (
		select coalesce((select pg_has_role(n.nspowner, 'usage') from pg_namespace n where n.nspname = $4),
			has_database_privilege(current_database(), 'create')) as everything
	)
	select current_user, s.yes,
		case when s.yes then coalesce((select pg_has_role(oid, 'member') from pg_roles where rolname = $1), false) else m.everything end,
		case when s.yes then coalesce((select pg_has_role(oid, 'member') from pg_roles where rolname = $2), false) else m.everything end
	from separated s, may m`

func accessOf(ctx context.Context, conn *pgx.Conn) (access, error) {
	var a access
	err := conn.QueryRow(ctx, accessSQL, migratorRole, projectorRole, apiRole, ownSchema).Scan(&a.role, &a.separate, &a.own, &a.models)
	if err != nil {
		return a, fmt.Errorf("ask for the rights of the role: %w", err)
	}
	return a, nil
}

// owner is the role that a schema belongs to; "" for the connection's own.
func (a access) owner(schema string) string {
	switch {
	case !a.separate:
		return ""
	case schema == ownSchema:
		return migratorRole
	}
	return projectorRole
}

// refuse explains what is missing and may not be made here.
func (a access) refuse(missing []schemaMigrations) error {
	var names []string
	own := false
	for _, m := range missing {
		names = append(names, fmt.Sprintf("%s (to %d)", m.schema, m.newest))
		own = own || m.schema == ownSchema
	}
	if a.separate && !own {
		return fmt.Errorf("%w: %s", ErrAwaitsProjectors, strings.Join(names, ", "))
	}
	return fmt.Errorf("%w, and its role %s may not do it: run `roster migrate` with the DATABASE_URL of a role that may; missing: %s",
		ErrNotMigrated, a.role, strings.Join(names, ", "))
}

// prepare makes, in the migrator's name, the extensions that read models need, and
// lets the other roles at what it owns.
func prepare(ctx context.Context, conn *pgx.Conn, wanted []schemaMigrations) error {
	return as(ctx, conn, migratorRole, func() error {
		for _, m := range wanted {
			for _, name := range m.extensions {
				if _, err := ensureExtension(ctx, conn, name); err != nil {
					return err
				}
			}
		}
		if _, err := conn.Exec(ctx, grants); err != nil {
			return fmt.Errorf("grant the roles their rights: %w", err)
		}
		return nil
	})
}

// show lets the api read a read model.
func show(ctx context.Context, conn *pgx.Conn, schema string) error {
	name := pgx.Identifier{schema}.Sanitize()
	if _, err := conn.Exec(ctx, fmt.Sprintf("grant usage on schema %[1]s to %[2]s; grant select on all tables in schema %[1]s to %[2]s",
		name, apiRole)); err != nil {
		return fmt.Errorf("let %s read %s: %w", apiRole, schema, err)
	}
	return nil
}

// as does something in another role's name; "" for one's own.
func as(ctx context.Context, conn *pgx.Conn, role string, do func() error) (err error) {
	if role == "" {
		return do()
	}
	if _, err := conn.Exec(ctx, "set role "+pgx.Identifier{role}.Sanitize()); err != nil {
		return fmt.Errorf("act as %s: %w", role, err)
	}
	defer func() {
		_, reset := conn.Exec(context.WithoutCancel(ctx), "reset role")
		err = errors.Join(err, reset)
	}()
	return do()
}
