-- name: WorkspaceByID :one
select * from workspaces where id = @id;

-- name: WorkspaceByName :one
select * from workspaces where lower(name) = lower(@name::text) limit 1;

-- name: ListWorkspaces :many
-- A visitor sees what they own, what was given to them, and what was given to a
-- group of theirs.
select sqlc.embed(workspaces), count(*) over () as total from workspaces
where (sqlc.narg('owner')::uuid is null or owner = sqlc.narg('owner'))
  and (sqlc.narg('visible_to')::uuid is null or id in (select e.workspace from workspace_entries e where e.user_id = sqlc.narg('visible_to')))
order by lower(name), id
limit sqlc.narg('page_size')::bigint offset @page_offset::bigint;

-- name: CountWorkspaces :one
select count(*) from workspaces
where (sqlc.narg('owner')::uuid is null or owner = sqlc.narg('owner'))
  and (sqlc.narg('visible_to')::uuid is null or id in (select e.workspace from workspace_entries e where e.user_id = sqlc.narg('visible_to')));

-- name: WorkspaceAccess :one
-- The strength of what a user may do in a workspace; 0 for nothing.
select coalesce(max(strength), 0)::int as strength from workspace_entries where workspace = @workspace and user_id = @user_id;

-- name: WorkspacePermissions :many
select kind, grantee, role from workspace_permissions where workspace = @workspace order by kind, grantee;

-- name: ShareWorkspace :one
-- Whether two users can both enter some workspace.
select exists (
  select 1 from workspace_entries a join workspace_entries b on b.workspace = a.workspace
  where a.user_id = @one and b.user_id = @other) as shared;

-- name: GroupsOfUser :many
select g.* from group_members m join user_groups g on g.id = m.group_id where m.user_id = @user_id order by g.number;

-- name: GroupsOfUsers :many
select m.user_id, sqlc.embed(g) from group_members m join user_groups g on g.id = m.group_id
where m.user_id = any(@user_ids::uuid[]) order by m.user_id, g.number;

-- name: GroupByID :one
select * from user_groups where id = @id;

-- name: ListGroups :many
select * from user_groups
where (lower(name), id) > (lower(@after_name::text), @after_id::uuid) order by lower(name), id limit @page_size::bigint;

-- name: MembersOfGroup :many
select user_id from group_members where group_id = @group_id order by user_id;
