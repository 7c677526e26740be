package statistics

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/rosterhq/roster/events"
)

// key is the first half of a SHA-256 over a source and an id within it. The
// length in front keeps ("a", "bc") and ("ab", "c") apart.
func key(source, id string) pgtype.UUID {
	b := make([]byte, 0, 8+len(source)+len(id))
	b = binary.BigEndian.AppendUint64(b, uint64(len(source)))
	b = append(append(b, source...), id...)
	sum := sha256.Sum256(b)
	return pgtype.UUID{Bytes: [16]byte(sum[:16]), Valid: true}
}

// projectOf returns the id of the project that an activity lies in, or "".
func projectOf(e *events.ActivityRecorded) string {
	if e.ProjectID == "" && e.Type == events.ProjectActivity {
		return e.EntityID
	}
	return e.ProjectID
}

// projectKey returns the invalid UUID, SQL's null, for an activity in no project.
func projectKey(source, id string) pgtype.UUID {
	if id == "" {
		return pgtype.UUID{}
	}
	return key(source, id)
}
