package live

import "time"

// Names of the events about the stream itself.
const (
	resetEvent    = "reset"
	overflowEvent = "overflow"
	shutdownEvent = "shutdown"
	revokedEvent  = "revoked"
)

// Reasons of a stream that was revoked.
const (
	SessionEnded = "session-ended"
	KeyRevoked   = "key-revoked"
	Expired      = "expired"
	Suspended    = "suspended"
	Deleted      = "deleted"
	Forbidden    = "forbidden"
)

// ending says how a stream ends.
type ending struct {
	event, reason, message string
	// keep says that what waits is still sent.
	keep bool
	// patience is how long a write under way may take before it is broken off.
	patience time.Duration
}

var (
	// endGone is a client that has left: there is nobody to tell.
	endGone = &ending{reason: "gone"} //nolint:gochecknoglobals // a constant but for its form
	//nolint:gochecknoglobals // a constant but for its form
	endOverflow = &ending{
		event: overflowEvent, reason: "too-slow", keep: true, patience: writeLimit,
		message: "more happened than this client took; come back with the last id",
	}
	//nolint:gochecknoglobals // a constant but for its form
	endShutdown = &ending{
		event: shutdownEvent, reason: "shutdown", keep: true, patience: shutdownPatience,
		message: "this process ends; come back with the last id",
	}
)

const (
	// writeLimit is how long a client may take for one write. Sinks keep to it.
	writeLimit = 30 * time.Second
	// revokePatience leaves a revoked stream time to say so, within a second.
	revokePatience   = 400 * time.Millisecond
	shutdownPatience = 800 * time.Millisecond
)

// WriteLimit is how long a Sink may take for one write.
const WriteLimit = writeLimit

func revoked(reason string) *ending {
	return &ending{
		event: revokedEvent, reason: reason, patience: revokePatience,
		message: "the credential or right behind this stream is gone",
	}
}
