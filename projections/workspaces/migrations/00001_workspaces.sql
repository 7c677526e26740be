-- +goose Up
create table workspaces (
    id           uuid primary key,
    number       bigint      not null,
    name         text        not null,
    display_name text        not null default '',
    owner        uuid        not null,
    locations    text[]      not null default '{}',
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    position     bigint      not null -- of the last event folded in
);
create index workspaces_name on workspaces (lower(name), id);
create index workspaces_owner on workspaces (owner, lower(name), id);

-- Roles that were given, by the workspace's events. Those of users and groups
-- that are gone stay: readers leave them out.
create table workspace_permissions (
    workspace  uuid     not null,
    kind       text     not null, -- user or group
    grantee    uuid     not null,
    role       text     not null,
    strength   smallint not null, -- of the role, from 1
    position   bigint   not null,
    primary key (workspace, kind, grantee)
);
create index workspace_permissions_grantee on workspace_permissions (grantee, kind, workspace);

create table user_groups (
    id         uuid primary key,
    number     bigint      not null,
    name       text        not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    position   bigint      not null
);
create index user_groups_name on user_groups (lower(name), id);

create table group_members (
    group_id uuid not null,
    user_id  uuid not null,
    primary key (group_id, user_id)
);
create index group_members_user on group_members (user_id, group_id);

-- Who can enter which workspace, and how strong they are there: owners, whoever
-- was given a role, and the members of groups that were.
create view workspace_entries as
    select id as workspace, owner as user_id, 5::smallint as strength from workspaces
    union all
    select workspace, grantee, strength from workspace_permissions where kind = 'user'
    union all
    select p.workspace, m.user_id, p.strength
    from group_members m join workspace_permissions p on p.kind = 'group' and p.grantee = m.group_id;

-- +goose Down
drop view workspace_entries;
drop table group_members, user_groups, workspace_permissions, workspaces;
