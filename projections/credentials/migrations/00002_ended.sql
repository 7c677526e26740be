-- +goose Up
-- Serves the sweep of what ended long ago.
create index keys_ended on keys (expires_at, id);

-- +goose Down
drop index keys_ended;
