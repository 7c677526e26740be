package memlog

import (
	"context"
	"fmt"

	"github.com/rosterhq/roster/events"
)

// KeepUsage keeps the newest usage of a key.
func (l *Log) KeepUsage(u events.Usage) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.usage[u.KeyID] = u
	return nil
}

// Usage returns the newest usage of a key that was kept, or a zero one.
func (l *Log) Usage(ctx context.Context, keyID string) (events.Usage, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(ctx); err != nil {
		return events.Usage{}, fmt.Errorf("usage of a key: %w", err)
	}
	return l.usage[keyID], nil
}
