package export

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/rosterhq/roster/events"
)

// event is a line of GET /v1/events: a CloudEvent in structured JSON.
type event struct {
	Position      string          `json:"position"`
	ID            string          `json:"id"`
	Type          string          `json:"type"`
	Source        string          `json:"source"`
	Subject       string          `json:"subject"`
	Time          string          `json:"time"`
	Actor         string          `json:"actor"`
	CommandID     string          `json:"commandid"`
	CorrelationID string          `json:"correlationid"`
	CausationID   string          `json:"causationid"`
	Dialect       string          `json:"dialect"`
	Reason        string          `json:"reason"`
	SealedFor     string          `json:"sealedfor"`
	Client        string          `json:"client"`
	Data          json.RawMessage `json:"data"`

	at   events.Position
	time time.Time
}

var errNoEvent = errors.New("not an event")

func parse(line []byte) (*event, error) {
	e := &event{}
	if err := json.Unmarshal(line, e); err != nil {
		return nil, fmt.Errorf("%w: %w", errNoEvent, err)
	}
	var err error
	if e.at, err = events.ParsePosition(e.Position); err != nil {
		return nil, fmt.Errorf("%w: %w", errNoEvent, err)
	}
	if e.time, err = time.Parse(time.RFC3339Nano, e.Time); err != nil {
		return nil, fmt.Errorf("%w at %s: %w", errNoEvent, e.Position, err)
	}
	return e, nil
}

// day is the partition of an event.
func (e *event) day() string { return e.time.UTC().Format(time.DateOnly) }

// column is a member of the envelope.
type column struct {
	name string
	text func(*event) string
}

// envelope lists the text columns, in the order of CSV. Sequence and time have types
// of their own in Parquet.
func envelope() []column {
	return []column{
		{"position", func(e *event) string { return e.Position }},
		{"stream", func(e *event) string { return string(e.at.Stream) }},
		{"id", func(e *event) string { return e.ID }},
		{"type", func(e *event) string { return e.Type }},
		{"source", func(e *event) string { return e.Source }},
		{"subject", func(e *event) string { return e.Subject }},
		{"actor", func(e *event) string { return e.Actor }},
		{"commandid", func(e *event) string { return e.CommandID }},
		{"correlationid", func(e *event) string { return e.CorrelationID }},
		{"causationid", func(e *event) string { return e.CausationID }},
		{"dialect", func(e *event) string { return e.Dialect }},
		{"reason", func(e *event) string { return e.Reason }},
		{"sealedfor", func(e *event) string { return e.SealedFor }},
		{"client", func(e *event) string { return e.Client }},
	}
}
