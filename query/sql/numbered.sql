-- name: SearchUsernames :many
-- The pattern holds no line break, so that what it finds in the indexed text of
-- both names holds what it finds in the username.
select id, sort_name as name from users
where status <> 'deleted' and not 'system' = any(roles) and search_text like @pattern::text and sort_name like @pattern::text
order by length(username), sort_name limit @page_size::bigint;

-- name: UsersByNumber :many
-- Of those that a visitor sees: themselves and whoever can enter a workspace that
-- they can enter.
select u.id, count(*) over () as total from users u
where u.status <> 'deleted'
  and (@pattern::text = '' or u.sort_name like @pattern or lower(u.email) like @pattern
       or lower(u.first_name) like @pattern or lower(u.last_name) like @pattern or lower(u.name) like @pattern)
  and (sqlc.narg('visible_to')::uuid is null or u.id = sqlc.narg('visible_to') or u.id in (
    select b.user_id from workspace_entries a join workspace_entries b on b.workspace = a.workspace where a.user_id = sqlc.narg('visible_to')))
  and (@services::boolean or u.login_type <> 'none') and u.number > @after_number::bigint
order by u.number limit sqlc.narg('page_size')::bigint offset @page_offset::bigint;

-- name: CountByNumber :one
-- As in UsersByNumber, wherever the page begins.
select count(*) from users u
where u.status <> 'deleted'
  and (@pattern::text = '' or u.sort_name like @pattern or lower(u.email) like @pattern
       or lower(u.first_name) like @pattern or lower(u.last_name) like @pattern or lower(u.name) like @pattern)
  and (sqlc.narg('visible_to')::uuid is null or u.id = sqlc.narg('visible_to') or u.id in (
    select b.user_id from workspace_entries a join workspace_entries b on b.workspace = a.workspace where a.user_id = sqlc.narg('visible_to')))
  and (@services::boolean or u.login_type <> 'none');

-- name: RecentWorkspaces :many
select workspace, count(*) as activities, max(occurred_at)::timestamptz as last_active from activities
where user_id = @user_id and occurred_at >= @since::timestamptz and workspace <> ''
group by workspace order by count(*) desc, workspace;

-- name: ActivityDays :many
select (occurred_at at time zone 'UTC')::date as day, count(*) as activities from activities
where user_id = @user_id and occurred_at >= @since::timestamptz
group by 1 order by 1;
