-- What the roles of deploy/postgres/roles.sql may do with what the migrator owns. It
-- is run by the migrator after every migration, and takes back what it does not grant.
do $$
begin
    execute format('grant create on database %I to roster_projector', current_database());
end
$$;
grant usage on schema roster to roster_projector, roster_api;
revoke all on all tables in schema roster from public, roster_projector, roster_api;
grant select on all tables in schema roster to roster_projector, roster_api;
revoke all on roster.goose_db_version from roster_projector, roster_api;

grant insert, update, delete on roster.schemas, roster.checkpoints, roster.parked, roster.redrives to roster_projector;
grant insert, update on roster.rebuilds, roster.key_usage, roster.user_usage, roster.usage_progress to roster_projector;
grant update on roster.comparisons to roster_projector;

grant execute on function roster.request_rebuild(text, integer, text, text, bigint, boolean), roster.cancel_rebuild(text, integer),
    roster.request_redrive(text, text), roster.drop_parked(text, bigint, text, text),
    roster.request_comparison(text, integer, text), roster.cancel_comparison(uuid) to roster_api;
