-- +goose Up
create table activities (
    sequence          bigint primary key, -- in the ACTIVITY stream
    user_id           uuid        not null,
    type              text        not null,
    action            text        not null,
    entity_id         text        not null,
    entity_title      text        not null default '',
    entity_url        text        not null default '',
    entity_created_at timestamptz,
    project_id        text        not null default '',
    project_name      text        not null default '',
    workspace         text        not null default '',
    count             bigint      not null default 0,
    assignee          text        not null default '',
    due               timestamptz,
    occurred_at       timestamptz not null,
    recorded_at       timestamptz not null,
    source            text        not null,
    source_id         text        not null,
    metadata          jsonb
);
create index activities_feed on activities (user_id, occurred_at desc, sequence desc);
create index activities_feed_type on activities (user_id, type, occurred_at desc, sequence desc);

create table activity_totals (
    user_id uuid   not null,
    type    text   not null,
    total   bigint not null,
    primary key (user_id, type)
);

-- +goose Down
drop table activity_totals, activities;
