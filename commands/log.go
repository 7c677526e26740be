package commands

import (
	"context"

	"github.com/rosterhq/roster/events"
)

// Log is what commands need of the event log. eventlog has the one on
// JetStream and one in memory; both pass the same conformance suite.
type Log interface {
	// Tip returns the aggregate's last event. It may lag behind the newest
	// append of another process; the expectation of a commit covers that.
	Tip(ctx context.Context, a events.Aggregate) (events.Tip, error)
	// LeaderTip is Tip asked of the stream's leader: never behind.
	LeaderTip(ctx context.Context, a events.Aggregate) (events.Tip, error)
	// Read returns the aggregate's events from sequence from on, in order.
	Read(ctx context.Context, a events.Aggregate, from uint64) ([]events.Recorded, error)
	// Append stores a commit and returns the sequence of its first event; its
	// events have contiguous sequences. After a lost answer it looks for the
	// command id in the log before it gives up. The first commit of a user
	// makes the user's data key durable before the event, if NewUsers did not.
	// Errors: events.ErrConflict, events.ErrUnavailable, events.ErrTooLarge.
	Append(ctx context.Context, c events.Commit) (first uint64, err error)
	// NewUsers returns n fresh ids of users to come, whose data keys are durable
	// already. An id that is never used costs its key's bytes.
	NewUsers(ctx context.Context, n int64) ([]string, error)
	// Claim returns what the log holds of a claim.
	Claim(ctx context.Context, c events.Claim) (events.ClaimState, error)
	// Reserve takes n integers of a counter, first to first+n-1, that nobody
	// else ever gets. Counters start at 1.
	Reserve(ctx context.Context, counter string, n int64) (first int64, err error)
	// SetAside keeps Reserve from ever giving an integer up to upTo that it did not
	// give yet: those are for who brings numbers along. It returns all that were set
	// aside so far, in order.
	SetAside(ctx context.Context, counter string, upTo int64) ([]events.Numbers, error)
	// Snapshot returns the kept state of an aggregate, or a zero one.
	Snapshot(ctx context.Context, a events.Aggregate) (events.Snapshot, error)
	// KeepSnapshot keeps a state, some time soon, if nothing newer comes first.
	KeepSnapshot(a events.Aggregate, s events.Snapshot)
	// Record appends activities (payload *events.ActivityRecorded), at most
	// 1,000 of them, each at most once for ever by its source and source id.
	// The answer has one entry for each draft, in order.
	Record(ctx context.Context, drafts []events.Draft) ([]events.Recording, error)
	// KeepUsage keeps the newest usage of a key, without waiting; it may be lost.
	KeepUsage(u events.Usage) error
	// Usage returns the newest usage of a key that was kept, or a zero one.
	Usage(ctx context.Context, keyID string) (events.Usage, error)
	// EraseKey destroys a user's data key, and what the log keeps of the user's state.
	// It may be repeated.
	EraseKey(ctx context.Context, userID string) error
	// KeyedHash returns a keyed, installation-wide hash (32 bytes, hexadecimal)
	// for values that must be compared but not be readable.
	KeyedHash(purpose, value string) string
}
