package v1

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/api/v1/client"
)

// fields takes typed members out of a JSON object and remembers what is wrong
// with them and which ones nobody asked for.
type fields struct {
	object gate.Object
	prefix string
	taken  map[string]struct{}
	wrong  *[]client.FieldProblem
}

func fieldsOf(o gate.Object) *fields {
	return &fields{object: o, taken: make(map[string]struct{}, len(o)), wrong: new([]client.FieldProblem)}
}

// take returns a member that is there and not null.
func (f *fields) take(name string) (json.RawMessage, bool) {
	f.taken[name] = struct{}{}
	raw, ok := f.object[name]
	return raw, ok && !isNull(raw)
}

func isNull(raw json.RawMessage) bool { return string(raw) == "null" }

func (f *fields) refuse(name, rule, detail string) {
	*f.wrong = append(*f.wrong, client.FieldProblem{Field: f.prefix + name, Rule: rule, Detail: detail})
}

// text is a member that may be absent or null: "" then.
func (f *fields) text(name string) string {
	raw, ok := f.take(name)
	if !ok {
		return ""
	}
	s, ok := stringOf(raw)
	if !ok {
		f.refuse(name, "type", "must be a string")
	}
	return s
}

// stringOf decodes a string. Most have no escapes, and were checked with the object
// around them.
func stringOf(raw json.RawMessage) (s string, ok bool) {
	if len(raw) >= 2 && raw[0] == '"' && bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1]), true
	}
	return s, json.Unmarshal(raw, &s) == nil
}

// required is a text that must not be empty.
func (f *fields) required(name string) string {
	before := len(*f.wrong)
	s := f.text(name)
	if s == "" && len(*f.wrong) == before {
		f.refuse(name, "required", "is required")
	}
	return s
}

// change is nil when the member is absent, and "" when it is null.
func (f *fields) change(name string) *string {
	if _, ok := f.object[name]; !ok {
		f.taken[name] = struct{}{}
		return nil
	}
	s := f.text(name)
	return &s
}

func (f *fields) boolean(name string) bool {
	raw, ok := f.take(name)
	if !ok {
		return false
	}
	var b bool
	if json.Unmarshal(raw, &b) != nil {
		f.refuse(name, "type", "must be a boolean")
	}
	return b
}

// integer is a whole number of 64 bits that is not negative.
func (f *fields) integer(name string) int64 {
	raw, ok := f.take(name)
	if !ok {
		return 0
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	switch {
	case err != nil:
		f.refuse(name, "type", "must be a whole number below 2^63")
	case n < 0:
		f.refuse(name, "range", "must not be negative")
	}
	return n
}

// instant is a time in UTC, to the microsecond.
func (f *fields) instant(name string) (t time.Time, given bool) {
	raw, ok := f.take(name)
	if !ok {
		return time.Time{}, false
	}
	s, ok := stringOf(raw)
	if !ok {
		f.refuse(name, "type", "must be a string")
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	t = t.UTC().Truncate(time.Microsecond)
	if err != nil || t.Year() < 1 || t.Year() > 9999 {
		f.refuse(name, "format", "must be a time as 2024-01-31T12:00:00Z")
		return time.Time{}, false
	}
	return t, true
}

// moment is an instant that may be absent.
func (f *fields) moment(name string) *time.Time {
	if t, ok := f.instant(name); ok {
		return &t
	}
	return nil
}

// texts is a list of texts; nil when absent or null.
func (f *fields) texts(name string) []string {
	raw, ok := f.take(name)
	if !ok {
		return nil
	}
	var out []*string // a null would pass as "" otherwise
	if json.Unmarshal(raw, &out) != nil || slices.Contains(out, nil) {
		f.refuse(name, "type", "must be an array of strings")
		return nil
	}
	list := make([]string, len(out))
	for i, s := range out {
		list[i] = *s
	}
	return list
}

// inner is a member that is an object; nil when absent or null.
func (f *fields) inner(name string) *fields {
	raw, ok := f.take(name)
	if !ok {
		return nil
	}
	return f.nested(name, raw)
}

func (f *fields) nested(name string, raw json.RawMessage) *fields {
	var o gate.Object
	if jsonv2.Unmarshal(raw, &o, jsontext.AllowInvalidUTF8(true)) != nil || o == nil {
		f.refuse(name, "type", "must be an object")
		return nil
	}
	return &fields{object: o, prefix: f.prefix + name + ".", taken: make(map[string]struct{}, len(o)), wrong: f.wrong}
}

// list is a member that is an array of objects.
func (f *fields) list(name string) []*fields {
	raw, ok := f.take(name)
	if !ok {
		return nil
	}
	var items []json.RawMessage
	if jsonv2.Unmarshal(raw, &items, jsontext.AllowInvalidUTF8(true)) != nil {
		f.refuse(name, "type", "must be an array of objects")
		return nil
	}
	out := make([]*fields, 0, len(items))
	for i, item := range items {
		if inner := f.nested(name+"["+strconv.Itoa(i)+"]", item); inner != nil {
			out = append(out, inner)
		}
	}
	return out
}

// free is a member of any shape that must be an object.
func (f *fields) free(name string) map[string]any {
	raw, ok := f.take(name)
	if !ok {
		return nil
	}
	value, err := plainValue(raw)
	if err != nil {
		f.refuse(name, "range", "holds a number that is too large")
		return nil
	}
	object, ok := value.(map[string]any)
	if !ok {
		f.refuse(name, "type", "must be an object")
	}
	return object
}

// end refuses the members that nobody asked for.
func (f *fields) end() {
	var unknown []string
	for name := range f.object {
		if _, ok := f.taken[name]; !ok {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	const most = 10 // a hostile body is not repeated whole
	for _, name := range unknown[:min(most, len(unknown))] {
		f.refuse(name, "unknown", "there is no such member")
	}
}

// problem returns what is wrong, or nil.
func (f *fields) problem() error {
	if len(*f.wrong) == 0 {
		return nil
	}
	return invalid(http.StatusUnprocessableEntity, *f.wrong)
}
