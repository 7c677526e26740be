-- Activities in order of position, as live streams send them.

-- name: HistoryOfUsers :many
-- Each user's part comes from an index in order; a list of users in one condition
-- would read all of them first.
select a.* from unnest(@users::uuid[]) u (id)
cross join lateral (
    select f.* from activities f
    where f.user_id = u.id and f.sequence > @after::bigint
      and (cardinality(@types::text[]) = 0 or f.type = any(@types::text[]))
      and (cardinality(@projects::text[]) = 0 or f.project_id = any(@projects::text[]))
      and (cardinality(@workspaces::text[]) = 0 or f.workspace = any(@workspaces::text[]))
    order by f.sequence
    limit @page_size::bigint
) a
order by a.sequence
limit @page_size::bigint;

-- name: LatestOfUsers :many
select a.* from unnest(@users::uuid[]) u (id)
cross join lateral (
    select f.* from activities f
    where f.user_id = u.id
      and (cardinality(@types::text[]) = 0 or f.type = any(@types::text[]))
      and (cardinality(@projects::text[]) = 0 or f.project_id = any(@projects::text[]))
      and (cardinality(@workspaces::text[]) = 0 or f.workspace = any(@workspaces::text[]))
    order by f.sequence desc
    limit @page_size::bigint
) a
order by a.sequence desc
limit @page_size::bigint;

-- name: History :many
-- Everybody's, within a window of positions: a rare filter costs the window.
select a.* from activities a
where a.sequence > @after::bigint and a.sequence <= @through::bigint
  and (cardinality(@types::text[]) = 0 or a.type = any(@types::text[]))
  and (cardinality(@projects::text[]) = 0 or a.project_id = any(@projects::text[]))
  and (cardinality(@workspaces::text[]) = 0 or a.workspace = any(@workspaces::text[]))
order by a.sequence
limit @page_size::bigint;

-- name: Latest :many
select a.* from activities a
where a.sequence > @after::bigint and a.sequence <= @through::bigint
  and (cardinality(@types::text[]) = 0 or a.type = any(@types::text[]))
  and (cardinality(@projects::text[]) = 0 or a.project_id = any(@projects::text[]))
  and (cardinality(@workspaces::text[]) = 0 or a.workspace = any(@workspaces::text[]))
order by a.sequence desc
limit @page_size::bigint;

-- name: LastActivity :one
select coalesce(max(sequence), 0)::bigint from activities;
