-- +goose Up
-- What is migrated, so that a start with nothing to do asks one table.
create table schemas (
    schema   text primary key,
    migrated bigint not null
);

create table checkpoints (
    name       text        not null,
    version    integer     not null,
    stream     text        not null,
    sequence   bigint      not null, -- of the last message projected
    event_id   text        not null, -- of that message
    stopped    text        not null default '', -- why it does not go on, for people
    updated_at timestamptz not null,
    primary key (name, version)
) with (fillfactor = 50); -- room for updates in place

-- Events that could not be projected, and the later ones of their aggregates.
create table parked (
    name            text        not null,
    version         integer     not null,
    stream          text        not null,
    sequence        bigint      not null,
    event_id        text        not null,
    type            text        not null,
    aggregate       text        not null,
    subject         text        not null,
    headers         json        not null, -- json, not jsonb: kept as stored, byte for byte
    data            bytea       not null, -- sealed, as stored
    error           text        not null, -- empty: waits behind an earlier one
    attempts        integer     not null,
    handler_version text        not null, -- the release that tried
    parked_at       timestamptz not null,
    primary key (name, version, sequence)
);
create index parked_aggregate on parked (name, version, aggregate, sequence);

-- Requests to replay what is parked, executed by the holder of the lock.
create table redrives (
    name         text        not null,
    version      integer     not null,
    aggregate    text        not null,
    requested_at timestamptz not null,
    primary key (name, version, aggregate)
);

-- +goose Down
drop table redrives, parked, checkpoints, schemas;
