package events

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Row is an event as a table keeps it: what is asked for lies in columns, and the
// headers that the columns do not tell beside them. Its body is the message's.
type Row struct {
	Position  Position
	Aggregate Aggregate
	Type      Type
	Time      time.Time // cut to microseconds
	Actor     *string   // nil for the user whom the event is about
	Dialect   string
	Headers   string // a JSON object: header to value, "" for one that is not there
	Body      []byte
}

// RowOf makes the row of an event. Headers of the log itself ("Nats-...") are no
// part of the event and left out.
func RowOf(e *Stored) Row {
	r := Row{
		Position: e.Position(), Aggregate: e.Meta.Aggregate, Type: e.Meta.Type, Time: e.Meta.Time.UTC().Truncate(time.Microsecond),
		Dialect: e.Meta.Dialect, Body: e.Data,
	}
	if actor := e.Meta.Actor; actor != e.Meta.Aggregate.ID || e.Meta.Aggregate.Kind != User {
		r.Actor = &actor
	}
	r.Headers = string(r.rest(e.Headers))
	return r
}

// columnHeaders are the headers that follow from the columns.
var columnHeaders = [...]string{ //nolint:gochecknoglobals // a constant list
	HeaderSpecVersion, HeaderSource, HeaderContentType, HeaderType, HeaderSchema, HeaderSubject, HeaderTime, HeaderActor, HeaderDialect,
}

// told returns the value of a header that follows from the columns.
func (r *Row) told(name string) string {
	switch name {
	case HeaderSpecVersion:
		return "1.0"
	case HeaderSource:
		return "/roster"
	case HeaderContentType:
		return contentTypeJSON
	case HeaderType:
		return string(r.Type)
	case HeaderSchema:
		return schemaPrefix + string(r.Type)
	case HeaderSubject:
		return r.Aggregate.String()
	case HeaderTime:
		return r.Time.Format(time.RFC3339Nano)
	case HeaderDialect:
		return r.Dialect
	case HeaderActor:
		if r.Actor != nil {
			return *r.Actor
		}
		return r.Aggregate.ID
	default:
		return ""
	}
}

// rest writes the headers that the columns do not tell, sorted, so that replays
// are equal.
func (r *Row) rest(h Headers) []byte {
	names := make([]string, 0, len(h))
	for name, values := range h {
		if len(values) > 0 && !strings.HasPrefix(name, "Nats-") && r.told(name) != values[0] {
			names = append(names, name)
		}
	}
	for _, name := range columnHeaders {
		if h.get(name) == "" && r.told(name) != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	out := make([]byte, 0, 384)
	for i, name := range names {
		separator := byte(',')
		if i == 0 {
			separator = '{'
		}
		out = append(AppendString(append(out, separator), name), ':')
		out = AppendString(out, h.get(name))
	}
	if len(names) == 0 {
		return []byte("{}")
	}
	return append(out, '}')
}

// Stored returns the event as the log holds it.
func (r *Row) Stored() (Stored, error) {
	var rest map[string]string
	if err := json.Unmarshal([]byte(r.Headers), &rest); err != nil {
		return Stored{}, fmt.Errorf("headers of the event at %s: %w", r.Position, err)
	}
	h := make(Headers, 16)
	set := func(name, value string) {
		if value != "" {
			h[name] = []string{value}
		}
	}
	for _, name := range columnHeaders {
		set(name, r.told(name))
	}
	for name, value := range rest {
		if delete(h, name); value != "" {
			set(name, value)
		}
	}
	meta, err := DecodeMeta(h)
	if err != nil {
		return Stored{}, fmt.Errorf("event at %s: %w", r.Position, err)
	}
	return Stored{Meta: meta, Stream: r.Position.Stream, Sequence: r.Position.Sequence, Headers: h, Data: r.Body}, nil
}
