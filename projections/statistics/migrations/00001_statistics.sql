-- +goose Up
-- Rollups per user and UTC day. Every column is a sum over facts, so that the
-- order in which the facts arrive makes no difference.
create table days (
    user_id          uuid   not null,
    day              date   not null,
    hours            integer not null default 0, -- bit h: something was done in UTC hour h
    created          bigint not null default 0,
    completed        bigint not null default 0,
    -- Microseconds from start to completion, summed over the timed ones; some
    -- hundred completions of what a source dates to year 1 would overflow a bigint.
    completion_us    numeric(38) not null default 0,
    timed            bigint not null default 0,  -- completions of tickets whose start is known
    -- A ticket that is assigned to a user on several days counts once in each
    -- window: on the first of these days in the week, month, quarter and year.
    assigned_week    bigint not null default 0,
    assigned_month   bigint not null default 0,
    assigned_quarter bigint not null default 0,
    assigned_year    bigint not null default 0,
    comments         bigint not null default 0,
    commits          bigint not null default 0,
    reviews          bigint not null default 0,
    primary key (user_id, day)
) with (fillfactor = 80);

-- Counts over all time.
create table user_totals (
    user_id  uuid primary key,
    projects bigint not null default 0, -- owned, member or both
    owned    bigint not null default 0,
    member   bigint not null default 0,
    tickets  bigint not null default 0, -- created by or ever assigned to the user
    comments bigint not null default 0
) with (fillfactor = 80);

-- Keys of tickets and projects are hashes of the source and its id (see keys.go):
-- short in every index, and without a limit on the id's length.
create table user_projects (
    user_id uuid    not null,
    project uuid    not null,
    owned   boolean not null, -- has project/created in it
    member  boolean not null, -- has any other activity in it
    primary key (user_id, project)
);

-- A project's state by its latest change of state; no row means active.
create table projects (
    project    uuid primary key,
    source     text not null,
    project_id text not null,
    changed_at timestamptz not null,
    changed_id text collate "C" not null,
    active     boolean not null
);
create index projects_closed on projects (project) where not active;

-- A ticket as the latest (or earliest) of its activities tell, by (at, id).
create table tickets (
    ticket      uuid primary key,
    source      text not null,
    entity_id   text not null,
    opened_at   timestamptz,          -- the earliest entity.createdAt
    created_at  timestamptz,          -- the earliest created activity ...
    created_id  text collate "C",
    creator     uuid,                 -- ... and whose it is
    assigned_at timestamptz,          -- the latest assignment ...
    assigned_id text collate "C",
    assignee    uuid,                 -- ... and to whom; null after an unassignment
    due_at      timestamptz,          -- the latest activity with a due date ...
    due_id      text collate "C",
    due         timestamptz,          -- ... and the date
    turned_at   timestamptz,          -- the latest activity that finished or reopened it
    turned_id   text collate "C",
    finished    boolean not null default false
) with (fillfactor = 80);
create index tickets_overdue on tickets (assignee, due) where not finished and assignee is not null and due is not null;

-- Completions and reopenings. Each reopening takes back the latest completion
-- before it that still stands; peer is the other end of that bond.
create table ticket_turns (
    ticket    uuid        not null,
    at        timestamptz not null,
    id        text collate "C" not null,
    completed boolean     not null, -- else reopened
    user_id   uuid        not null,
    peer_at   timestamptz,
    peer_id   text collate "C",
    primary key (ticket, at, id)
);
create index ticket_turns_standing on ticket_turns (ticket, at, id) where completed and peer_at is null;

-- The days on which a ticket was assigned to a user.
create table ticket_assignments (
    ticket  uuid not null,
    user_id uuid not null,
    day     date not null,
    primary key (ticket, user_id, day)
);

-- +goose StatementBegin
create function utc_day(p_at timestamptz) returns date
language sql immutable parallel safe as $$ select (p_at at time zone 'UTC')::date $$;
-- +goose StatementEnd

