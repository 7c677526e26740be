-- +goose Up
-- What processes that only read may ask for: functions with the rights of who owns
-- them. Each finds every name where it says, whatever the caller's search_path is, and
-- nobody may call one who was not granted it.

-- Comparisons of a read model with its log that somebody waits for: the newest of each.
create table comparisons (
    name         text        not null,
    version      integer     not null,
    ticket       uuid        not null, -- of who waits
    state        text        not null, -- requested, running, done, failed, cancelled
    requested_by text        not null,
    requested_at timestamptz not null,
    updated_at   timestamptz not null, -- while it runs: that the process that compares lives
    result       json,
    refusal      text        not null default '', -- why there is none, for programs
    error        text        not null default '', -- and for people
    primary key (name, version)
);

-- +goose StatementBegin
create function is_model(model text, of_version integer) returns boolean
    language sql stable set search_path = pg_catalog, pg_temp as $$
    select exists (select from roster.schemas s where s.schema = model || '_v' || of_version)
        or exists (select from roster.checkpoints c where c.name = model and c.version = of_version)
        or exists (select from roster.rebuilds r where r.name = model and r.version = of_version)
$$;
-- +goose StatementEnd

-- +goose StatementBegin
create function request_rebuild(model text, of_version integer, into_slot text, asked_by text, rate_limit bigint, forget boolean) returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    asked bigint;
begin
    if into_slot not in ('', 'next', 'kept') or rate_limit < 0 or not roster.is_model(model, of_version) then
        raise exception 'there is no such read model, copy or rate' using errcode = 'invalid_parameter_value';
    end if;
    insert into roster.rebuilds as r (name, version, slot, state, requested_by, requested_at, max_rate, updated_at)
    values (model, of_version, into_slot, 'requested', left(asked_by, 200), now(), rate_limit, now())
    on conflict (name, version, slot) do update set state = 'requested', cancel = false, requested_by = excluded.requested_by,
        requested_at = excluded.requested_at, max_rate = excluded.max_rate, updated_at = now(), finished_at = null, error = '',
        events = case when r.state = 'cancelled' then r.events else 0 end, total = case when r.state = 'cancelled' then r.total else 0 end,
        release = case when r.state = 'cancelled' and not forget then r.release else '' end, rate = 0
    where r.state not in ('requested', 'building', 'indexing', 'switching');
    get diagnostics asked = row_count;
    perform pg_notify('roster_rebuild', '');
    return asked;
end
$$;
-- +goose StatementEnd

-- +goose StatementBegin
create function cancel_rebuild(model text, of_version integer) returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    cancelled bigint;
begin
    update roster.rebuilds set cancel = true, updated_at = now(),
        state = case when state = 'requested' then 'cancelled' else state end,
        finished_at = case when state = 'requested' then now() end
    where name = model and version = of_version and slot in ('', 'next', 'kept') and state in ('requested', 'building', 'indexing');
    get diagnostics cancelled = row_count;
    perform pg_notify('roster_rebuild', '');
    return cancelled;
end
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- of_aggregate '' means all.
create function request_redrive(of_schema text, of_aggregate text) returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    asked bigint;
begin
    insert into roster.redrives (name, version, aggregate, requested_at)
    select distinct name, version, aggregate, now() from roster.parked
    where name || '_v' || version = of_schema and (of_aggregate = '' or aggregate = of_aggregate)
    on conflict (name, version, aggregate) do update set requested_at = excluded.requested_at;
    get diagnostics asked = row_count;
    return asked;
end
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Who drops an event, and why, is kept.
create function drop_parked(of_schema text, at_sequence bigint, who text, why text) returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    dropped bigint;
begin
    with gone as (
        delete from roster.parked where name || '_v' || version = of_schema and sequence = at_sequence
        returning name, version, stream, sequence, event_id, type, aggregate, error
    ), noted as (
        insert into roster.parked_drops (name, version, stream, sequence, event_id, type, aggregate, error, dropped_at, dropped_by, reason)
        select name, version, stream, sequence, event_id, type, aggregate, error, now(), who, why from gone
    )
    insert into roster.redrives (name, version, aggregate, requested_at) select name, version, aggregate, now() from gone
    on conflict (name, version, aggregate) do update set requested_at = excluded.requested_at;
    get diagnostics dropped = row_count;
    return dropped;
end
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- It answers with the ticket; null while another comparison runs. One that nobody has
-- been at for a while was left by a process that ended.
create function request_comparison(model text, of_version integer, asked_by text) returns uuid
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    given uuid;
begin
    if not roster.is_model(model, of_version) then
        raise exception 'there is no such read model' using errcode = 'invalid_parameter_value';
    end if;
    insert into roster.comparisons as c (name, version, ticket, state, requested_by, requested_at, updated_at)
    values (model, of_version, gen_random_uuid(), 'requested', left(asked_by, 200), now(), now())
    on conflict (name, version) do update set ticket = excluded.ticket, state = 'requested', requested_by = excluded.requested_by,
        requested_at = now(), updated_at = now(), result = null, refusal = '', error = ''
    where c.state not in ('requested', 'running') or c.updated_at < now() - interval '20 seconds'
    returning ticket into given;
    perform pg_notify('roster_compare', '');
    return given;
end
$$;
-- +goose StatementEnd

-- +goose StatementBegin
create function cancel_comparison(of_ticket uuid) returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    cancelled bigint;
begin
    update roster.comparisons set state = 'cancelled', updated_at = now() where ticket = of_ticket and state in ('requested', 'running');
    get diagnostics cancelled = row_count;
    return cancelled;
end
$$;
-- +goose StatementEnd

revoke all on function is_model(text, integer), request_rebuild(text, integer, text, text, bigint, boolean), cancel_rebuild(text, integer),
    request_redrive(text, text), drop_parked(text, bigint, text, text), request_comparison(text, integer, text),
    cancel_comparison(uuid) from public;

-- +goose Down
drop function cancel_comparison(uuid), request_comparison(text, integer, text), drop_parked(text, bigint, text, text),
    request_redrive(text, text), cancel_rebuild(text, integer), request_rebuild(text, integer, text, text, bigint, boolean),
    is_model(text, integer);
drop table comparisons;
