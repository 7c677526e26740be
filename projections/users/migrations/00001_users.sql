-- +goose Up
-- Rows of different users know nothing of each other: uniqueness is the log's
-- promise (claims), not a constraint here.
create table users (
    id                   uuid primary key,
    number               bigint      not null,
    username             text        not null default '',
    email                text        not null default '',
    name                 text        not null default '',
    first_name           text        not null default '',
    last_name            text        not null default '',
    avatar               text        not null default '',
    language             text        not null default '',
    login_type           text        not null,
    status               text        not null,
    confirmed            boolean     not null,
    roles                text[]      not null default '{}',
    organizations        jsonb       not null default '[]', -- [{"organization":uuid,"roles":[...]}]
    identities           jsonb       not null default '[]', -- [{"provider":..,"subject":..}]
    created_at           timestamptz not null,
    updated_at           timestamptz not null,
    position             bigint      not null -- of the last event folded in
);
create index users_username on users (lower(username)) where status <> 'deleted';
create index users_email on users (lower(email)) where status <> 'deleted' and email <> '';
create index users_number on users (number);

create table preferences (
    user_id    uuid        not null,
    dialect    text        not null,
    settings   jsonb       not null, -- flat: {"theme":"dark","emailNotifications.weeklyDigest":true}
    created_at timestamptz not null,
    updated_at timestamptz not null,
    position   bigint      not null, -- of the last event folded in
    primary key (user_id, dialect)
);

create table organizations (
    id           uuid primary key,
    name         text        not null,
    display_name text        not null default '',
    is_default   boolean     not null default false,
    created_at   timestamptz not null,
    updated_at   timestamptz not null
);

-- +goose Down
drop table organizations, preferences, users;
