-- name: SSHKeyOfUser :one
select public_key, created_at, updated_at from ssh_keys where user_id = @user_id;

-- name: ParametersOfUser :many
select name, value from parameters where user_id = @user_id and template_id = @template_id order by name;

-- name: ProviderClaims :one
select claims from provider_claims where user_id = @user_id and provider = @provider;

-- name: SkillsOfUser :many
select id, owner, name, description, created_at, updated_at from skills
where owner = @owner and not exists (select from departed_owners d where d.user_id = skills.owner)
order by name, id;

-- name: SkillOfUser :one
select * from skills
where owner = @owner and name = @name and not exists (select from departed_owners d where d.user_id = skills.owner)
order by id desc limit 1;
