package events

import "errors"

// ErrWentBack says that the log is not the one that was read before: it ends
// earlier, or holds another message there, or what was asked for is gone from it.
var ErrWentBack = errors.New("log went back")

// Stored is an event as the log holds it: its private part is still sealed.
type Stored struct {
	Meta     Meta
	Stream   Stream
	Sequence uint64
	Subject  string // of the message; a log in memory has none
	Headers  Headers
	Data     []byte
}

// Position returns where in the log the event lies.
func (s Stored) Position() Position { return Position{Stream: s.Stream, Sequence: s.Sequence} }

// Follower is told what a stream holds while it is read live. It is called by
// one goroutine at a time, in order, and must not block.
type Follower interface {
	// Event delivers the next event.
	Event(e Stored)
	// Caught says that everything up to head was delivered, and that head was
	// the end of the stream less than half a second ago. It comes several times
	// a second while all is well, also when nothing happens.
	Caught(head uint64)
	// Lost says that the connection is gone, or that something is missing. What
	// follows is delivered, without a gap, when it is whole again.
	Lost(err error)
}

// Observer is a Follower that is told of all messages, in their order between the
// events: also of claims and counters, and of what can not be read as an event.
type Observer interface {
	Follower
	// Other delivers such a message. It has no Meta.
	Other(m Stored)
}
