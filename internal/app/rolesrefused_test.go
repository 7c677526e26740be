package app_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
)

const insufficientPrivilege = "42501"

// refuse connects as each role and tries what it must not do.
func refuse(t *testing.T, admin string) {
	t.Helper()
	_, err := pgx.Connect(t.Context(), dsnAs(t, admin, loginNobody))
	require.ErrorContains(t, err, "permission denied for database")

	conn := connectAs(t, admin, "")
	tables := tablesToTry(t, conn)
	require.Greater(t, len(tables), 25, "of the runtime and of all read models")
	api, projector, migrator := connectAs(t, admin, loginAPI), connectAs(t, admin, loginProjector), connectAs(t, admin, loginMigrator)
	for _, table := range tables {
		denied(t, api, table.changes()...)
		denied(t, api, table.alterations()...)
		if table.schema == "roster" {
			denied(t, projector, table.alterations()...)
		} else {
			denied(t, migrator, append(table.alterations(), table.read())...)
		}
		if table.name() == "roster.goose_db_version" {
			denied(t, api, table.read())
			denied(t, projector, append(table.changes(), table.read())...)
			continue
		}
		_, err := api.Exec(t.Context(), table.read())
		require.NoError(t, err, table.name())
	}
	for _, schema := range []string{"roster", "public", "users_v2", "statistics_v1", "users_v2_kept"} {
		denied(t, api, alterationsOf(schema)...)
		if schema == "roster" || schema == "public" {
			denied(t, projector, alterationsOf(schema)...)
		} else {
			denied(t, migrator, alterationsOf(schema)...)
		}
	}
	denied(t, projector,
		"insert into roster.parked_drops default values", "update roster.parked_drops set reason = ''", "delete from roster.parked_drops",
		"insert into roster.comparisons default values", "delete from roster.comparisons", "delete from roster.rebuilds", "delete from roster.key_usage",
		"select roster.drop_parked('users_v2', 1, '', '')", "select roster.request_rebuild('users', 2, '', '', 0, false)",
		"create or replace function roster.is_model(text, integer) returns boolean language sql as 'select true'",
		"alter function roster.drop_parked(text, bigint, text, text) reset all", "drop function roster.cancel_rebuild(text, integer)",
		"set role roster_migrator", "set role roster_api", "set role "+loginMigrator)
	denied(t, api,
		"create schema x", "create temp table x (a int)", "select lo_create(0)", "select lo_from_bytea(0, 'x')",
		"set role roster_migrator", "set role roster_projector", "set role "+loginProjector,
		"select roster.is_model('users', 2)",
		"select pg_terminate_backend(pid) from pg_stat_activity where usename = 'roster'")
	denied(t, migrator, "set role roster_projector", "set role roster_api")
	for _, conn := range []*pgx.Conn{api, projector, migrator} {
		for _, sql := range ofTheServer {
			_, err := conn.Exec(t.Context(), sql) // some may not be in a transaction
			refusedFor(t, conn, sql, err)
		}
	}
	handOn(t, projector, "roster", "checkpoints")
	handOn(t, api, "roster", "parked")
	handOn(t, api, "users_v2", "users")
	doors(t, conn, api)
}

// ofTheServer is what no role of Roster's may do.
var ofTheServer = []string{
	"create role x", "alter role roster superuser", "alter role roster_api login", "grant roster_migrator to " + loginAPI, "create database x",
	"drop role " + loginNobody, "set role roster", "set session authorization roster", "alter system set fsync = off",
	"select from pg_authid", "select pg_read_file('PG_VERSION')", "select pg_ls_dir('.')", "select lo_import('/etc/passwd')",
	"copy (select 1) to program 'true'", "copy (select 1) to '/tmp/roster-x'", "select pg_reload_conf()",
	"create extension file_fdw with schema pg_catalog", "create function pg_catalog.x() returns int language sql as 'select 1'",
	"create function public.x() returns int language c as 'x'",
	"create event trigger x on ddl_command_start execute function pg_catalog.suppress_redundant_updates_trigger()",
}

