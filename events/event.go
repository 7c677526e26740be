package events

import (
	"fmt"
	"strings"
	"time"
)

// Type names an event type and its version, as "roster.user.registered.v1".
type Type string

// Payload is the body of an event in its newest version. Implementations are
// pointers to structs.
type Payload interface {
	EventType() Type
}

// Stream is one of the logs that hold events.
type Stream string

// The streams that hold events. Their order is their own: positions of two
// streams can not be compared.
const (
	// Roster holds the identity facts, for ever.
	Roster Stream = "ROSTER"
	// Activity holds what users did.
	Activity Stream = "ACTIVITY"
)

// Kind is a kind of aggregate, and a subject token.
type Kind string

// The kinds of aggregates.
const (
	User         Kind = "user"
	Organization Kind = "organization"
	Workspace    Kind = "workspace"
	Group        Kind = "group"
	Skill        Kind = "skill"
)

// Aggregate names one consistency boundary: a kind and an id. Ids are UUIDs,
// safe as subject tokens by construction.
type Aggregate struct {
	Kind Kind
	ID   string
}

// String returns the form used in the subject attribute: "user/<id>".
func (a Aggregate) String() string { return string(a.Kind) + "/" + a.ID }

// ParseAggregate reads the form that String writes.
func ParseAggregate(s string) (Aggregate, error) {
	kind, id, ok := strings.Cut(s, "/")
	if !ok || kind == "" || id == "" {
		return Aggregate{}, fmt.Errorf("parse aggregate %q: want kind/id", s)
	}
	return Aggregate{Kind: Kind(kind), ID: id}, nil
}

// The sources of facts in ROSTER.
const (
	SourceRoster = "/roster"
	// SourceImport is of users who moved in from another system, with all that they
	// brought along.
	SourceImport = "/roster/import"
)

// Meta is the envelope: the CloudEvents 1.0 attributes and Roster's extensions.
// Empty members are left out of the message.
type Meta struct {
	ID   string // UUIDv7, unique over all streams
	Type Type
	// Source is the CloudEvents source: SourceRoster for facts decided here,
	// SourceImport for those that came along, the recording system's name for
	// activities.
	Source string
	// Time is for people and for questions "as of": order comes from the
	// stream's sequence alone. UTC, microseconds.
	Time      time.Time
	Aggregate Aggregate

	Actor         string // who caused it: a user's id, or "system"
	CommandID     string // one per command, equal in all its events
	RequestHash   string // what the command asked for, to tell a repeat from a misuse of its key
	CorrelationID string
	CausationID   string // id of the event that this one reacts to
	Dialect       string
	Reason        string

	// Client is the address from which the command came. It never lies in the log in
	// clear: SealedClient is its form on the wire, which alone is there after
	// decoding, until OpenClient. ClientOf is the user under whose key it lies, where
	// that is not the actor.
	Client       string
	SealedClient string
	ClientOf     string

	// SealedFor is the user under whose data key the sealed part lies; empty
	// when the event has none.
	SealedFor string
}

// Recorded is an event as the log holds it.
type Recorded struct {
	Meta
	Stream   Stream
	Sequence uint64
	Payload  Payload
}

// Position returns where in the log the event lies.
func (r Recorded) Position() Position { return Position{Stream: r.Stream, Sequence: r.Sequence} }
