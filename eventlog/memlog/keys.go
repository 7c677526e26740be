package memlog

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/rosterhq/roster/events"
)

// key finds a user's data key; the lock is held.
func (l *Log) key(userID string) (*events.DataKey, error) {
	key, made := l.keys[userID]
	if !made {
		return nil, ErrNoKey
	}
	if key == nil {
		return nil, events.ErrErased
	}
	return key, nil
}

// makeKey makes a user's data key where there is none; the lock is held.
func (l *Log) makeKey(userID string) error {
	if _, made := l.keys[userID]; made {
		return nil
	}
	key, err := events.NewDataKey(events.NewRawKey())
	if err != nil {
		return fmt.Errorf("make data key: %w", err)
	}
	l.keys[userID] = key
	return nil
}

// NewUsers returns fresh ids of users that have data keys.
func (l *Log) NewUsers(ctx context.Context, n int64) ([]string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(ctx); err != nil {
		return nil, fmt.Errorf("make users: %w", err)
	}
	ids := make([]string, n)
	for i := range ids {
		ids[i] = uuid.Must(uuid.NewV7()).String()
		if err := l.makeKey(ids[i]); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// DataKey returns the key that seals what is personal of a user,
// events.ErrErased when it was destroyed, or ErrNoKey.
func (l *Log) DataKey(ctx context.Context, userID string) (*events.DataKey, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(ctx); err != nil {
		return nil, fmt.Errorf("data key: %w", err)
	}
	return l.key(userID)
}

// PrefetchKeys does nothing: all keys are in memory.
func (l *Log) PrefetchKeys(ctx context.Context, _ []string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.usable(ctx)
}

// EraseKey destroys a user's data key.
func (l *Log) EraseKey(ctx context.Context, userID string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(ctx); err != nil {
		return fmt.Errorf("erase key: %w", err)
	}
	l.keys[userID] = nil
	return nil
}
