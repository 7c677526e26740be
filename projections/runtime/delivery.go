package runtime

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"sync"

	"github.com/rosterhq/roster/events"
)

// mark is a place in a stream: the sequence of a message and what tells it from
// any other message that could ever have that sequence.
type mark struct {
	sequence uint64
	id       string
}

// inbound is a message on its way to handlers. Several workers may have the same
// one: nothing in it changes once it is shared, but for what opened guards.
type inbound struct {
	mark    // without an id, where the message is no event
	subject string
	headers events.Headers
	data    []byte
	typ     events.Type // the newest version of its type; unknownType for one of a newer release, "" for what is no event
	meta    events.Meta
	err     error // of decoding the envelope
	read    bool  // meta or err is there
	opened  opened
}

// arrive makes a message of what the log delivered.
func arrive(c *events.Catalogue, subject string, headers events.Headers, data []byte, sequence uint64) *inbound {
	m := &inbound{mark: mark{sequence: sequence}, subject: subject, headers: headers, data: data}
	v := headers[events.HeaderType]
	if len(v) == 0 {
		return m
	}
	m.typ, m.id = unknownType, identify(subject, headers, data)
	if current, known := c.Current(events.Type(v[0])); known {
		m.typ = current
	}
	return m
}

// readMeta decodes the envelope, once.
func (m *inbound) readMeta() {
	if !m.read {
		m.meta, m.err = events.DecodeMeta(m.headers)
		m.read = true
	}
}

// place returns the message's mark.
func (m *inbound) place() mark {
	if m.id != "" {
		return m.mark
	}
	return mark{sequence: m.sequence, id: identify(m.subject, m.headers, m.data)}
}

// opened holds the payload of an event, without its private part and with it, once
// somebody asked for it.
type opened struct {
	mu          sync.Mutex
	body, whole events.Payload
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

// delivery travels in a message's context, from the subscriber to the handlers: events
// in their order, and the batch that takes what the handlers queue.
type delivery struct {
	run  []*inbound
	into *batch
	err  error // why a handler refused one of them
}

type deliveryKey struct{}

func withDelivery(ctx context.Context, d *delivery) context.Context {
	return context.WithValue(ctx, deliveryKey{}, d)
}

func deliveryFrom(ctx context.Context) (*delivery, bool) {
	d, ok := ctx.Value(deliveryKey{}).(*delivery)
	return d, ok
}
