-- A page is found in an index alone; its rows are fetched afterwards, so that a
-- far offset costs index entries and no rows.

-- name: Feed :many
select a.* from (
    select f.sequence, f.occurred_at from activities f
    where f.user_id = @user_id and (f.occurred_at, f.sequence) < (@before_at::timestamptz, @before_sequence::bigint)
    order by f.occurred_at desc, f.sequence desc
    limit @page_size::bigint offset @skip::bigint
) page
join activities a on a.sequence = page.sequence
order by a.occurred_at desc, a.sequence desc;

-- name: FeedOfTypes :many
-- One branch for each type, merged in order: a condition on a list of types would
-- read and throw away everything of the other types.
select a.* from (
    (select f.sequence, f.occurred_at from activities f
     where f.user_id = @user_id and f.type = 'account' and 'account' = any(@types::text[])
       and (f.occurred_at, f.sequence) < (@before_at::timestamptz, @before_sequence::bigint)
     order by f.occurred_at desc, f.sequence desc)
    union all
    (select f.sequence, f.occurred_at from activities f
     where f.user_id = @user_id and f.type = 'comment' and 'comment' = any(@types::text[])
       and (f.occurred_at, f.sequence) < (@before_at::timestamptz, @before_sequence::bigint)
     order by f.occurred_at desc, f.sequence desc)
    union all
    (select f.sequence, f.occurred_at from activities f
     where f.user_id = @user_id and f.type = 'commit' and 'commit' = any(@types::text[])
       and (f.occurred_at, f.sequence) < (@before_at::timestamptz, @before_sequence::bigint)
     order by f.occurred_at desc, f.sequence desc)
    union all
    (select f.sequence, f.occurred_at from activities f
     where f.user_id = @user_id and f.type = 'project' and 'project' = any(@types::text[])
       and (f.occurred_at, f.sequence) < (@before_at::timestamptz, @before_sequence::bigint)
     order by f.occurred_at desc, f.sequence desc)
    union all
    (select f.sequence, f.occurred_at from activities f
     where f.user_id = @user_id and f.type = 'review' and 'review' = any(@types::text[])
       and (f.occurred_at, f.sequence) < (@before_at::timestamptz, @before_sequence::bigint)
     order by f.occurred_at desc, f.sequence desc)
    union all
    (select f.sequence, f.occurred_at from activities f
     where f.user_id = @user_id and f.type = 'ticket' and 'ticket' = any(@types::text[])
       and (f.occurred_at, f.sequence) < (@before_at::timestamptz, @before_sequence::bigint)
     order by f.occurred_at desc, f.sequence desc)
    order by occurred_at desc, sequence desc
    limit @page_size::bigint offset @skip::bigint
) page
join activities a on a.sequence = page.sequence
order by a.occurred_at desc, a.sequence desc;

-- name: FeedFromEnd :many
-- A page that is nearer to the end is found from there.
select a.* from (
    select f.sequence, f.occurred_at from activities f
    where f.user_id = @user_id
    order by f.occurred_at, f.sequence
    limit @page_size::bigint offset @skip::bigint
) page
join activities a on a.sequence = page.sequence
order by a.occurred_at desc, a.sequence desc;

-- name: FeedOfTypesFromEnd :many
select a.* from (
    (select f.sequence, f.occurred_at from activities f
     where f.user_id = @user_id and f.type = 'account' and 'account' = any(@types::text[])
     order by f.occurred_at, f.sequence)
    union all
    (select f.sequence, f.occurred_at from activities f
     where f.user_id = @user_id and f.type = 'comment' and 'comment' = any(@types::text[])
     order by f.occurred_at, f.sequence)
    union all
    (select f.sequence, f.occurred_at from activities f
     where f.user_id = @user_id and f.type = 'commit' and 'commit' = any(@types::text[])
     order by f.occurred_at, f.sequence)
    union all
    (select f.sequence, f.occurred_at from activities f
     where f.user_id = @user_id and f.type = 'project' and 'project' = any(@types::text[])
     order by f.occurred_at, f.sequence)
    union all
    (select f.sequence, f.occurred_at from activities f
     where f.user_id = @user_id and f.type = 'review' and 'review' = any(@types::text[])
     order by f.occurred_at, f.sequence)
    union all
    (select f.sequence, f.occurred_at from activities f
     where f.user_id = @user_id and f.type = 'ticket' and 'ticket' = any(@types::text[])
     order by f.occurred_at, f.sequence)
    order by occurred_at, sequence
    limit @page_size::bigint offset @skip::bigint
) page
join activities a on a.sequence = page.sequence
order by a.occurred_at desc, a.sequence desc;

-- name: ActivityTotal :one
select coalesce(sum(total), 0)::bigint from activity_totals
where user_id = @user_id and (cardinality(@types::text[]) = 0 or type = any(@types::text[]));
