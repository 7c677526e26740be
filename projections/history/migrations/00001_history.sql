-- +goose Up
-- Each identity event as the log holds it, still sealed, by its aggregate. Nothing
-- is ever changed or deleted: whoever is erased is erased by their data key.
create table events (
    aggregate uuid        not null,
    position  bigint      not null, -- in the ROSTER stream
    kind      text        not null, -- of the aggregate
    type      text        not null,
    time      timestamptz not null, -- of the envelope
    actor     text,                 -- null for the user whom the event is about
    dialect   text        not null,
    headers   text        not null, -- those that the columns do not tell: a JSON object
    body      bytea       not null,
    primary key (aggregate, position)
);
-- Sealed bytes do not shrink: trying it would be most of the work.
alter table events alter column body set storage external;
-- Both grow at the right edge of a few runs, so that a row costs them little.
create index events_actor on events (actor, position) where actor is not null;
create index events_type on events (type, position);

-- +goose Down
drop table events;
