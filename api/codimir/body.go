package codimir

import (
	"encoding/json"
	"mime"
	"net/http"

	"github.com/rosterhq/roster/api/gate"
)

// bodyLimit is far above what any honest request of this dialect needs.
const bodyLimit = 64 << 10

// readMembers reads a body that must be a JSON object.
func readMembers(w http.ResponseWriter, r *http.Request) (*members, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return nil, faultMediaType
	}
	o, err := gate.ReadObject(w, r, bodyLimit)
	if err != nil {
		return nil, err
	}
	return newMembers(o), nil
}

// faultOfBody maps what the gate found wrong with a body.
func faultOfBody(e *gate.BodyError) *fault {
	switch e.Code {
	case gate.TooLarge:
		return faultTooLarge
	case gate.BadEncoding:
		return &fault{status: http.StatusUnsupportedMediaType, code: faultMediaType.code, message: "Content-Encoding is not supported"}
	case gate.NUL:
		return invalid(map[string]string{e.Field: e.Detail})
	case gate.NotObject:
		return badRequest("Request body must be a JSON object")
	case gate.NotJSON, gate.Empty:
		return badRequest("Request body is not valid JSON")
	case gate.Duplicate:
		return badRequest("Request body is ambiguous: " + e.Field + " is " + e.Detail)
	default:
		return badRequest("Request body is refused: " + e.Detail)
	}
}

// members reads members of an object and collects what is wrong with them.
type members struct {
	object  gate.Object
	reasons map[string]string
}

func newMembers(o gate.Object) *members { return &members{object: o, reasons: map[string]string{}} }

func (m *members) refuse(name, reason string) { m.reasons[name] = reason }

// fault is nil when nothing was wrong.
func (m *members) fault() error {
	if len(m.reasons) == 0 {
		return nil
	}
	return invalid(m.reasons)
}

// text reads a string; nil when the member is absent or wrong.
func (m *members) text(name string) *string {
	return member[string](m, name, "must be a string")
}

// clearable reads a string that null clears.
func (m *members) clearable(name string) *string {
	if string(m.object[name]) == "null" {
		return new(string)
	}
	return m.text(name)
}

// flag reads a boolean; nil when the member is absent or wrong.
func (m *members) flag(name string) *bool {
	return member[bool](m, name, "must be a boolean")
}

func member[T any](m *members, name, otherwise string) *T {
	raw, ok := m.object[name]
	if !ok {
		return nil
	}
	var value *T // stays nil for null
	if err := json.Unmarshal(raw, &value); err != nil || value == nil {
		m.refuse(name, otherwise)
		return nil
	}
	return value
}
