-- name: Checkpoints :many
select name, version, sequence from checkpoints;
