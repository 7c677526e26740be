package runtime_test

import (
	"context"
	"net/url"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/testenv"
	"github.com/rosterhq/roster/projections/runtime"
)

// searchable is a projection whose table needs an extension.
func searchable(extension string) runtime.Projection {
	return runtime.Projection{
		Name: "searchable", Version: 1, Stream: events.Roster, Extensions: []string{extension},
		Migrations: fstest.MapFS{"00001_t.sql": {Data: []byte("-- +goose Up\ncreate table t (a text);\ncreate index on t using gin (a gin_trgm_ops);\n")}},
	}
}

func execute(t *testing.T, dsn string, statements ...string) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, dsn)
	require.NoError(t, err)
	defer conn.Close(ctx)
	for _, sql := range statements {
		_, err := conn.Exec(ctx, sql)
		require.NoError(t, err, sql)
	}
}

func TestExtensionIsMadeOnceByManyProcesses(t *testing.T) {
	t.Parallel()
	dsn := testenv.Postgres(t)
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			if err := runtime.Migrate(context.Background(), dsn, []runtime.Projection{searchable("pg_trgm")}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestExtensionMayLieElsewhere(t *testing.T) {
	t.Parallel()
	dsn := testenv.Postgres(t)
	execute(t, dsn, `create schema "Extra things"`, `create extension pg_trgm with schema "Extra things"`)
	require.NoError(t, runtime.Migrate(context.Background(), dsn, []runtime.Projection{searchable("pg_trgm")}))
}

func TestMissingExtensionSaysWhatToDo(t *testing.T) {
	t.Parallel()
	dsn := testenv.Postgres(t)
	err := runtime.Migrate(context.Background(), dsn, []runtime.Projection{searchable("no_such_thing")})
	require.ErrorContains(t, err, "does not have the extension no_such_thing: install it")

	// A role that owns its schemas, and an extension that is an administrator's to make.
	config, err := pgx.ParseConfig(dsn)
	require.NoError(t, err)
	role := "limited_" + config.Database
	execute(t, dsn, "create role "+role+" login", "grant create on database "+config.Database+" to "+role, "drop schema roster, searchable_v1 cascade")
	t.Cleanup(func() { execute(t, dsn, "drop owned by "+role, "drop role "+role) })
	err = runtime.Migrate(context.Background(), as(t, dsn, role), []runtime.Projection{searchable("pageinspect")})
	require.ErrorContains(t, err, `run "create extension pageinspect" there as an administrator`)
	require.NoError(t, runtime.Migrate(context.Background(), as(t, dsn, role), []runtime.Projection{searchable("pg_trgm")}))
}

// as is an address with another role.
func as(t *testing.T, dsn, role string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	values := u.Query()
	values.Set("user", role)
	u.RawQuery = values.Encode()
	return u.String()
}
