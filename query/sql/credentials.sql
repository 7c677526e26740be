-- name: CredentialByKey :one
select k.id, k.user_id, k.login_type, k.name, k.scopes, k.secret_hash, k.epoch, k.created_at, k.updated_at, k.expires_at,
       a.status, a.confirmed, a.epoch as account_epoch, a.roles
from keys k join accounts a on a.user_id = k.user_id
where k.id = @key_id;

-- name: KeysOfUser :many
select id, user_id, login_type, name, scopes, created_at, updated_at, expires_at
from keys where user_id = @user_id
order by created_at desc, id desc;
