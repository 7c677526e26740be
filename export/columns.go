package export

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/rosterhq/roster/events"
)

// kind is how a member of an event's data lies in a column.
type kind int

const (
	textKind kind = iota
	numberKind
	floatKind
	flagKind
	timeKind
	listKind // of texts
	jsonKind // whatever else: its JSON
)

// field is a member of an event's data.
type field struct {
	name string
	kind kind
}

// fieldsOf lists the members of a type's data, as the payload declares them: the
// personal ones only when they are exported, secrets never. A type that this
// release does not know has none.
func fieldsOf(c *events.Catalogue, t events.Type, personal bool) []field {
	p, err := c.New(t)
	if err != nil {
		return nil
	}
	out := members(reflect.TypeOf(p).Elem())
	if private := events.PrivatePart(p); private != nil && personal {
		out = append(out, members(reflect.TypeOf(private).Elem())...)
	}
	return out
}

func members(t reflect.Type) []field {
	var out []field
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || name == "" || name == "-" || f.Tag.Get("secret") != "" {
			continue
		}
		out = append(out, field{name: name, kind: kindOf(f.Type)})
	}
	return out
}

func kindOf(t reflect.Type) kind {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.String:
		return textKind
	case reflect.Bool:
		return flagKind
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return numberKind
	case reflect.Float32, reflect.Float64:
		return floatKind
	case reflect.Slice:
		if t.Elem().Kind() == reflect.String {
			return listKind
		}
	case reflect.Struct:
		if t == reflect.TypeFor[time.Time]() {
			return timeKind
		}
	}
	if t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 && t != reflect.TypeFor[json.RawMessage]() {
		return textKind // bytes are base64
	}
	return jsonKind
}

func (k kind) node() parquet.Node {
	switch k {
	case numberKind:
		return parquet.Optional(parquet.Int(64))
	case floatKind:
		return parquet.Optional(parquet.Leaf(parquet.DoubleType))
	case flagKind:
		return parquet.Optional(parquet.Leaf(parquet.BooleanType))
	case timeKind:
		return parquet.Optional(parquet.Timestamp(parquet.Microsecond))
	case listKind:
		return parquet.Repeated(parquet.String())
	case jsonKind:
		return parquet.Optional(parquet.JSON())
	default:
		return parquet.Optional(parquet.String())
	}
}

// append appends the values of a member to a row; raw nil is a member that the
// event does not have.
func (k kind) append(row parquet.Row, raw json.RawMessage, at int) (parquet.Row, error) {
	if raw == nil || string(raw) == "null" {
		return append(row, parquet.NullValue().Level(0, 0, at)), nil
	}
	var v parquet.Value
	var err error
	switch k {
	case numberKind:
		var n int64
		err = json.Unmarshal(raw, &n)
		v = parquet.Int64Value(n)
	case floatKind:
		var n float64
		err = json.Unmarshal(raw, &n)
		v = parquet.DoubleValue(n)
	case flagKind:
		v = parquet.BooleanValue(string(raw) == "true")
	case timeKind:
		var t time.Time
		err = json.Unmarshal(raw, &t)
		v = parquet.Int64Value(t.UnixMicro())
	case listKind:
		return appendList(row, raw, at)
	case jsonKind:
		v = parquet.ByteArrayValue(raw)
	default:
		var s string
		s, err = plainString(raw)
		v = text(s)
	}
	if err != nil {
		return row, fmt.Errorf("%w: %w", errNoEvent, err)
	}
	return append(row, v.Level(0, 1, at)), nil
}

func appendList(row parquet.Row, raw json.RawMessage, at int) (parquet.Row, error) {
	var list []string
	if err := json.Unmarshal(raw, &list); err != nil {
		return row, fmt.Errorf("%w: %w", errNoEvent, err)
	}
	if len(list) == 0 {
		return append(row, parquet.NullValue().Level(0, 0, at)), nil
	}
	for i, s := range list {
		row = append(row, text(s).Level(min(i, 1), 1, at))
	}
	return row, nil
}

// plainString avoids the decoder where there is nothing to unescape.
func plainString(raw json.RawMessage) (string, error) {
	if len(raw) >= 2 && raw[0] == '"' && !slices.Contains(raw, '\\') {
		return string(raw[1 : len(raw)-1]), nil
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err
}

func text(s string) parquet.Value { return parquet.ByteArrayValue([]byte(s)) }

func optionalText(s string, at int) parquet.Value {
	if s == "" {
		return parquet.NullValue().Level(0, 0, at)
	}
	return text(s).Level(0, 1, at)
}
