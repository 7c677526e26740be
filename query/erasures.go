package query

import (
	"context"
	"time"
)

// ErasedSince lists the ids of users whose personal data was destroyed since then,
// the first one first.
func (q *Queries) ErasedSince(ctx context.Context, since time.Time) ([]string, error) {
	if err := q.await(ctx, anybody, q.users); err != nil {
		return nil, err
	}
	found, err := q.rows.ErasedSince(ctx, since)
	if err != nil {
		return nil, failure(ctx, "look for erased users", err)
	}
	out := make([]string, len(found))
	for i, id := range found {
		out[i] = id.String()
	}
	return out, nil
}
