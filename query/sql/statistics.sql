-- name: Statistics :one
select coalesce(sum(created), 0)::bigint as created,
       coalesce(sum(completed), 0)::bigint as completed,
       coalesce(div(sum(completion_us), nullif(sum(timed), 0)), 0)::bigint as average_completion_us,
       coalesce(sum(assigned_week), 0)::bigint as assigned_week,
       coalesce(sum(assigned_month), 0)::bigint as assigned_month,
       coalesce(sum(assigned_quarter), 0)::bigint as assigned_quarter,
       coalesce(sum(assigned_year), 0)::bigint as assigned_year,
       coalesce(sum(comments), 0)::bigint as comments,
       coalesce(sum(commits), 0)::bigint as commits,
       coalesce(sum(reviews), 0)::bigint as reviews,
       coalesce(sum(bit_count(hours::bit(24))), 0)::bigint as active_hours,
       (select count(*) from tickets
        where tickets.assignee = @user_id and not tickets.finished and tickets.due < @as_of::timestamptz)::bigint as overdue,
       (select count(*) from user_projects join projects on projects.project = user_projects.project
        where user_projects.user_id = @user_id and not projects.active)::bigint as closed,
       coalesce((select user_totals.projects from user_totals where user_totals.user_id = @user_id), 0)::bigint as projects,
       coalesce((select user_totals.owned from user_totals where user_totals.user_id = @user_id), 0)::bigint as owned,
       coalesce((select user_totals.member from user_totals where user_totals.user_id = @user_id), 0)::bigint as member
from days where days.user_id = @user_id and day between @first_day::date and @last_day::date;

-- name: Totals :one
select projects, owned, tickets, comments from user_totals where user_id = @user_id;
