package query

import (
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/rosterhq/roster/events"
)

// usesKept bounds the uses that this process remembers until they are in the read
// model: users and keys of a second or so.
const usesKept = 20_000

// uses are the newest uses that this process knows of. The read model has them
// a moment later; whoever is asked meanwhile shows the later of both.
type uses struct {
	keys  *otter.Cache[string, events.Usage]
	users *otter.Cache[string, time.Time]
}

func newUses() (*uses, error) {
	keys, err := otter.New(&otter.Options[string, events.Usage]{MaximumSize: usesKept, Executor: func(f func()) { f() }})
	if err != nil {
		return nil, err
	}
	users, err := otter.New(&otter.Options[string, time.Time]{MaximumSize: usesKept, Executor: func(f func()) { f() }})
	if err != nil {
		return nil, err
	}
	return &uses{keys: keys, users: users}, nil
}

func (u *uses) note(use events.Usage) {
	u.keys.Compute(use.KeyID, func(old events.Usage, _ bool) (events.Usage, otter.ComputeOp) {
		if old.LastUsed.After(use.LastUsed) {
			return old, otter.CancelOp
		}
		return use, otter.WriteOp
	})
	u.users.Compute(use.UserID, func(old time.Time, _ bool) (time.Time, otter.ComputeOp) {
		return later(old, use.LastUsed), otter.WriteOp
	})
}

// seen is when a user was seen last.
func (u *uses) seen(userID string, stored time.Time) time.Time {
	known, _ := u.users.GetIfPresent(userID)
	return later(stored, known)
}

// of is the last use of a key.
func (u *uses) of(keyID string, stored events.Usage) events.Usage {
	known, _ := u.keys.GetIfPresent(keyID)
	if known.LastUsed.After(stored.LastUsed) {
		return known
	}
	return stored
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
