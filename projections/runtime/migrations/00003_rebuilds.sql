-- +goose Up
alter table checkpoints
    add column holder        text not null default '', -- who took the lock last, for people
    add column superseded_at timestamptz;              -- since when another copy or version serves in its stead

-- Copies and versions of read models that are built beside the serving ones, and
-- how that goes: a request, and the last outcome, of each.
create table rebuilds (
    name         text        not null,
    version      integer     not null,
    slot         text        not null, -- '' for a version that never served, else which copy it is
    state        text        not null, -- requested, building, indexing, switching, done, cancelled, failed
    cancel       boolean     not null default false,
    requested_by text        not null,
    requested_at timestamptz not null,
    max_rate     bigint,               -- events a second; null: half of what the machine can; 0: all it can
    release      text        not null default '', -- that builds, and the run of PostgreSQL that holds what is built
    indexes      text[]      not null default '{}', -- to be made when the rows are there
    events       bigint      not null default 0,  -- done
    total        bigint      not null default 0,
    rate         double precision not null default 0, -- events a second, lately
    builder      text        not null default '', -- process, for people
    started_at   timestamptz,
    updated_at   timestamptz not null,
    finished_at  timestamptz,
    error        text        not null default '',
    primary key (name, version, slot)
);

-- Parked events that a person took out: they are missing in the read model.
create table parked_drops (
    name       text        not null,
    version    integer     not null,
    stream     text        not null,
    sequence   bigint      not null,
    event_id   text        not null,
    type       text        not null,
    aggregate  text        not null,
    error      text        not null,
    dropped_at timestamptz not null,
    dropped_by text        not null,
    reason     text        not null,
    primary key (name, version, sequence, dropped_at)
);

-- +goose Down
drop table parked_drops, rebuilds;
alter table checkpoints drop column holder, drop column superseded_at;
