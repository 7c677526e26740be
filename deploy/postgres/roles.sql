-- Three roles that share what Roster does in PostgreSQL. They are groups: give each
-- process a login role of its own that is a member of one of them.
--
--   roster_migrator   owns the database and the schema roster; for `roster migrate`
--   roster_projector  owns the read models, each a schema, and makes new ones; for projector
--   roster_api        reads, and may call the few functions it is granted; for api
--
-- Run it as a superuser who is connected to Roster's database:
--
--   psql --dbname=roster --set=ON_ERROR_STOP=1 --file=roles.sql
--
-- and `roster migrate` after it, which grants what depends on tables. Both may be run
-- again, and on a database that one role owned until now.
begin;

do $$
declare
    name text;
begin
    foreach name in array array['roster_migrator', 'roster_projector', 'roster_api'] loop
        if not exists (select from pg_roles where rolname = name) then
            execute format('create role %I nologin', name);
        end if;
    end loop;
end
$$;

-- Nobody is let in, and nothing is granted, by being anybody.
do $$
begin
    execute format('alter database %I owner to roster_migrator', current_database());
    execute format('revoke all on database %I from public', current_database());
    execute format('grant connect on database %I to roster_projector, roster_api', current_database());
end
$$;
revoke all on schema public from public;
-- Large objects are outside all schemas.
revoke execute on function lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea) from public;

-- What is there already: the schema roster, and read models, which are known by the
-- table of their migrations.
do $$
declare
    thing record;
begin
    for thing in
        select n.oid, n.nspname, case n.nspname when 'roster' then 'roster_migrator' else 'roster_projector' end as owner
        from pg_namespace n
        where n.nspname = 'roster' or n.nspname ~ '^[a-z]+_v[0-9]+(_[a-z]+)?$'
            and exists (select from pg_class c where c.relnamespace = n.oid and c.relname = 'goose_db_version')
    loop
        execute format('alter schema %I owner to %I', thing.nspname, thing.owner);
    end loop;
    for thing in
        select n.nspname, c.relname, pg_get_userbyid(n.nspowner) as owner
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind = 'r' and pg_get_userbyid(n.nspowner) in ('roster_migrator', 'roster_projector')
    loop
        execute format('alter table %I.%I owner to %I', thing.nspname, thing.relname, thing.owner);
    end loop;
    for thing in select nspname from pg_namespace where pg_get_userbyid(nspowner) = 'roster_projector' loop
        execute format('grant usage on schema %I to roster_api', thing.nspname);
        execute format('grant select on all tables in schema %I to roster_api', thing.nspname);
    end loop;
    for thing in
        select p.oid::regprocedure::text as called, pg_get_userbyid(n.nspowner) as owner
        from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where pg_get_userbyid(n.nspowner) in ('roster_migrator', 'roster_projector')
            and not exists (select from pg_depend d where d.objid = p.oid and d.classid = 'pg_proc'::regclass and d.deptype = 'e')
    loop
        execute format('alter function %s owner to %I', thing.called, thing.owner);
    end loop;
    -- Where an administrator made the extension elsewhere.
    for thing in
        select n.nspname from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'pg_trgm' and n.nspname <> 'roster'
    loop
        execute format('grant usage on schema %I to roster_migrator, roster_projector, roster_api', thing.nspname);
    end loop;
end
$$;

commit;
