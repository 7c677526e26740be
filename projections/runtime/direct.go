package runtime

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/rosterhq/roster/events"
)

// dispatcher brings events to their handlers, which queue what they do: in their order,
// up to the first that is refused.
type dispatcher interface {
	dispatch(ctx context.Context, into *batch, run ...*inbound) error
}

// direct brings events to handlers without a router between, for many at once.
type direct struct {
	handled   switchboard
	marshaler marshaler
}

func (d *direct) dispatch(ctx context.Context, into *batch, run ...*inbound) error {
	for _, m := range run {
		if err := d.handle(ctx, m, into); err != nil {
			return err
		}
	}
	return nil
}

// handle queues what an event does. A handler's panic is the event's failure.
func (d *direct) handle(ctx context.Context, m *inbound, q Queue) (err error) {
	defer recovered(&err)
	p, h, err := d.payload(ctx, m)
	if err != nil {
		return err
	}
	return h.handle(ctx, q, Event{Meta: m.meta, Sequence: m.sequence}, p)
}

// payload returns what the event's handler is to get.
func (d *direct) payload(ctx context.Context, m *inbound) (events.Payload, Handler, error) {
	return d.marshaler.open(ctx, d.handled, m)
}

func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("handler panicked: %v\n%s", p, debug.Stack())
	}
}
