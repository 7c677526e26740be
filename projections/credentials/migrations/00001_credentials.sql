-- +goose Up
-- What a credential check needs of the account, so that one read model answers it.
create table accounts (
    user_id     uuid primary key,
    status      text    not null,
    confirmed   boolean not null,
    epoch       bigint  not null default 0,
    roles       text[]  not null default '{}',
    memberships jsonb   not null default '[]', -- [{"organization":uuid,"roles":[...]}], whether it lives or not
    position    bigint  not null
);

-- Which organizations live: rights in others are void.
create table organization_states (
    organization_id uuid primary key,
    live            boolean not null,
    position        bigint  not null
);

create table keys (
    id          text primary key,
    user_id     uuid        not null,
    login_type  text        not null, -- 'token' for API keys, else a session
    name        text        not null default '',
    scopes      text[]      not null,
    allow_list  jsonb       not null default '[]', -- [{"type":..,"id":..}]; none: everything
    lifetime    bigint      not null, -- seconds that each use gives again
    secret_hash bytea       not null,
    epoch       bigint      not null,
    generation  bigint      not null default 0, -- how often a session was refreshed
    ip          text        not null default '',
    user_agent  text        not null default '',
    created_at  timestamptz not null,
    updated_at  timestamptz not null,
    expires_at  timestamptz not null
);
create index keys_user on keys (user_id, created_at desc, id desc);
create index keys_tokens on keys (created_at, id) where login_type = 'token';

-- +goose Down
drop table keys, organization_states, accounts;
