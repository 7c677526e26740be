-- +goose Up
-- Live streams go in order of position.
create index activities_stream on activities (user_id, sequence);

-- +goose Down
drop index activities_stream;