-- +goose StatementBegin
create function elapsed_us(p_start timestamptz, p_at timestamptz) returns bigint
language sql immutable parallel safe as $$
    select greatest(0, extract(epoch from p_at - p_start) * 1000000)::bigint
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- The one write of an activity that is not about a ticket.
create function record_activity(p_user uuid, p_day date, p_hours integer, p_comments bigint, p_commits bigint,
    p_reviews bigint, p_project uuid, p_owns boolean) returns void
language plpgsql as $$
begin
    insert into days as d (user_id, day, hours, comments, commits, reviews)
    values (p_user, p_day, p_hours, p_comments, p_commits, p_reviews)
    on conflict (user_id, day) do update set
        hours    = d.hours | excluded.hours,
        comments = d.comments + excluded.comments,
        commits  = d.commits + excluded.commits,
        reviews  = d.reviews + excluded.reviews;
    if p_comments > 0 then
        perform add_totals(p_user, 0, 0, 0, 0, p_comments);
    end if;
    if p_project is not null then
        perform record_project(p_user, p_project, p_owns);
    end if;
end $$;
-- +goose StatementEnd

-- +goose StatementBegin
create function add_totals(p_user uuid, p_projects bigint, p_owned bigint, p_member bigint, p_tickets bigint,
    p_comments bigint) returns void
language plpgsql as $$
begin
    insert into user_totals as t (user_id, projects, owned, member, tickets, comments)
    values (p_user, p_projects, p_owned, p_member, p_tickets, p_comments)
    on conflict (user_id) do update set
        projects = t.projects + excluded.projects,
        owned    = t.owned + excluded.owned,
        member   = t.member + excluded.member,
        tickets  = t.tickets + excluded.tickets,
        comments = t.comments + excluded.comments;
end $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- The place of a user in a project. Looking first keeps the common case, a place
-- that is known already, free of writes.
create function record_project(p_user uuid, p_project uuid, p_owns boolean) returns void
language plpgsql as $$
declare
    v_owned  boolean;
    v_member boolean;
begin
    select owned, member into v_owned, v_member from user_projects where user_id = p_user and project = p_project;
    if not found then
        insert into user_projects values (p_user, p_project, p_owns, not p_owns);
        perform add_totals(p_user, 1, p_owns::int, (not p_owns)::int, 0, 0);
    elsif p_owns and not v_owned then
        update user_projects set owned = true where user_id = p_user and project = p_project;
        perform add_totals(p_user, 0, 1, 0, 0, 0);
    elsif not p_owns and not v_member then
        update user_projects set member = true where user_id = p_user and project = p_project;
        perform add_totals(p_user, 0, 0, 1, 0, 0);
    end if;
end $$;
-- +goose StatementEnd

-- +goose StatementBegin
create function add_ticket_facts(p_user uuid, p_day date, p_hours integer, p_created bigint, p_completed bigint,
    p_completion_us bigint, p_timed bigint) returns void
language plpgsql as $$
begin
    insert into days as d (user_id, day, hours, created, completed, completion_us, timed)
    values (p_user, p_day, p_hours, p_created, p_completed, p_completion_us, p_timed)
    on conflict (user_id, day) do update set
        hours         = d.hours | excluded.hours,
        created       = d.created + excluded.created,
        completed     = d.completed + excluded.completed,
        completion_us = d.completion_us + excluded.completion_us,
        timed         = d.timed + excluded.timed;
end $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Counts (p_sign 1) or takes back (-1) the completion at (p_at, p_id).
create function credit_completion(p_ticket uuid, p_at timestamptz, p_id text, p_start timestamptz, p_sign integer)
returns void language plpgsql as $$
declare
    v_user uuid;
