-- +goose Up
-- Whose personal data was destroyed, for whoever finishes what a killed process
-- began.
create table erasures (
    user_id   uuid primary key,
    erased_at timestamptz not null
);
create index erasures_time on erasures (erased_at);

-- +goose Down
drop table erasures;
