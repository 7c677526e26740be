-- +goose Up
-- The last uses of keys, folded from a stream that may lose messages: no
-- projection, and not rebuilt with one.
create table key_usage (
    key_id     text primary key,
    user_id    uuid        not null,
    last_used  timestamptz not null,
    expires_at timestamptz not null -- until when that use prolonged the key's life
) with (fillfactor = 80);

create table user_usage (
    user_id      uuid primary key,
    last_seen_at timestamptz not null
) with (fillfactor = 80);

-- Until when the stream was folded, by the server's clock.
create table usage_progress (
    one       boolean primary key default true check (one),
    folded_at timestamptz not null
);

-- +goose Down
drop table usage_progress, user_usage, key_usage;
