package query

import (
	"context"
	"time"

	"github.com/rosterhq/roster/query/internal/rows"
)

// EndedKey is a session or key that ended, unless the newest use of it is not in the
// read model yet.
type EndedKey struct {
	ID, UserID string
	EndedAt    time.Time // as the log says
}

// EndedKeys lists sessions and keys of all users that ended before a time, the first
// ended first, from behind one of an earlier page on.
func (q *Queries) EndedKeys(ctx context.Context, before time.Time, after EndedKey, limit int) ([]EndedKey, error) {
	if err := q.await(ctx, anybody, q.credentials); err != nil {
		return nil, err
	}
	found, err := q.rows.EndedKeys(ctx, rows.EndedKeysParams{
		Before: before, AfterEnd: after.EndedAt, AfterID: after.ID, PageSize: int64(max(limit, 1)),
	})
	if err != nil {
		return nil, failure(ctx, "look for keys that ended", err)
	}
	out := make([]EndedKey, len(found))
	for i, r := range found {
		out[i] = EndedKey{ID: r.ID, UserID: r.UserID.String(), EndedAt: r.ExpiresAt}
	}
	return out, nil
}