begin
    select user_id into strict v_user from ticket_turns
    where ticket = p_ticket and at = p_at and id = p_id collate "C";
    perform add_ticket_facts(v_user, utc_day(p_at), 0, 0, p_sign,
        case when p_start is null then 0 else p_sign * elapsed_us(p_start, p_at) end,
        case when p_start is null then 0 else p_sign end);
end $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- A completion that arrives after later turns of its ticket, and is counted
-- already. The first later reopening that took an older completion, or none, takes
-- this one instead; what it lets go is offered to the reopenings after it.
create function settle_completion(p_ticket uuid, p_at timestamptz, p_id text, p_start timestamptz) returns void
language plpgsql as $$
declare
    v_free_at timestamptz := p_at;
    v_free_id text := p_id;
    v_from_at timestamptz := p_at;
    v_from_id text := p_id;
    r record;
begin
    loop
        select at, id, peer_at, peer_id into r from ticket_turns
        where ticket = p_ticket and not completed
          and (at, id) > (v_from_at, v_from_id collate "C")
          and (peer_at is null or (peer_at, peer_id) < (v_free_at, v_free_id collate "C"))
        order by at, id limit 1;
        exit when not found;
        update ticket_turns set peer_at = v_free_at, peer_id = v_free_id
        where ticket = p_ticket and at = r.at and id = r.id;
        update ticket_turns set peer_at = r.at, peer_id = r.id
        where ticket = p_ticket and at = v_free_at and id = v_free_id collate "C";
        perform credit_completion(p_ticket, v_free_at, v_free_id, p_start, -1);
        exit when r.peer_at is null;
        update ticket_turns set peer_at = null, peer_id = null
        where ticket = p_ticket and at = r.peer_at and id = r.peer_id;
        perform credit_completion(p_ticket, r.peer_at, r.peer_id, p_start, 1);
        v_free_at := r.peer_at;
        v_free_id := r.peer_id;
        v_from_at := r.at;
        v_from_id := r.id;
    end loop;
end $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- A reopening takes back the latest completion before it that stood at that
-- moment. If a later reopening had it (p_last false), that one takes the next older.
create function settle_reopening(p_ticket uuid, p_at timestamptz, p_id text, p_start timestamptz, p_last boolean)
returns void language plpgsql as $$
declare
    v_at timestamptz := p_at;
    v_id text := p_id;
    c record;
begin
    loop
        if p_last then
            select at, id, peer_at, peer_id into c from ticket_turns
            where ticket = p_ticket and completed and peer_at is null
              and (at, id) < (v_at, v_id collate "C")
            order by at desc, id desc limit 1;
        else
            select at, id, peer_at, peer_id into c from ticket_turns
            where ticket = p_ticket and completed
              and (peer_at is null or (peer_at, peer_id) > (v_at, v_id collate "C"))
              and (at, id) < (v_at, v_id collate "C")
            order by at desc, id desc limit 1;
        end if;
        update ticket_turns set peer_at = c.at, peer_id = c.id -- null when nothing was found
        where ticket = p_ticket and at = v_at and id = v_id collate "C" and (c.at is not null or peer_at is not null);
        exit when c.at is null;
        update ticket_turns set peer_at = v_at, peer_id = v_id
        where ticket = p_ticket and at = c.at and id = c.id;
        if c.peer_at is null then
            perform credit_completion(p_ticket, c.at, c.id, p_start, -1);
            exit;
        end if;
        v_at := c.peer_at;
        v_id := c.peer_id;
    end loop;
end $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- The day on which a ticket is assigned to a user. The next such day stops being
-- the first of a window that both lie in.
create function record_assignment(p_ticket uuid, p_user uuid, p_day date, p_creator uuid) returns void
language plpgsql as $$
declare
    v_before date;
    v_after  date;
    v_units  text[] := array['week', 'month', 'quarter', 'year'];
    v_here   integer[] := array[0, 0, 0, 0];
    v_there  integer[] := array[0, 0, 0, 0];
    v_window timestamp;
