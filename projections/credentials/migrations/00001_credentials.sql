-- +goose Up
-- What a credential check needs of the account, so that one read model answers it.
create table accounts (
    user_id   uuid primary key,
    status    text   not null,
    confirmed boolean not null,
    epoch     bigint not null default 0,
    roles     text[] not null default '{}',
    position  bigint not null
);

create table keys (
    id          text primary key,
    user_id     uuid        not null,
    login_type  text        not null, -- 'token' for API keys, else a session
    name        text        not null default '',
    scopes      text[]      not null,
    secret_hash bytea       not null,
    epoch       bigint      not null,
    ip          text        not null default '',
    user_agent  text        not null default '',
    created_at  timestamptz not null,
    updated_at  timestamptz not null,
    expires_at  timestamptz not null
);
create index keys_user on keys (user_id, created_at desc, id desc);

-- +goose Down
drop table keys, accounts;
