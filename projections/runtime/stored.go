package runtime

import "github.com/rosterhq/roster/events"

const (
	// everyType is the type of a handler that takes all events.
	everyType events.Type = "*"
	// unknownType is the type of events of a newer release.
	unknownType events.Type = "?"
)

// Stored is what a handler takes that wants every event of the stream as the log
// holds it, still sealed, also those of types that this release does not know:
//
//	runtime.OnPublic(func(ctx context.Context, q runtime.Queue, m runtime.Event, e *runtime.Stored) error
//
// Handlers of single types of the same projection come before it. Its headers and
// body are shared: nobody may change them.
type Stored struct{ events.Stored }

// EventType implements events.Payload: it is that of all events.
func (*Stored) EventType() events.Type { return everyType }
