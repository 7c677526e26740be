-- name: ErasedSince :many
select user_id from erasures where erased_at >= @since order by erased_at, user_id;
