package query

import (
	"context"
	"time"
)

// Key returns a session or key by its id, ended ones too.
func (q *Queries) Key(ctx context.Context, keyID string) (Key, error) {
	return Key{}, ErrUnavailable
}

// KeyByName returns a user's API key by its exact name, ended ones too; of several,
// the newest.
func (q *Queries) KeyByName(ctx context.Context, userID, name string) (Key, error) {
	return Key{}, ErrUnavailable
}

// TokenFilter selects API keys.
type TokenFilter struct {
	UserIDs        []string // whose; nil for everybody's
	IncludeExpired bool
	Now            time.Time
}

// Tokens lists API keys with their users' names, oldest first.
func (q *Queries) Tokens(ctx context.Context, f TokenFilter) ([]Key, error) {
	return nil, ErrUnavailable
}
