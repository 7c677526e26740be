package runtime

import (
	"context"
	"errors"
	"fmt"

	"github.com/rosterhq/roster/events"
)

// switchboard is the one handler of a projection's event group; it finds the
// projection's handler by the event's type. A group with a handler for each type
// makes two events of every type for every message, to compare their names.
type switchboard map[events.Type]Handler

func newSwitchboard(handlers []Handler) switchboard {
	s := make(switchboard, len(handlers))
	for _, h := range handlers {
		s[h.Type()] = h
	}
	return s
}

// call is an event on its way through the router, with the handler it goes to.
type call struct {
	to      switchboard
	handler Handler
	stored  bool // the handler takes the event as it is stored
	payload events.Payload
}

// anyEvent is the name by which Watermill knows the events of all types.
const anyEvent = "event"

// NewEvent implements cqrs.GroupEventHandler.
func (s switchboard) NewEvent() any { return &call{to: s} }

// Handle implements cqrs.GroupEventHandler.
func (s switchboard) Handle(ctx context.Context, event any) error {
	d, ok := deliveryFrom(ctx)
	if !ok {
		return errors.New("event was not delivered by a projection's subscriber")
	}
	c, ok := event.(*call)
	if !ok || c.payload == nil {
		return fmt.Errorf("event %s was not unmarshalled", d.msg.id)
	}
	return c.handler.handle(ctx, d.into, Event{Meta: d.msg.meta, Sequence: d.msg.sequence}, c.payload)
}

// of finds the handler of a type, or the one that takes all events as they are
// stored.
func (s switchboard) of(t events.Type) (h Handler, stored, ok bool) {
	if t == "" {
		return Handler{}, false, false
	}
	if h, ok = s[t]; ok {
		return h, false, true
	}
	h, ok = s[everyType]
	return h, true, ok
}

// answer finds the handler of a type.
func (c *call) answer(t events.Type) error {
	h, stored, ok := c.to.of(t)
	if !ok {
		return fmt.Errorf("no handler for events of type %s", t)
	}
	c.handler, c.stored = h, stored
	return nil
}
