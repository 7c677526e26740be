package export

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/parquet-go/parquet-go"

	"github.com/rosterhq/roster/events"
)

// table is the form of a set of Parquet files.
type table struct {
	schema  *parquet.Schema
	columns []func(row parquet.Row, e *event, data map[string]json.RawMessage, at int) (parquet.Row, error)
	data    bool // whether columns come from the event's data
}

// part is a column before the order is known: a Parquet group has its columns in
// the order of their names.
type part struct {
	node  parquet.Node
	value func(row parquet.Row, e *event, data map[string]json.RawMessage, at int) (parquet.Row, error)
}

func newTable(name string, parts map[string]part) *table {
	group := parquet.Group{}
	for column, p := range parts {
		group[column] = p.node
	}
	t := &table{schema: parquet.NewSchema(name, group)}
	for _, path := range t.schema.Columns() {
		t.columns = append(t.columns, parts[path[0]].value)
	}
	return t
}

func (t *table) row(row parquet.Row, e *event) (parquet.Row, error) {
	var data map[string]json.RawMessage
	if t.data && len(e.Data) > 0 {
		if err := json.Unmarshal(e.Data, &data); err != nil {
			return nil, fmt.Errorf("%w: data of %s: %w", errNoEvent, e.Position, err)
		}
	}
	var err error
	for at, add := range t.columns {
		if row, err = add(row, e, data, at); err != nil {
			return nil, fmt.Errorf("%s: %w", e.Position, err)
		}
	}
	return row, nil
}

// repeating are columns with few values, which a dictionary makes small.
func repeating() []string {
	return []string{"stream", "type", "source", "actor", "dialect", "reason", "subject", "event_actor", "event_subject"}
}

func textPart(name string, of func(*event) string) part {
	node := parquet.String()
	if slices.Contains(repeating(), name) {
		node = parquet.Encoded(node, &parquet.RLEDictionary)
	}
	return part{
		node: parquet.Optional(node),
		value: func(row parquet.Row, e *event, _ map[string]json.RawMessage, at int) (parquet.Row, error) {
			return append(row, optionalText(of(e), at)), nil
		},
	}
}

func sequencePart() part {
	return part{node: parquet.Int(64), value: func(row parquet.Row, e *event, _ map[string]json.RawMessage, at int) (parquet.Row, error) {
		return append(row, parquet.Int64Value(int64(e.at.Sequence)).Level(0, 0, at)), nil
	}}
}

func timePart() part {
	return part{node: parquet.Timestamp(parquet.Microsecond), value: func(row parquet.Row, e *event, _ map[string]json.RawMessage, at int) (parquet.Row, error) {
		return append(row, parquet.Int64Value(e.time.UnixMicro()).Level(0, 0, at)), nil
	}}
}

// envelopeTable has the envelope of every event.
func envelopeTable(personal bool) *table {
	parts := map[string]part{"sequence": sequencePart(), "time": timePart()}
	for _, c := range envelope() {
		if c.name != "client" || personal {
			parts[c.name] = textPart(c.name, c.text)
		}
	}
	return newTable("events", parts)
}

// typeTable has what events of one type say, and which event it is: its members are
// named apart from those of the data.
func typeTable(c *events.Catalogue, t events.Type, personal bool) *table {
	parts := map[string]part{
		"event_sequence": sequencePart(),
		"event_time":     timePart(),
		"event_position": textPart("event_position", func(e *event) string { return e.Position }),
		"event_id":       textPart("event_id", func(e *event) string { return e.ID }),
		"event_subject":  textPart("event_subject", func(e *event) string { return e.Subject }),
		"event_actor":    textPart("event_actor", func(e *event) string { return e.Actor }),
	}
	fields := fieldsOf(c, t, personal)
	for _, f := range fields {
		parts[f.name] = part{node: f.kind.node(), value: func(row parquet.Row, _ *event, data map[string]json.RawMessage, at int) (parquet.Row, error) {
			return f.kind.append(row, data[f.name], at)
		}}
	}
	if _, known := c.Current(t); !known { // of a newer release
		parts["data"] = part{node: jsonKind.node(), value: func(row parquet.Row, e *event, _ map[string]json.RawMessage, at int) (parquet.Row, error) {
			return jsonKind.append(row, e.Data, at)
		}}
	}
	made := newTable(string(t), parts)
	made.data = len(fields) > 0
	return made
}

// write makes a file of rows.
func (t *table) write(out io.Writer, rows []parquet.Row) error {
	w := parquet.NewGenericWriter[any](out, t.schema, parquet.Compression(&parquet.Snappy), parquet.CreatedBy("roster", "", ""))
	if _, err := w.WriteRows(rows); err != nil {
		return fmt.Errorf("write Parquet: %w", err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("write Parquet: %w", err)
	}
	return nil
}
