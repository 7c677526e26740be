package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/invopop/jsonschema"

	"github.com/rosterhq/roster/catalogue"
	"github.com/rosterhq/roster/events"
)

// schema is one type and version.
type schema struct {
	typ     events.Type
	stream  events.Stream
	current bool
	headers map[string]string // of the example
	text    []byte
	entry   catalogue.Entry
}

func (s schema) file() string { return string(s.typ) + ".json" }

// example is a golden file: a message that some release wrote.
type example struct {
	Headers events.Headers  `json:"headers"`
	Data    json.RawMessage `json:"data"`
	Private json.RawMessage `json:"private"`
}

// schemas makes the schema of every type and version.
func schemas(c *events.Catalogue, src *source, golden string) ([]schema, error) {
	var out []schema
	for _, t := range c.Types() {
		raw, err := os.ReadFile(filepath.Join(golden, string(t)+".json"))
		if err != nil {
			return nil, fmt.Errorf("%s needs a golden file (go test ./events -write-missing): %w", t, err)
		}
		var e example
		if err := json.Unmarshal(raw, &e); err != nil {
			return nil, fmt.Errorf("golden file of %s: %w", t, err)
		}
		p, err := c.New(t)
		if err != nil {
			return nil, err
		}
		text, err := src.schema(c, t, p, e)
		if err != nil {
			return nil, fmt.Errorf("schema of %s: %w", t, err)
		}
		entry, err := catalogue.Read(t, text)
		if err != nil {
			return nil, err
		}
		newest, _ := c.Current(t)
		headers := map[string]string{}
		for name, values := range e.Headers {
			headers[name] = values[0]
		}
		out = append(out, schema{typ: t, stream: c.Stream(t), current: newest == t, headers: headers, text: text, entry: entry})
	}
	return out, nil
}

func (s *source) schema(c *events.Catalogue, t events.Type, p events.Payload, e example) ([]byte, error) {
	goType := reflect.TypeOf(p).Elem()
	root := s.object(goType)
	root.Version, root.ID, root.Title = jsonschema.Version, jsonschema.ID("/v1/catalogue/"+string(t)), string(t)
	root.Description = strings.TrimSpace(c.Doc(t) + " " + about(goType, s.types[goType.Name()]))
	root.Extras = map[string]any{"x-stream": string(c.Stream(t))}
	root.Examples = []any{e.Data}
	if private := events.PrivatePart(p); private != nil {
		if err := s.sealed(root, reflect.TypeOf(private).Elem(), e.Private); err != nil {
			return nil, err
		}
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(root); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return plain(out.Bytes())
}

// plain indents again, with what the library escaped for HTML as it is.
func plain(text []byte) ([]byte, error) {
	for escaped, char := range map[string]string{`\u003c`: "<", `\u003e`: ">", `\u0026`: "&"} {
		text = bytes.ReplaceAll(text, []byte(escaped), []byte(char))
	}
	var out bytes.Buffer
	if err := json.Indent(&out, bytes.TrimSpace(text), "", "  "); err != nil {
		return nil, fmt.Errorf("indent: %w", err)
	}
	return append(out.Bytes(), '\n'), nil
}

const sealedDoc = "What is personal or secret, AES-256-GCM under the data key of the user whom the ce-sealedfor header names: " +
	"12 bytes of nonce, the sealed JSON of #/$defs/sealed, 16 bytes of tag. It opens no more once that user is erased."

// sealed describes the private part, each member with its protection.
func (s *source) sealed(root *jsonschema.Schema, private reflect.Type, shown json.RawMessage) error {
	box, ok := root.Properties.Get("sealed")
	if !ok {
		return fmt.Errorf("%s has a private part and no member for it", private)
	}
	box.Description = sealedDoc
	box.Extras = map[string]any{"x-opens-to": "#/$defs/sealed"}
	inner := s.object(private)
	inner.Description = "The sealed part, opened. Personal members are shown to those who may see personal data, secret ones to nobody."
	inner.Examples = []any{shown}
	for i := range private.NumField() {
		f := private.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		member, ok := inner.Properties.Get(name)
		if !ok {
			return fmt.Errorf("member %s of %s has no schema", f.Name, private)
		}
		protection := "personal"
		if f.Tag.Get("secret") == "true" {
			protection = "secret"
		}
		if member.Extras == nil {
			member.Extras = map[string]any{}
		}
		member.Extras["x-protection"] = protection
	}
	root.Definitions = jsonschema.Definitions{"sealed": inner}
	return nil
}

// object reflects a struct, nested ones in their place.
func (s *source) object(t reflect.Type) *jsonschema.Schema {
	r := jsonschema.Reflector{
		Anonymous: true, DoNotReference: true, ExpandedStruct: true,
		AllowAdditionalProperties: true, // a reader bears with members that it does not know
		LookupComment:             s.comment, Mapper: s.named,
	}
	out := r.ReflectFromType(t)
	out.Version = ""
	nullable(out, t)
	return out
}

// nullable lets lists that are always written be null: Go writes an empty one so.
func nullable(s *jsonschema.Schema, t reflect.Type) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous && f.Type.Kind() == reflect.Struct {
			nullable(s, f.Type)
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		member, ok := s.Properties.Get(name)
		if !ok || f.Type.Kind() != reflect.Slice || strings.Contains(options, "omit") {
			continue
		}
		if member.Extras == nil {
			member.Extras = map[string]any{}
		}
		member.Extras["type"] = []string{member.Type, "null"}
		member.Type = ""
	}
}

func (s *source) comment(t reflect.Type, field string) string {
	if field == "" {
		return ""
	}
	text := s.fields[t.Name()][field]
	if f, ok := t.FieldByName(field); ok {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if rest, ok := strings.CutPrefix(text, field+" "); ok {
			return "`" + name + "` " + rest
		}
	}
	return upper(text)
}

// named describes texts of which the code knows the values. Later releases may have
// more of them.
func (s *source) named(t reflect.Type) *jsonschema.Schema {
	values := s.values[t.Name()]
	if t.Kind() != reflect.String || len(values) == 0 {
		return nil
	}
	return &jsonschema.Schema{Type: "string", Extras: map[string]any{"x-values": values}}
}

// about makes a type's comment one about the event, with the names of its members
// as the body has them.
func about(t reflect.Type, comment string) string {
	if rest, ok := strings.CutPrefix(comment, t.Name()+" "); ok {
		comment = "It " + rest
	}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" || f.Anonymous {
			continue
		}
		comment = regexp.MustCompile(`\b`+f.Name+`\b`).ReplaceAllString(comment, "`"+name+"`")
	}
	return comment
}

func upper(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return ""
	}
	s = string(unicode.ToUpper(r)) + s[size:]
	if !strings.HasSuffix(s, ".") {
		s += "."
	}
	return s
}