begin
    insert into ticket_assignments values (p_ticket, p_user, p_day) on conflict do nothing;
    if not found then
        return;
    end if;
    select max(day) into v_before from ticket_assignments where ticket = p_ticket and user_id = p_user and day < p_day;
    select min(day) into v_after from ticket_assignments where ticket = p_ticket and user_id = p_user and day > p_day;
    if v_before is null and v_after is null then
        v_here := array[1, 1, 1, 1];
        if p_creator is distinct from p_user then
            perform add_totals(p_user, 0, 0, 0, 1, 0);
        end if;
    else
        for i in 1 .. 4 loop
            v_window := date_trunc(v_units[i], p_day::timestamp);
            if v_before is null or date_trunc(v_units[i], v_before::timestamp) <> v_window then
                v_here[i] := 1;
                if v_after is not null and date_trunc(v_units[i], v_after::timestamp) = v_window then
                    v_there[i] := -1;
                end if;
            end if;
        end loop;
    end if;
    perform add_assigned(p_user, p_day, v_here);
    if v_there <> array[0, 0, 0, 0] then
        perform add_assigned(p_user, v_after, v_there);
    end if;
end $$;
-- +goose StatementEnd

-- +goose StatementBegin
create function add_assigned(p_user uuid, p_day date, p_windows integer[]) returns void
language plpgsql as $$
begin
    insert into days as d (user_id, day, assigned_week, assigned_month, assigned_quarter, assigned_year)
    values (p_user, p_day, p_windows[1], p_windows[2], p_windows[3], p_windows[4])
    on conflict (user_id, day) do update set
        assigned_week    = d.assigned_week + excluded.assigned_week,
        assigned_month   = d.assigned_month + excluded.assigned_month,
        assigned_quarter = d.assigned_quarter + excluded.assigned_quarter,
        assigned_year    = d.assigned_year + excluded.assigned_year;
end $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Moves the creation of a ticket to an earlier created activity.
create function move_creation(p_ticket uuid, p_old_creator uuid, p_old_at timestamptz, p_creator uuid) returns void
language plpgsql as $$
begin
    if p_old_creator is not null then
        perform add_ticket_facts(p_old_creator, utc_day(p_old_at), 0, -1, 0, 0, 0);
    end if;
    if p_old_creator is not distinct from p_creator then
        return;
    end if;
    if p_old_creator is not null
       and not exists (select from ticket_assignments where ticket = p_ticket and user_id = p_old_creator) then
        perform add_totals(p_old_creator, 0, 0, 0, -1, 0);
    end if;
    if not exists (select from ticket_assignments where ticket = p_ticket and user_id = p_creator) then
        perform add_totals(p_creator, 0, 0, 0, 1, 0);
    end if;
end $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- The one write of an activity about a ticket. It keeps what later arrivals may
-- change and corrects the rollups by the difference.
create function record_ticket(p_ticket uuid, p_source text, p_entity text, p_action text, p_user uuid,
    p_at timestamptz, p_id text, p_hours integer, p_assignee uuid, p_due timestamptz, p_opened timestamptz,
    p_project uuid) returns void
language plpgsql as $$
declare
    t         tickets%rowtype;
    v_known   boolean;
    v_changed boolean := false;
    v_last    boolean;
    v_old     timestamptz;
    v_start   timestamptz;
    v_created integer := 0;
    v_done    integer := 0;
    c         record;
