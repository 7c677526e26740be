package vault

import (
	"strconv"

	"github.com/rosterhq/roster/events"
)

// SealSnapshot seals a snapshot's data under a user's data key, bound to the
// aggregate and the event it was folded to. A nil key leaves it as it is:
// aggregates that are no user hold no personal data.
func SealSnapshot(key *events.DataKey, a events.Aggregate, s events.Snapshot) []byte {
	if key == nil {
		return s.Data
	}
	return key.Seal(s.Data, snapshotContext(a, s))
}

// OpenSnapshot is the reverse of SealSnapshot: s carries the sealed data.
func OpenSnapshot(key *events.DataKey, a events.Aggregate, s events.Snapshot) ([]byte, error) {
	if key == nil {
		return s.Data, nil
	}
	return key.Open(s.Data, snapshotContext(a, s))
}

func snapshotContext(a events.Aggregate, s events.Snapshot) []byte {
	return []byte("state\n" + a.String() + "\n" + s.EventID + "\n" +
		strconv.FormatUint(s.Sequence, 10) + "\n" + strconv.Itoa(s.Format))
}
