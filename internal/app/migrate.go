package app

import (
	"context"
	"errors"

	"github.com/rosterhq/roster/internal/config"
	"github.com/rosterhq/roster/projections"
	"github.com/rosterhq/roster/projections/runtime"
)

// MigrateDatabase brings a PostgreSQL of the operator's up to date, with the role that
// its DATABASE_URL names, and grants separate roles their rights.
type MigrateDatabase struct {
	Settings config.API // those of the server
}

// ErrPrivateDatabase says that there is nothing to migrate by hand.
var ErrPrivateDatabase = errors.New("DATABASE_URL is not set; the PostgreSQL of a data directory is migrated by its server")

// Run may be repeated, and run beside servers and projectors of this release and the
// one before. Errors: ErrPrivateDatabase, runtime.ErrNotMigrated.
func (o MigrateDatabase) Run(ctx context.Context) (runtime.Prepared, error) {
	if o.Settings.DatabaseURL == "" {
		return runtime.Prepared{}, ErrPrivateDatabase
	}
	if err := checkDatabaseURL(o.Settings.DatabaseURL); err != nil {
		return runtime.Prepared{}, err
	}
	if err := reachDatabase(ctx, o.Settings.DatabaseURL); err != nil {
		return runtime.Prepared{}, err
	}
	return runtime.Prepare(ctx, o.Settings.DatabaseURL, projections.All())
}
