-- +goose Up
create table skills (
    id          uuid primary key,
    owner       uuid        not null,
    name        text        not null,
    description text        not null default '',
    content     text        not null,
    created_at  timestamptz not null,
    updated_at  timestamptz not null,
    position    bigint      not null
);
create index skills_owner on skills (owner, name, id);

-- Users whose skills went with their account. Rows of other aggregates are not
-- touched by a user's end: readers leave them out.
create table departed_owners (
    user_id uuid primary key
);

-- +goose Down
drop table departed_owners, skills;
