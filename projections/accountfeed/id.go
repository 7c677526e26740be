package accountfeed

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/google/uuid"

	"github.com/rosterhq/roster/events"
)

// reactionID makes the id of the activity that reacts to an event: a UUIDv7 with
// the event's time, whose other bits come from the event's id. The same event
// always yields the same id.
func reactionID(m events.Meta) string {
	hash := sha256.Sum256([]byte("roster account feed " + m.ID))
	var id uuid.UUID
	copy(id[:], hash[:16])
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(m.Time.UnixMilli()))
	copy(id[:6], ms[2:])
	id[6] = 0x70 | id[6]&0x0f // version 7
	id[8] = 0x80 | id[8]&0x3f // variant of RFC 9562
	return id.String()
}
