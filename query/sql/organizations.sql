-- name: Organizations :many
select * from organizations where not deleted order by lower(name), id;

-- name: OrganizationByID :one
select * from organizations where id = @id and not deleted;

-- name: OrganizationByName :one
select * from organizations where lower(name) = lower(@name::text) and not deleted order by id limit 1;

-- name: OrganizationByNumber :one
select * from organizations where number = @number and not deleted order by id limit 1;

-- name: DefaultOrganization :one
select * from organizations where is_default and not deleted order by id limit 1;

-- name: OrganizationsOfIDs :many
select * from organizations where id = any(@ids::uuid[]) and not deleted order by number, id;
