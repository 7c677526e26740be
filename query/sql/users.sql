-- A user comes with its places in live organizations, in the order of joining, and
-- with its last use; both live beside the user's row.

-- name: UserByID :one
select sqlc.embed(users), (
    select coalesce(jsonb_agg(jsonb_build_object('organization', m.organization_id, 'roles', m.roles) order by m.joined, m.place), '[]')
    from memberships m join organizations o on o.id = m.organization_id and not o.deleted where m.user_id = users.id
)::jsonb as places, s.last_seen_at
from users left join user_usage s on s.user_id = users.id
where users.id = @id;

-- name: UserByUsername :one
select sqlc.embed(users), (
    select coalesce(jsonb_agg(jsonb_build_object('organization', m.organization_id, 'roles', m.roles) order by m.joined, m.place), '[]')
    from memberships m join organizations o on o.id = m.organization_id and not o.deleted where m.user_id = users.id
)::jsonb as places, s.last_seen_at
from users left join user_usage s on s.user_id = users.id
where users.sort_name = lower(@username::text) and users.status <> 'deleted' limit 1;

-- name: UserByEmail :one
select sqlc.embed(users), (
    select coalesce(jsonb_agg(jsonb_build_object('organization', m.organization_id, 'roles', m.roles) order by m.joined, m.place), '[]')
    from memberships m join organizations o on o.id = m.organization_id and not o.deleted where m.user_id = users.id
)::jsonb as places, s.last_seen_at
from users left join user_usage s on s.user_id = users.id
where lower(users.email) = lower(@email::text) and users.email <> '' and users.status <> 'deleted' limit 1;

-- name: UserByNumber :one
select sqlc.embed(users), (
    select coalesce(jsonb_agg(jsonb_build_object('organization', m.organization_id, 'roles', m.roles) order by m.joined, m.place), '[]')
    from memberships m join organizations o on o.id = m.organization_id and not o.deleted where m.user_id = users.id
)::jsonb as places, s.last_seen_at
from users left join user_usage s on s.user_id = users.id
where users.number = @number and users.status <> 'deleted' limit 1;

-- name: UsersOfIDs :many
-- In the order of the ids; who was deleted meanwhile is left out.
select sqlc.embed(users), (
    select coalesce(jsonb_agg(jsonb_build_object('organization', m.organization_id, 'roles', m.roles) order by m.joined, m.place), '[]')
    from memberships m join organizations o on o.id = m.organization_id and not o.deleted where m.user_id = users.id
)::jsonb as places, s.last_seen_at
from unnest(@ids::uuid[]) with ordinality as wanted (id, place)
join users on users.id = wanted.id and users.status <> 'deleted'
left join user_usage s on s.user_id = users.id
order by wanted.place;

-- name: UserPreferences :one
select settings, created_at, updated_at from preferences where user_id = @user_id and dialect = @dialect;

-- name: PreferencesOfUsers :many
select user_id, settings, created_at, updated_at from preferences where user_id = any(@user_ids::uuid[]) and dialect = @dialect;

-- name: DormantCandidates :many
select u.id, coalesce(s.last_seen_at, u.active_since) as last_seen_at
from users u left join user_usage s on s.user_id = u.id
where u.status = 'active' and u.login_type <> 'none' and u.active_since < @before
  and (s.last_seen_at is null or s.last_seen_at < @before)
order by u.active_since, u.id
limit @page_size::bigint;
