package eventlog

import (
	lru "github.com/hashicorp/golang-lru/v2"
)

// floors remembers, on a cluster, down to which sequence a subject is known to
// be stored. A direct get may be served by a follower that lags; an answer
// below the floor is asked of the leader instead, so that a writer sees its own
// appends, and the one that beat it.
type floors struct{ known *lru.Cache[string, uint64] }

const floorsKept = 8192

// newFloors returns floors that stay empty when there is one server alone.
func newFloors(replicas int) *floors {
	if replicas <= 1 {
		return &floors{}
	}
	known, err := lru.New[string, uint64](floorsKept)
	if err != nil {
		panic("eventlog: " + err.Error()) // only for a size below 1
	}
	return &floors{known: known}
}

// needed says whether direct gets may lag here.
func (f *floors) needed() bool { return f.known != nil }

func (f *floors) raise(subject string, sequence uint64) {
	if f.known == nil || sequence == 0 {
		return
	}
	if old, ok := f.known.Peek(subject); !ok || old < sequence {
		f.known.Add(subject, sequence) // of two that race the lower may stay: OCC covers it
	}
}

func (f *floors) of(subject string) uint64 {
	if f.known == nil {
		return 0
	}
	floor, _ := f.known.Get(subject)
	return floor
}
