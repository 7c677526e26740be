-- Identity events as the log holds them, by what is asked for. Each is read in
-- pages, in order of position.

-- name: EventsOfAggregate :many
select * from events
where aggregate = @aggregate and kind = @kind and position >= @first and position <= @last
order by position
limit @page_size::bigint;

-- name: EventsOfAggregateBackwards :many
select * from events
where aggregate = @aggregate and kind = @kind and position >= @first and position <= @last
order by position desc
limit @page_size::bigint;

-- name: EventsByActor :many
-- What a user did, to others and to themselves.
(select * from events e
 where e.actor = @actor::text and e.position >= @first and e.position <= @last
 order by e.position limit @page_size::bigint)
union all
(select * from events e
 where e.aggregate = sqlc.narg('actor_id')::uuid and e.actor is null and e.position >= @first and e.position <= @last
 order by e.position limit @page_size::bigint)
order by position
limit @page_size::bigint;

-- name: EventsByActorBackwards :many
(select * from events e
 where e.actor = @actor::text and e.position >= @first and e.position <= @last
 order by e.position desc limit @page_size::bigint)
union all
(select * from events e
 where e.aggregate = sqlc.narg('actor_id')::uuid and e.actor is null and e.position >= @first and e.position <= @last
 order by e.position desc limit @page_size::bigint)
order by position desc
limit @page_size::bigint;

-- name: EventsOfTypes :many
-- Each type's part comes from an index in order; a list of types in one condition
-- would read all of them first.
select e.* from unnest(@types::text[]) t (name)
cross join lateral (
    select f.* from events f
    where f.type = t.name and f.position >= @first and f.position <= @last
    order by f.position
    limit @page_size::bigint
) e
order by e.position
limit @page_size::bigint;

-- name: EventsOfTypesBackwards :many
select e.* from unnest(@types::text[]) t (name)
cross join lateral (
    select f.* from events f
    where f.type = t.name and f.position >= @first and f.position <= @last
    order by f.position desc
    limit @page_size::bigint
) e
order by e.position desc
limit @page_size::bigint;

-- name: EventTypes :many
-- The types that there are, from one look into the index for each.
with recursive found as (
    (select e.type from events e order by e.type limit 1)
    union all
    select (select e.type from events e where e.type > f.type order by e.type limit 1) from found f where f.type is not null
)
select f.type::text from found f where f.type is not null;

-- name: ActivitiesBetween :many
-- Where a user's activities lie in the log.
select sequence from activities
where user_id = @user_id and sequence >= @first and sequence <= @last
order by sequence
limit @page_size::bigint;

-- name: ActivitiesBetweenBackwards :many
select sequence from activities
where user_id = @user_id and sequence >= @first and sequence <= @last
order by sequence desc
limit @page_size::bigint;
