-- name: CredentialByKey :one
select k.id, k.user_id, k.login_type, k.name, k.scopes, k.allow_list, k.lifetime, k.secret_hash, k.epoch, k.generation, k.ip,
       k.created_at, k.updated_at, k.expires_at, a.status, a.confirmed, a.epoch as account_epoch, a.roles,
       (select coalesce(jsonb_agg(p.place order by p.n), '[]')
        from jsonb_array_elements(a.memberships) with ordinality as p (place, n)
        join organization_states o on o.organization_id = (p.place ->> 'organization')::uuid and o.live)::jsonb as memberships
from keys k join accounts a on a.user_id = k.user_id
where k.id = @key_id;

-- Outside of a credential check, keys come with their last use and with the end that
-- it gave them.

-- name: KeysOfUser :many
select k.id, k.user_id, k.login_type, k.name, k.scopes, k.allow_list, k.lifetime, k.generation, k.ip, k.created_at, k.updated_at,
       k.expires_at, s.last_used, s.expires_at as used_until
from keys k left join key_usage s on s.key_id = k.id
where k.user_id = @user_id
order by k.created_at desc, k.id desc;

-- name: KeyByID :one
select k.id, k.user_id, k.login_type, k.name, k.scopes, k.allow_list, k.lifetime, k.generation, k.ip, k.created_at, k.updated_at,
       k.expires_at, s.last_used, s.expires_at as used_until
from keys k left join key_usage s on s.key_id = k.id
where k.id = @key_id;

-- name: KeyByName :one
select k.id, k.user_id, k.login_type, k.name, k.scopes, k.allow_list, k.lifetime, k.generation, k.ip, k.created_at, k.updated_at,
       k.expires_at, s.last_used, s.expires_at as used_until
from keys k left join key_usage s on s.key_id = k.id
where k.user_id = @user_id and k.login_type = 'token' and k.name = @name
order by k.created_at desc, k.id desc
limit 1;

-- name: EndedKeys :many
-- by the end that the log says; a use may have moved it.
select k.id, k.user_id, k.expires_at
from keys k left join key_usage s on s.key_id = k.id
where k.expires_at < @before and (s.expires_at is null or s.expires_at < @before)
  and (k.expires_at, k.id) > (@after_end::timestamptz, @after_id::text)
order by k.expires_at, k.id
limit @page_size::bigint;

-- name: TokensOfUsers :many
select k.id, k.user_id, k.login_type, k.name, k.scopes, k.allow_list, k.lifetime, k.generation, k.ip, k.created_at, k.updated_at,
       k.expires_at, s.last_used, s.expires_at as used_until, u.username
from keys k join users u on u.id = k.user_id left join key_usage s on s.key_id = k.id
where k.user_id = any(@user_ids::uuid[]) and k.login_type = 'token'
order by k.created_at, k.id;

-- name: Tokens :many
select k.id, k.user_id, k.login_type, k.name, k.scopes, k.allow_list, k.lifetime, k.generation, k.ip, k.created_at, k.updated_at,
       k.expires_at, s.last_used, s.expires_at as used_until, u.username
from keys k join users u on u.id = k.user_id left join key_usage s on s.key_id = k.id
where k.login_type = 'token'
order by k.created_at, k.id;