// doors are closed but for what they are for.
func doors(t *testing.T, admin, api *pgx.Conn) {
	t.Helper()
	var wide []string
	require.NoError(t, admin.QueryRow(t.Context(), `select coalesce(array_agg(p.oid::regprocedure::text), '{}') from pg_proc p
		where p.prosecdef and p.pronamespace::regnamespace::text !~ '^pg_' and (
			not coalesce(p.proconfig, '{}') @> array['search_path=pg_catalog, pg_temp']
			or pg_get_userbyid(p.proowner) <> 'roster_migrator'
			or exists (select from aclexplode(p.proacl) a where a.grantee = 0) or p.proacl is null)`).Scan(&wide))
	require.Empty(t, wide, "others could come through these, or choose what they call")
	var public bool
	require.NoError(t, admin.QueryRow(t.Context(), `select has_schema_privilege('public', 'public', 'usage')
		or has_schema_privilege('public', 'public', 'create') or has_database_privilege('public', current_database(), 'connect')
		or has_database_privilege('public', current_database(), 'temp')`).Scan(&public))
	require.False(t, public, "nobody may do anything by being anybody")

	for _, sql := range []string{
		"select roster.request_rebuild('nobody', 1, '', '', 0, false)",
		"select roster.request_rebuild('users', 2, 'check', '', 0, false)",
		"select roster.request_rebuild('users', 2, 'next', '', -1, false)",
		"select roster.request_rebuild('users''; drop table roster.parked; --', 2, 'next', '', 0, false)",
		"select roster.request_comparison('nobody', 1, '')",
	} {
		_, err := api.Exec(t.Context(), sql)
		require.ErrorContains(t, err, "there is no such read model", sql)
	}
	// Names of the caller's are not looked at.
	_, err := api.Exec(t.Context(), "set search_path = users_v2, roster, pg_catalog")
	require.NoError(t, err)
	var n int
	require.NoError(t, api.QueryRow(t.Context(), "select roster.request_redrive('users_v2', '')").Scan(&n))
	require.Zero(t, n)
}

// denied says that each statement is refused for want of a right, and not for another
// reason.
func denied(t *testing.T, conn *pgx.Conn, statements ...string) {
	t.Helper()
	for _, sql := range statements {
		_, err := conn.Exec(t.Context(), "begin; "+sql+"; rollback")
		refusedFor(t, conn, sql, err)
		_, err = conn.Exec(t.Context(), "rollback")
		require.NoError(t, err)
	}
}

func refusedFor(t *testing.T, conn *pgx.Conn, sql string, err error) {
	t.Helper()
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != insufficientPrivilege {
		t.Errorf("%s may: %s (%v)", conn.Config().User, sql, err)
	}
}

// handOn tries to give others what one has: PostgreSQL warns, and does nothing.
func handOn(t *testing.T, conn *pgx.Conn, schema, table string) {
	t.Helper()
	name := schema + "." + table
	_, err := conn.Exec(t.Context(), "begin; grant all on schema "+schema+" to public; grant all on "+name+" to public")
	require.NoError(t, err)
	var public bool
	require.NoError(t, conn.QueryRow(t.Context(), `select has_schema_privilege('public', $1, 'usage')
		or has_table_privilege('public', $2, 'select')`, schema, name).Scan(&public))
	require.False(t, public, "%s gave %s to everybody", conn.Config().User, name)
	_, err = conn.Exec(t.Context(), "rollback")
	require.NoError(t, err)
}

type triedTable struct{ schema, table, column string }

func tablesToTry(t *testing.T, conn *pgx.Conn) []triedTable {
	t.Helper()
	rows, err := conn.Query(t.Context(), `select n.nspname, c.relname, a.attname from pg_class c join pg_namespace n on n.oid = c.relnamespace
		join pg_attribute a on a.attrelid = c.oid and a.attnum = 1
		where c.relkind = 'r' and n.nspname !~ '^(pg_|information)' order by 1, 2`)
	require.NoError(t, err)
	tables, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (x triedTable, err error) {
		return x, row.Scan(&x.schema, &x.table, &x.column)
	})
	require.NoError(t, err)
	return tables
}

func (x triedTable) name() string { return x.schema + "." + x.table }

func (x triedTable) read() string { return "select from " + x.name() }

func (x triedTable) changes() []string {
	return []string{
		"insert into " + x.name() + " default values", "update " + x.name() + " set " + x.column + " = default",
		"delete from " + x.name(),
	}
}

func (x triedTable) alterations() []string {
	return []string{
		"truncate " + x.name(), "drop table " + x.name(), "alter table " + x.name() + " add column x int",
		"alter table " + x.name() + " owner to current_user", "create index on " + x.name() + " (" + x.column + ")",
		"create trigger x before insert on " + x.name() + " execute function suppress_redundant_updates_trigger()",
	}
}

func alterationsOf(schema string) []string {
	return strings.Split("create table "+schema+".x (a int)|create function "+schema+".x() returns int language sql as 'select 1'|"+
		"create view "+schema+".x as select 1|drop schema "+schema+" cascade|alter schema "+schema+" rename to x|"+
		"alter schema "+schema+" owner to current_user", "|")
}
