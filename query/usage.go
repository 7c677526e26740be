package query

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query/internal/rows"
)

// UsageLog tells of the uses of keys.
type UsageLog interface {
	// FollowUsage calls f with each use that is kept since a moment, until ctx ends.
	FollowUsage(ctx context.Context, since time.Time, f func(u events.Usage, at time.Time)) error
}

// NoteUse remembers a use of a key that this process saw, which reads show from
// then on.
func (q *Queries) NoteUse(u events.Usage) {
	q.uses.note(u)
	q.memory.saw(u.UserID, u.LastUsed)
}

// followUses notes what other processes see. What was kept before is in the read
// model, or will be.
func (q *Queries) followUses(ctx context.Context, log UsageLog) {
	if log == nil {
		return
	}
	began := time.Now()
	q.running.Go(func() {
		err := log.FollowUsage(ctx, began, func(u events.Usage, _ time.Time) { q.NoteUse(u) })
		if ctx.Err() == nil {
			q.logger.Error("uses of keys are not followed any more", zap.Error(err))
		}
	})
}

// Candidate is an account that nobody used for long.
type Candidate struct {
	UserID     string
	LastSeenAt time.Time // when it was used last; if never, when it became active
}

// DormantCandidates returns active accounts that were neither used nor activated
// since before; those that became active first come first. Service accounts are
// none.
func (q *Queries) DormantCandidates(ctx context.Context, before time.Time, limit int) ([]Candidate, error) {
	if err := q.await(ctx, anybody, q.users); err != nil {
		return nil, err
	}
	found, err := q.rows.DormantCandidates(ctx, rows.DormantCandidatesParams{Before: before, PageSize: int64(max(limit, 1))})
	if err != nil {
		return nil, failure(ctx, "look for accounts that nobody uses", err)
	}
	out := make([]Candidate, 0, len(found))
	for _, r := range found {
		c := Candidate{UserID: r.ID.String(), LastSeenAt: r.LastSeenAt}
		if c.LastSeenAt = q.uses.seen(c.UserID, c.LastSeenAt); c.LastSeenAt.Before(before) {
			out = append(out, c)
		}
	}
	return out, nil
}
