package runtime

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"github.com/rosterhq/roster/events"
)

// mark is a place in a stream: the sequence of a message and what tells it from
// any other message that could ever have that sequence.
type mark struct {
	sequence uint64
	id       string
}

// inbound is a message that concerns a projection.
type inbound struct {
	mark
	subject string
	headers events.Headers
	data    []byte
	typ     events.Type // the newest version of its type
	meta    events.Meta
	err     error // of decoding the envelope
}

// aggregate returns what an event is parked by. A message that does not even tell
// that is known by its subject alone.
func (m *inbound) aggregate() string {
	if m.err == nil {
		return m.meta.Aggregate.String()
	}
	if v := m.headers[events.HeaderSubject]; len(v) > 0 {
		if a, err := events.ParseAggregate(v[0]); err == nil {
			return a.String()
		}
	}
	return "subject/" + m.subject
}

// identify returns the event's id. Other messages (claims, counters) have none:
// they are known by a hash of what they say.
func identify(subject string, headers events.Headers, data []byte) string {
	if id := headers[events.HeaderID]; len(id) > 0 && id[0] != "" {
		return id[0]
	}
	h := sha256.New()
	h.Write([]byte(subject))
	h.Write([]byte{0})
	h.Write(data)
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// delivery travels in a message's context, from the subscriber to the handler:
// the event, and the batch that takes what the handler queues.
type delivery struct {
	msg  *inbound
	into *batch
	err  error // why the handler refused it
}

type deliveryKey struct{}

func withDelivery(ctx context.Context, d *delivery) context.Context {
	return context.WithValue(ctx, deliveryKey{}, d)
}

func deliveryFrom(ctx context.Context) (*delivery, bool) {
	d, ok := ctx.Value(deliveryKey{}).(*delivery)
	return d, ok
}
