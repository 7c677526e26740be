-- +goose Up
-- Rows of different users know nothing of each other: uniqueness is the log's
-- promise (claims), not a constraint here.
create table users (
    id           uuid primary key,
    number       bigint      not null,
    username     text        not null default '',
    email        text        not null default '',
    name         text        not null default '',
    first_name   text        not null default '',
    last_name    text        not null default '',
    avatar       text        not null default '',
    language     text        not null default '',
    login_type   text        not null,
    status       text        not null,
    confirmed    boolean     not null,
    roles        text[]      not null default '{}',
    identities   jsonb       not null default '[]', -- [{"provider":..,"subject":..}]
    active_since timestamptz not null, -- when it was registered, activated or woken last
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    position     bigint      not null, -- of the last event folded in
    -- Lists go by this, and searches look in that. They are stored because folding
    -- the case of many rows costs ten times what comparing them does. A line break
    -- stands between name and address, which have none, so that no term is found
    -- across both.
    sort_name    text        not null generated always as (lower(username)) stored,
    search_text  text        not null generated always as (lower(username) || E'\n' || lower(email)) stored
);
create index users_username on users (sort_name, id) include (search_text) where status <> 'deleted';
create index users_email on users (lower(email)) where status <> 'deleted' and email <> '';
create index users_number on users (number);
create index users_identities on users using gin (identities jsonb_path_ops) where identities <> '[]';
create index users_roles on users using gin (roles) where roles <> '{}';
create index users_active on users (active_since, id) where status = 'active' and login_type <> 'none';

-- Substrings are found by trigrams. A short list of pending entries keeps searches
-- quick while many users are written.
create index users_search on users using gin (search_text gin_trgm_ops)
    with (gin_pending_list_limit = 256) where status <> 'deleted';
create index users_name on users using gin
    (lower(case when name = '' then first_name || ' ' || last_name else name end) gin_trgm_ops)
    with (gin_pending_list_limit = 256) where status <> 'deleted';

-- Places in organizations. Whether an organization lives is for its own row to say.
create table memberships (
    user_id         uuid    not null,
    organization_id uuid    not null,
    roles           text[]  not null,
    joined          bigint  not null, -- position of joining, and
    place           integer not null, -- place among those that were joined at once
    position        bigint  not null,
    primary key (user_id, organization_id)
);
create index memberships_organization on memberships (organization_id, user_id);

create table organizations (
    id           uuid primary key,
    number       bigint      not null,
    name         text        not null,
    display_name text        not null default '',
    description  text        not null default '',
    icon         text        not null default '',
    is_default   boolean     not null default false,
    deleted      boolean     not null default false,
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    position     bigint      not null
);
create index organizations_name on organizations (lower(name), id) where not deleted;
create index organizations_number on organizations (number) where not deleted;
create index organizations_default on organizations (id) where is_default and not deleted;

create table preferences (
    user_id    uuid        not null,
    dialect    text        not null,
    settings   jsonb       not null, -- flat: {"theme":"dark","emailNotifications.weeklyDigest":true}
    created_at timestamptz not null,
    updated_at timestamptz not null,
    position   bigint      not null, -- of the last event folded in
    primary key (user_id, dialect)
);

-- The public halves alone.
create table ssh_keys (
    user_id    uuid primary key,
    public_key text        not null,
    created_at timestamptz not null, -- of the first pair
    updated_at timestamptz not null,
    position   bigint      not null
);

create table parameters (
    user_id     uuid   not null,
    template_id text   not null,
    name        text   not null,
    value       text   not null,
    position    bigint not null,
    primary key (user_id, template_id, name)
);

create table provider_claims (
    user_id  uuid   not null,
    provider text   not null,
    claims   text   not null, -- a JSON object, kept as it came
    position bigint not null,
    primary key (user_id, provider)
);

-- +goose Down
drop table provider_claims, parameters, ssh_keys, preferences, organizations, memberships, users;
