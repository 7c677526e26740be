-- The roles, and a login role for each kind of process, with its password from the
-- environment. For psql, as the superuser; docker-compose.yml runs it at each start.
\set ON_ERROR_STOP on
\set QUIET on
\getenv migrator POSTGRES_MIGRATOR_PASSWORD
\getenv projector POSTGRES_PROJECTOR_PASSWORD
\getenv api POSTGRES_API_PASSWORD
\ir roles.sql

select format('create role %I login in role %I', login, 'roster_' || login)
from unnest(array['migrator', 'projector', 'api']) as login
where not exists (select from pg_roles where rolname = login)
\gexec
-- Passwords are kept out of the server's log and of pg_stat_activity.
begin;
set local log_statement = 'none';
set local log_min_error_statement = 'panic';
set local track_activities = off;
alter role migrator password :'migrator';
alter role projector password :'projector';
alter role api password :'api';
commit;
