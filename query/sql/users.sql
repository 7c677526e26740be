-- name: UserByID :one
select * from users where id = @id;

-- name: UserByUsername :one
select * from users where lower(username) = lower(@username::text) and status <> 'deleted' limit 1;

-- name: UserByEmail :one
select * from users where lower(email) = lower(@email::text) and email <> '' and status <> 'deleted' limit 1;

-- name: UserByNumber :one
select * from users where number = @number and status <> 'deleted' limit 1;

-- name: ListUsers :many
-- The pattern is '' or a LIKE pattern.
select sqlc.embed(users), lower(username)::text as sort_name from users
where status <> 'deleted'
  and (lower(username), id) > (@after_username::text, @after_id::uuid)
  and (@pattern::text = '' or lower(username) like lower(@pattern) or lower(email) like lower(@pattern))
order by lower(username), id
limit @page_size::bigint;

-- name: UserPreferences :one
select settings, created_at, updated_at from preferences where user_id = @user_id and dialect = @dialect;
