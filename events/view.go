package events

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// View shows events to those outside: what is public, what is personal to those
// who may see it, and what is secret to nobody. It is safe for concurrent use.
//
// Members of private parts that bear the tag `secret:"true"` are secret.
type View struct {
	secrets map[Type]map[string]bool // of types that have some
}

// NewView returns the view of a catalogue's events.
func NewView(c *Catalogue) *View {
	v := &View{secrets: map[Type]map[string]bool{}}
	for t, e := range c.entries {
		if p := PrivatePart(e.decode()); p != nil {
			if names := secretsOf(reflect.TypeOf(p).Elem()); len(names) > 0 {
				v.secrets[t] = names
			}
		}
	}
	return v
}

func secretsOf(t reflect.Type) map[string]bool {
	out := map[string]bool{}
	for i := range t.NumField() {
		if f := t.Field(i); f.Tag.Get("secret") == "true" {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			out[name] = true
		}
	}
	return out
}

const sealedPrefix = `{"sealed":"`

// AppendPublic appends the body of an event without its sealed part: JSON, an
// object.
func (v *View) AppendPublic(to, body []byte) ([]byte, error) {
	if !bytes.Contains(body, []byte(`"sealed"`)) {
		return append(to, body...), nil
	}
	// As this package writes it, the box comes first, and base64 needs no escapes.
	if rest, ok := bytes.CutPrefix(body, []byte(sealedPrefix)); ok {
		end := bytes.IndexByte(rest, '"')
		if end >= 0 && end+1 < len(rest) && bytes.IndexByte(rest[:end], '\\') < 0 {
			switch rest[end+1] {
			case '}':
				return append(to, "{}"...), nil
			case ',':
				return append(append(to, '{'), rest[end+2:]...), nil
			}
		}
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return to, fmt.Errorf("%w: body: %w", ErrMalformed, err)
	}
	delete(members, "sealed")
	text, err := json.Marshal(members)
	return append(to, text...), err
}

// Personal returns the private part of an event without its secrets, JSON, an
// object: empty for an event without one. An event of a type that this release does
// not know shows nothing, since what is secret in it is not known.
func (v *View) Personal(c *Catalogue, m *Meta, body []byte, key *DataKey) ([]byte, error) {
	if _, known := c.entries[m.Type]; !known || m.SealedFor == "" || key == nil {
		return []byte("{}"), nil
	}
	var sealed struct {
		Box []byte `json:"sealed"`
	}
	if err := json.Unmarshal(body, &sealed); err != nil {
		return nil, fmt.Errorf("%w: body of %s: %w", ErrMalformed, m.Type, err)
	}
	if len(sealed.Box) == 0 {
		return []byte("{}"), nil
	}
	plain, err := key.Open(sealed.Box, associated(m))
	if err != nil {
		return nil, fmt.Errorf("%w: %s %s: %w", ErrMalformed, m.Type, m.ID, err)
	}
	secrets := v.secrets[m.Type]
	if len(secrets) == 0 {
		return plain, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(plain, &members); err != nil {
		return nil, fmt.Errorf("%w: private part of %s: %w", ErrMalformed, m.Type, err)
	}
	for name := range members {
		if secrets[name] {
			delete(members, name)
		}
	}
	return json.Marshal(members)
}
