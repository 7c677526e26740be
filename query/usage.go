package query

import (
	"context"
	"time"

	"github.com/rosterhq/roster/events"
)

// NoteUse remembers a use of a key that this process saw, which reads show from
// then on.
func (q *Queries) NoteUse(u events.Usage) {}

// Candidate is an account that nobody used for long.
type Candidate struct {
	UserID     string
	LastSeenAt time.Time // when it was used last; if never, when it became active
}

// DormantCandidates returns active accounts that were neither used nor activated
// since before, those that wait longest first. Service accounts are none.
func (q *Queries) DormantCandidates(ctx context.Context, before time.Time, limit int) ([]Candidate, error) {
	return nil, ErrUnavailable
}
