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

// calls are events on their way through the router.
type calls struct {
	to   switchboard
	each []call
}

// call is an event with the handler it goes to.
type call struct {
	msg     *inbound
	handler Handler
	payload events.Payload
}

// anyEvent is the name by which Watermill knows the events of all types.
const anyEvent = "event"

// NewEvent implements cqrs.GroupEventHandler.
func (s switchboard) NewEvent() any { return &calls{to: s} }

// Handle implements cqrs.GroupEventHandler.
func (s switchboard) Handle(ctx context.Context, event any) error {
	d, ok := deliveryFrom(ctx)
	if !ok {
		return errors.New("event was not delivered by a projection's subscriber")
	}
	run, ok := event.(*calls)
	if !ok || len(run.each) != len(d.run) {
		return fmt.Errorf("events from %s on were not unmarshalled", d.run[0].id)
	}
	for _, c := range run.each {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := c.handler.handle(ctx, d.into, Event{Meta: c.msg.meta, Sequence: c.msg.sequence}, c.payload); err != nil {
			return err
		}
	}
	return nil
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
