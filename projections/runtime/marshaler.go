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

// nameKey is where Watermill's own marshalers keep the name of an event.
const nameKey = "name"

// marshaler implements cqrs.CommandEventMarshaler for events of the catalogue.
type marshaler struct {
	catalogue *events.Catalogue
	keys      Keyring
}

// Marshal implements cqrs.CommandEventMarshaler. Projections publish nothing.
func (m *marshaler) Marshal(any) (*message.Message, error) {
	return nil, errors.New("projections publish no messages")
}

// Name implements cqrs.CommandEventMarshaler.
func (m *marshaler) Name(v any) string {
	p, ok := v.(events.Payload)
	if !ok {
		return ""
	}
	return string(p.EventType())
}

// NameFromMessage implements cqrs.CommandEventMarshaler.
func (m *marshaler) NameFromMessage(msg *message.Message) string { return msg.Metadata.Get(nameKey) }

// Unmarshal implements cqrs.CommandEventMarshaler: it decodes a payload and opens
// its private part. Of an erased person the private part stays empty.
func (m *marshaler) Unmarshal(msg *message.Message, v any) error {
	into, ok := v.(events.Payload)
	if !ok {
		return fmt.Errorf("unmarshal into %T: not a payload", v)
	}
	d, ok := deliveryFrom(msg.Context())
	if !ok {
		return errors.New("unmarshal: message was not delivered by a projection's subscriber")
	}
	if d.msg.err != nil {
		return d.msg.err
	}
	key, err := m.key(msg.Context(), d.msg.meta.SealedFor)
	if err != nil {
		return err
	}
	if err := m.catalogue.DecodeInto(&d.msg.meta, d.msg.data, key, into); err != nil {
		return fmt.Errorf("decode event %s at %d: %w", d.msg.id, d.msg.sequence, err)
	}
	return nil
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
