package statistics

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

const (
	// What is set aside survives a crash of PostgreSQL where the rest of the copy does.
	setAsideSQL = `do $$ declare kind text; begin
		if to_regclass('days_added') is not null then return; end if;
		select case relpersistence when 'u' then 'unlogged' else '' end into strict kind from pg_class where oid = 'days'::regclass;
		execute 'create ' || kind || ' table days_added (user_id uuid, day date, hours integer, created integer, completed integer,
			completion_us numeric, timed integer, assigned_week integer, assigned_month integer, assigned_quarter integer,
			assigned_year integer, comments integer, commits bigint, reviews integer)';
		execute 'create ' || kind || ' table totals_added (user_id uuid, tickets integer, comments integer,
			projects bigint not null default 0, owned bigint not null default 0, member bigint not null default 0)';
		execute 'create ' || kind || ' table places_added (user_id uuid, project uuid, owned boolean, member boolean)';
	end $$`
	isAsideSQL = `select to_regclass('days_added') is not null`

	// The plans of handlers find single rows; this reads tables as a whole.
	foldPlansSQL = `set local enable_seqscan = on; set local enable_hashjoin = on; set local work_mem = '64MB'`
	foldDaysSQL  = `insert into days as d (user_id, day, hours, created, completed, completion_us, timed,
			assigned_week, assigned_month, assigned_quarter, assigned_year, comments, commits, reviews)
		select user_id, day, bit_or(hours), sum(created), sum(completed), sum(completion_us), sum(timed),
			sum(assigned_week), sum(assigned_month), sum(assigned_quarter), sum(assigned_year), sum(comments), sum(commits), sum(reviews)
		from days_added group by user_id, day order by user_id, day
		on conflict (user_id, day) do update set hours = d.hours | excluded.hours, created = d.created + excluded.created,
			completed = d.completed + excluded.completed, completion_us = d.completion_us + excluded.completion_us,
			timed = d.timed + excluded.timed, assigned_week = d.assigned_week + excluded.assigned_week,
			assigned_month = d.assigned_month + excluded.assigned_month, assigned_quarter = d.assigned_quarter + excluded.assigned_quarter,
			assigned_year = d.assigned_year + excluded.assigned_year, comments = d.comments + excluded.comments,
			commits = d.commits + excluded.commits, reviews = d.reviews + excluded.reviews`
	// The totals count what is new of places.
	foldPlacesSQL = `with f as (
			select user_id, project, bool_or(owned) as owned, bool_or(member) as member from places_added group by user_id, project
		), changed as (
			select f.*, p.user_id is null as fresh, f.owned and not coalesce(p.owned, false) as owns,
				f.member and not coalesce(p.member, false) as joins
			from f left join user_projects p on p.user_id = f.user_id and p.project = f.project
			where p.user_id is null or f.owned and not p.owned or f.member and not p.member
		), written as (
			insert into user_projects as p (user_id, project, owned, member)
			select user_id, project, owned, member from changed order by user_id, project
			on conflict (user_id, project) do update set owned = p.owned or excluded.owned, member = p.member or excluded.member
		)
		insert into totals_added select user_id, 0, 0, count(*) filter (where fresh), count(*) filter (where owns), count(*) filter (where joins)
		from changed group by user_id`
	foldTotalsSQL = `insert into user_totals as t (user_id, projects, owned, member, tickets, comments)
		select user_id, sum(projects), sum(owned), sum(member), sum(tickets), sum(comments) from totals_added
		group by user_id order by user_id
		on conflict (user_id) do update set projects = t.projects + excluded.projects, owned = t.owned + excluded.owned,
			member = t.member + excluded.member, tickets = t.tickets + excluded.tickets, comments = t.comments + excluded.comments`
)

// fold adds what load set aside to the rows that are sums. In the order of their
// keys, and each row once, that costs a fraction of what it does with every batch.
func fold(ctx context.Context, tx pgx.Tx) error {
	var aside bool
	if err := tx.QueryRow(ctx, isAsideSQL).Scan(&aside); err != nil {
		return fmt.Errorf("look for sums that were set aside: %w", err)
	}
	if !aside {
		return nil
	}
	for _, sql := range []string{
		foldPlansSQL, foldDaysSQL, foldPlacesSQL, foldTotalsSQL, `drop table days_added, places_added, totals_added`,
	} {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return fmt.Errorf("fold the sums that were set aside: %w", err)
		}
	}
	return nil
}
