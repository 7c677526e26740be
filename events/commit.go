package events

import (
	"errors"
	"time"
)

// The vocabulary between those who decide and the log that keeps.

// Errors of the log.
var (
	// ErrConflict says that something in a commit was not as expected: nothing
	// was stored. Load again and decide again.
	ErrConflict = errors.New("conflict in the log")
	// ErrUnavailable says that the log did not answer, or is over its bound.
	// Nothing may be assumed of the outcome; a repeat with the same command id
	// is safe.
	ErrUnavailable = errors.New("log is unavailable")
	// ErrTooLarge says that a message is over the limit of 512 KiB.
	ErrTooLarge = errors.New("event is too large")
)

// Draft is an event that was decided and is not stored yet.
type Draft struct {
	Meta    Meta
	Payload Payload
}

// Commit is what one command stores: all of it, or nothing.
type Commit struct {
	Aggregate Aggregate
	// Expected is the sequence of the aggregate's last event, 0 for none.
	Expected uint64
	Events   []Draft // at least one
	Claims   []ClaimChange
}

// Claim is a name in the log that at most one aggregate holds. Only a keyed
// hash of Value is ever stored.
type Claim struct {
	Kind  string // a literal of the code: "email", "username", ...
	Value string // normalised by who asks (lower case where case does not count)
}

// ClaimState is what the log holds of a claim: zero when it was never made. An
// empty Holder with a sequence is the tombstone of a release.
type ClaimState struct {
	Holder   string
	Sequence uint64
}

// ClaimChange makes (Holder set) or releases (Holder empty) a claim.
type ClaimChange struct {
	Claim    Claim
	Expected uint64 // the sequence of the claim's last message, 0 for none
	Holder   string
}

// Tip is the last event of an aggregate: zero when there is none.
type Tip struct {
	Sequence uint64
	EventID  string
}

// Snapshot is the folded state of an aggregate at an event. It is a cache:
// losing it loses nothing.
type Snapshot struct {
	Tip
	Format int // version of the state's form; another one is thrown away
	// SealedFor is the user under whose data key the state lies; a user's own
	// state is always sealed, and needs no word of it here.
	SealedFor string
	Data      []byte
	// Life is how long it is kept; 0 means until a newer one.
	Life time.Duration
}

// Recording is what became of one activity.
type Recording struct {
	Sequence  uint64
	Duplicate bool // it was there already; Sequence is the first one's
}