begin
    select * into t from tickets where ticket = p_ticket;
    v_known := found;
    v_old := coalesce(t.opened_at, t.created_at);
    if p_opened is not null and (t.opened_at is null or p_opened < t.opened_at) then
        t.opened_at := p_opened;
        v_changed := true;
    end if;
    if p_action = 'created' and (t.created_at is null or (p_at, p_id collate "C") < (t.created_at, t.created_id collate "C")) then
        perform move_creation(p_ticket, t.creator, t.created_at, p_user);
        t.created_at := p_at;
        t.created_id := p_id;
        t.creator := p_user;
        v_created := 1;
        v_changed := true;
    end if;

    -- A start that became known, or earlier, changes the time of what was completed.
    v_start := coalesce(t.opened_at, t.created_at);
    if v_start is distinct from v_old then
        for c in select at, user_id from ticket_turns
                 where ticket = p_ticket and completed and peer_at is null order by at, id loop
            perform add_ticket_facts(c.user_id, utc_day(c.at), 0, 0, 0,
                elapsed_us(v_start, c.at) - case when v_old is null then 0 else elapsed_us(v_old, c.at) end,
                case when v_old is null then 1 else 0 end);
        end loop;
    end if;

    if p_action = 'completed' then
        v_done := 1;
    end if;
    perform add_ticket_facts(p_user, utc_day(p_at), p_hours, v_created, v_done,
        case when v_done = 1 and v_start is not null then elapsed_us(v_start, p_at) else 0 end,
        case when v_done = 1 and v_start is not null then 1 else 0 end);

    if p_action in ('completed', 'reopened', 'cancelled', 'deleted') then
        v_last := t.turned_at is null or (p_at, p_id collate "C") > (t.turned_at, t.turned_id collate "C");
        if p_action in ('completed', 'reopened') then
            insert into ticket_turns values (p_ticket, p_at, p_id, p_action = 'completed', p_user, null, null);
        end if;
        if p_action = 'completed' and not v_last then
            perform settle_completion(p_ticket, p_at, p_id, v_start);
        elsif p_action = 'reopened' then
            perform settle_reopening(p_ticket, p_at, p_id, v_start, v_last);
        end if;
        if v_last then
            t.turned_at := p_at;
            t.turned_id := p_id;
            t.finished := p_action <> 'reopened';
            v_changed := true;
        end if;
    end if;

    if p_assignee is not null or p_action = 'unassigned' then
        if t.assigned_at is null or (p_at, p_id collate "C") > (t.assigned_at, t.assigned_id collate "C") then
            t.assigned_at := p_at;
            t.assigned_id := p_id;
            t.assignee := case when p_action = 'unassigned' then null else p_assignee end;
            v_changed := true;
        end if;
        if p_action <> 'unassigned' then
            perform record_assignment(p_ticket, p_assignee, utc_day(p_at), t.creator);
        end if;
    end if;
    if p_due is not null and (t.due_at is null or (p_at, p_id collate "C") > (t.due_at, t.due_id collate "C")) then
        t.due_at := p_at;
        t.due_id := p_id;
        t.due := p_due;
        v_changed := true;
    end if;

    if not v_known then
        insert into tickets values (p_ticket, p_source, p_entity, t.opened_at, t.created_at, t.created_id, t.creator,
            t.assigned_at, t.assigned_id, t.assignee, t.due_at, t.due_id, t.due, t.turned_at, t.turned_id,
            coalesce(t.finished, false));
    elsif v_changed then
        update tickets set opened_at = t.opened_at, created_at = t.created_at, created_id = t.created_id,
            creator = t.creator, assigned_at = t.assigned_at, assigned_id = t.assigned_id, assignee = t.assignee,
            due_at = t.due_at, due_id = t.due_id, due = t.due, turned_at = t.turned_at, turned_id = t.turned_id,
            finished = t.finished
        where ticket = p_ticket;
    end if;
    if p_project is not null then
        perform record_project(p_user, p_project, false);
    end if;
end $$;
-- +goose StatementEnd

-- +goose Down
drop function record_ticket, move_creation, add_assigned, record_assignment, settle_reopening, settle_completion,
    credit_completion, add_ticket_facts, record_project, add_totals, record_activity, elapsed_us, utc_day;
drop table ticket_assignments, ticket_turns, tickets, projects, user_projects, user_totals, days;
