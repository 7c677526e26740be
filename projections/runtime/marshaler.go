package runtime

import (
	"context"
	"errors"
	"fmt"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/rosterhq/roster/events"
)

// Keyring opens sealed parts.
type Keyring interface {
	// DataKey returns a user's key, or events.ErrErased.
	DataKey(ctx context.Context, userID string) (*events.DataKey, error)
	// PrefetchKeys makes the following calls of DataKey cheap.
	PrefetchKeys(ctx context.Context, userIDs []string) error
}

// marshaler implements cqrs.CommandEventMarshaler for events of the catalogue.
type marshaler struct {
	stream    events.Stream
	catalogue *events.Catalogue
	keys      Keyring
}

// Marshal implements cqrs.CommandEventMarshaler. Projections publish nothing.
func (m *marshaler) Marshal(any) (*message.Message, error) {
	return nil, errors.New("projections publish no messages")
}

// Name implements cqrs.CommandEventMarshaler: the switchboard takes all types.
func (m *marshaler) Name(any) string { return anyEvent }

// NameFromMessage implements cqrs.CommandEventMarshaler.
func (m *marshaler) NameFromMessage(*message.Message) string { return anyEvent }

// Unmarshal implements cqrs.CommandEventMarshaler: it finds the handlers, decodes the
// payloads and opens the private part of each whose handler wants that. Of an erased
// person the private part stays empty.
func (m *marshaler) Unmarshal(msg *message.Message, v any) error {
	into, ok := v.(*calls)
	if !ok {
		return fmt.Errorf("unmarshal into %T: not events of a projection", v)
	}
	d, ok := deliveryFrom(msg.Context())
	if !ok {
		return errors.New("unmarshal: message was not delivered by a projection's subscriber")
	}
	into.each = make([]call, len(d.run))
	for i, e := range d.run {
		if err := msg.Context().Err(); err != nil {
			return err
		}
		p, h, err := m.open(msg.Context(), into.to, e)
		if err != nil {
			return err
		}
		into.each[i] = call{msg: e, handler: h, payload: p}
	}
	return nil
}

// open returns what an event's handler is to get.
func (m *marshaler) open(ctx context.Context, to switchboard, e *inbound) (events.Payload, Handler, error) {
	h, stored, ok := to.of(e.typ)
	if !ok {
		return nil, h, fmt.Errorf("no handler for events of type %s", e.typ)
	}
	if e.err != nil {
		return nil, h, e.err
	}
	if stored {
		return &Stored{events.Stored{
			Meta: e.meta, Stream: m.stream, Sequence: e.sequence, Subject: e.subject, Headers: e.headers, Data: e.data,
		}}, h, nil
	}
	p, err := m.payload(ctx, e, h)
	return p, h, err
}

// payload decodes an event for the first handler that asks, and opens it for the
// first that wants that.
func (m *marshaler) payload(ctx context.Context, msg *inbound, h Handler) (events.Payload, error) {
	o := &msg.opened
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case h.public && o.body != nil:
		return o.body, nil
	case !h.public && o.whole != nil:
		return o.whole, nil
	}
	var key *events.DataKey
	if !h.public {
		var err error
		if key, err = m.key(ctx, msg.meta.SealedFor); err != nil {
			return nil, err
		}
	}
	p, err := m.decode(msg, h, key)
	if err != nil { // not remembered: it may be the circumstances'
		return nil, fmt.Errorf("decode event %s at %d: %w", msg.id, msg.sequence, err)
	}
	if h.public {
		o.body = p
	} else {
		o.whole = p
	}
	return p, nil
}

// decode reads the body once for both kinds of handlers; the caller has the lock. An
// event of an older version is opened before it becomes one of the newest, so it is
// read twice.
func (m *marshaler) decode(msg *inbound, h Handler, key *events.DataKey) (events.Payload, error) {
	if key == nil || msg.meta.Type != msg.typ {
		p := h.event()
		return p, m.catalogue.DecodeInto(&msg.meta, msg.data, key, p)
	}
	if msg.opened.body == nil {
		body := h.event()
		if err := m.catalogue.DecodeInto(&msg.meta, msg.data, nil, body); err != nil {
			return nil, err
		}
		msg.opened.body = body
	}
	p := h.clone(msg.opened.body)
	return p, events.Open(&msg.meta, key, p)
}

func (m *marshaler) key(ctx context.Context, user string) (*events.DataKey, error) {
	if user == "" {
		return nil, nil //nolint:nilnil // no key is an answer: the event has no private part
	}
	key, err := m.keys.DataKey(ctx, user)
	if errors.Is(err, events.ErrErased) {
		return nil, nil //nolint:nilnil // erased: the private part stays empty
	}
	if err != nil {
		return nil, fmt.Errorf("data key of %s: %w", user, err)
	}
	return key, nil
}
