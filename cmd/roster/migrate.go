package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/rosterhq/roster/internal/app"
)

type migrateCommand struct{}

// Help is shown by --help.
func (migrateCommand) Help() string {
	return `For a PostgreSQL whose roles are separate (deploy/postgres/roles.sql): servers and projectors may not change the schema
roster, so that a person runs this before a new release, with a DATABASE_URL of a member of roster_migrator. It makes what
this release adds, and grants the other roles their rights. The tables of read models are made by the projectors.

Where one role does everything it may be run, too; servers and projectors do the same when they start.

It may be repeated, and run while the release before goes on.

Examples:

  DATABASE_URL=postgres://migrator@db.example.com/roster roster migrate
`
}

// Run migrates.
func (*migrateCommand) Run(ctx context.Context, o outputs) error {
	settings, err := offlineSettings("migrate", "")
	if err != nil {
		return usageError{err}
	}
	done, err := app.MigrateDatabase{Settings: settings}.Run(ctx)
	if errors.Is(err, app.ErrPrivateDatabase) {
		return usageError{err}
	}
	if err != nil {
		return fmt.Errorf("migrate the database: %w", err)
	}
	said := "nothing was missing"
	if len(done.Migrated) > 0 {
		said = "migrated " + strings.Join(done.Migrated, ", ")
	}
	if done.Granted {
		said += "; granted the roles their rights"
	}
	if done.Waiting != "" {
		_, _ = fmt.Fprintln(o.err, done.Waiting)
	}
	_, err = fmt.Fprintln(o.out, said)
	return err
}
