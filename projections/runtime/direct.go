package runtime

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/rosterhq/roster/events"
)

// dispatcher brings an event to its handler, which queues what it does.
type dispatcher interface {
	dispatch(ctx context.Context, m *inbound, into *batch) error
}

// direct brings events to handlers without a router between, for many at once.
type direct struct {
	handled   switchboard
	marshaler marshaler
}

func (d *direct) dispatch(ctx context.Context, m *inbound, into *batch) error {
	return d.handle(ctx, m, into)
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
	h, stored, ok := d.handled.of(m.typ)
	if !ok {
		return nil, h, fmt.Errorf("no handler for events of type %s", m.typ)
	}
	if m.err != nil {
		return nil, h, m.err
	}
	if stored {
		return &Stored{events.Stored{
			Meta: m.meta, Stream: d.marshaler.stream, Sequence: m.sequence, Subject: m.subject, Headers: m.headers, Data: m.data,
		}}, h, nil
	}
	p, err := d.marshaler.payload(ctx, m, h)
	return p, h, err
}

func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("handler panicked: %v\n%s", p, debug.Stack())
	}
}
