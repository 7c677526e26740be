package runwhen

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rosterhq/roster/api/gate"
)

// body is what a client sent: an object whose members are read one by one. What is
// wrong with them is collected.
type body struct {
	problems
	members map[string]json.RawMessage
	whole   json.RawMessage // as it is told back where a member is missing
}

// secrets are members that are never told back.
func secrets() []string {
	return []string{"password", "confirm_password", "confirmPassword", "token", "refresh"}
}

const masked = `"**********"`

// maxEcho bounds what is told back.
const maxEcho = 4 << 10

// readBody reads JSON; where a form may come, too, its values are texts.
func readBody(w http.ResponseWriter, r *http.Request, form bool) (*body, error) {
	raw, err := gate.ReadBody(w, r, gate.MaxBody)
	if err != nil {
		return nil, err
	}
	if form && isForm(r) {
		return formBody(raw)
	}
	return parseBody(raw)
}

func isForm(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/x-www-form-urlencoded"
}

func parseBody(raw []byte) (*body, error) {
	trimmed := bytes.TrimSpace(raw)
	if len(trimmed) == 0 || string(trimmed) == "null" {
		return nil, invalid(missing.at([]any{"body"}, nil))
	}
	b := &body{}
	var syntax *json.SyntaxError
	switch err := json.Unmarshal(raw, &b.members); {
	case errors.As(err, &syntax):
		return nil, invalid(notJSON(raw, syntax))
	case err != nil:
		return nil, invalid(notObject.at([]any{"body"}, echo(trimmed)))
	}
	b.whole = echo(b.shown())
	return b, nil
}

// shown is the body without what nobody may read.
func (b *body) shown() []byte {
	members := make(map[string]json.RawMessage, len(b.members))
	for name, value := range b.members {
		if slices.Contains(secrets(), name) {
			value = json.RawMessage(masked)
		}
		members[name] = value
	}
	raw, err := json.Marshal(members)
	if err != nil {
		return nil
	}
	return raw
}

// echo is what is told back of an input: nothing that is long, and no number that
// clients which keep numbers as floats could not read.
func echo(raw []byte) json.RawMessage {
	if len(raw) > maxEcho {
		return nil
	}
	var readable any
	if json.Unmarshal(raw, &readable) != nil {
		return nil
	}
	return raw
}

// formBody reads a form; the last of a repeated member counts.
func formBody(raw []byte) (*body, error) {
	form, err := url.ParseQuery(string(raw))
	if err != nil {
		return nil, errBody
	}
	b := &body{members: map[string]json.RawMessage{}}
	for name, values := range form {
		value := values[len(values)-1]
		if !utf8.ValidString(value) {
			return nil, errBody
		}
		encoded, err := json.Marshal(value)
		if err != nil {
			return nil, errBody
		}
		b.members[name] = encoded
	}
	b.whole = echo(b.shown())
	return b, nil
}

// notJSON says where a text stops being JSON, in characters as Python counts.
func notJSON(raw []byte, err *json.SyntaxError) problem {
	at := min(max(err.Offset-1, 0), int64(len(raw)))
	text := err.Error()
	if strings.HasPrefix(text, "unexpected end") {
		at = int64(len(raw))
	}
	return problem{
		Type: "json_invalid", Loc: []any{"body", utf8.RuneCount(raw[:at])}, Msg: "JSON decode error",
		Input: json.RawMessage("{}"), Ctx: map[string]any{"error": pythonText(text)},
	}
}

// pythonText says it in the words of Python's reader.
func pythonText(text string) string {
	for _, t := range []struct{ ours, theirs string }{
		{"beginning of object key", "Expecting property name enclosed in double quotes"},
		{"after object key:value pair", "Expecting ',' delimiter"},
		{"after array element", "Expecting ',' delimiter"},
		{"after object key", "Expecting ':' delimiter"},
		{"after top-level value", "Extra data"},
		{"escape code", `Invalid \escape`},
		{"in string literal", "Invalid control character at"},
	} {
		if strings.Contains(text, t.ours) {
			return t.theirs
		}
	}
	return "Expecting value"
}

// member is a member of a body as the client named it.
type member struct {
	name  string
	raw   json.RawMessage
	given bool
}

func (m member) null() bool { return string(m.raw) == "null" }

// present says that a member is there and not null.
func (m member) present() bool { return m.given && !m.null() }

func (m member) loc() []any { return []any{"body", m.name} }

func (m member) input() json.RawMessage {
	if slices.Contains(secrets(), m.name) {
		return json.RawMessage(masked)
	}
	return echo(m.raw)
}

// member finds a member by the first of its names that is there.
func (b *body) member(names ...string) member {
	for _, name := range names {
		if raw, ok := b.members[name]; ok {
			return member{name, raw, true}
		}
	}
	return member{name: names[0]}
}

// need is member of one that must be there.
func (b *body) need(names ...string) member {
	m := b.member(names...)
	if !m.given {
		b.add(missing.at(m.loc(), b.whole))
	}
	return m
}
