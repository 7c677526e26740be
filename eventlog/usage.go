package eventlog

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/rosterhq/roster/events"
)

// KeepUsage keeps the newest usage of a key. It does not wait for the server:
// what is lost is noted again at a later use.
func (l *Log) KeepUsage(u events.Usage) error {
	data, err := json.Marshal(u)
	if err != nil {
		return fmt.Errorf("encode usage of key %s: %w", u.KeyID, err)
	}
	if err := l.nc.PublishMsg(&nats.Msg{Subject: l.names.keyUsage(u.KeyID), Data: data}); err != nil {
		return fmt.Errorf("keep usage of key %s: %w", u.KeyID, err)
	}
	return nil
}

// Usage returns the newest usage of a key that was kept, or a zero one.
func (l *Log) Usage(ctx context.Context, keyID string) (events.Usage, error) {
	last, err := l.read.last(ctx, l.names.usage, l.names.keyUsage(keyID))
	if err != nil {
		return events.Usage{}, unavailable("usage of a key", err)
	}
	if last.sequence == 0 {
		return events.Usage{}, nil
	}
	var u events.Usage
	if err := json.Unmarshal(last.data, &u); err != nil {
		return events.Usage{}, fmt.Errorf("decode usage of key %s: %w", keyID, err)
	}
	return u, nil
}
