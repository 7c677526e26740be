package catalogue

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// document is a JSON Schema as far as the catalogue's makes use of one.
type document struct {
	Type            kind                `json:"type"`
	Format          string              `json:"format"`
	ContentEncoding string              `json:"contentEncoding"`
	Description     string              `json:"description"`
	Properties      properties          `json:"properties"`
	Required        []string            `json:"required"`
	Items           *document           `json:"items"`
	Examples        []json.RawMessage   `json:"examples"`
	Defs            map[string]document `json:"$defs"`
	Stream          string              `json:"x-stream"`
	Protection      string              `json:"x-protection"`
	Values          []string            `json:"x-values"`
}

// UnmarshalJSON reads also the schema `true`, which says nothing.
func (d *document) UnmarshalJSON(text []byte) error {
	if bytes.Equal(bytes.TrimSpace(text), []byte("true")) {
		return nil
	}
	type plain document
	return json.Unmarshal(text, (*plain)(d))
}

// kind is a type; of several, the one that is not null.
type kind string

// UnmarshalJSON reads one type or a list.
func (k *kind) UnmarshalJSON(text []byte) error {
	var list []string
	if json.Unmarshal(text, &list) == nil && len(list) > 0 {
		*k = kind(list[0])
		return nil
	}
	return json.Unmarshal(text, (*string)(k))
}

// properties are in the order of the text, which is the code's.
type properties struct {
	names []string
	of    map[string]document
}

// UnmarshalJSON keeps the order.
func (p *properties) UnmarshalJSON(text []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	if _, err := decoder.Token(); err != nil { // the brace
		return err
	}
	p.of = map[string]document{}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return err
		}
		var d document
		if err := decoder.Decode(&d); err != nil {
			return err
		}
		p.names = append(p.names, name.(string)) // JSON has no other names
		p.of[name.(string)] = d
	}
	return nil
}

// members lists what the schema has, nested ones by their path.
func (d document) members() []Member {
	var out []Member
	for _, name := range d.Properties.names {
		p := d.Properties.of[name]
		m := Member{
			Name: name, Type: p.said(), Required: slices.Contains(d.Required, name), Secret: p.Protection == "secret",
			Values: p.Values, Description: p.Description,
		}
		inner, mark := p, "."
		if p.Items != nil {
			inner, mark = *p.Items, "[]."
			m.Values = append(m.Values, p.Items.Values...)
		}
		out = append(out, m)
		for _, n := range inner.members() {
			n.Name, n.Secret = name+mark+n.Name, m.Secret
			out = append(out, n)
		}
	}
	return out
}

// said is the type as people say it.
func (d document) said() string {
	switch {
	case d.Format == "date-time":
		return "time"
	case d.ContentEncoding != "":
		return "bytes (" + d.ContentEncoding + ")"
	case d.Type == "array" && d.Items != nil:
		return "list of " + strings.TrimSuffix(d.Items.said(), "s")
	case d.Type == "string":
		return "text"
	case d.Type == "":
		return "any"
	}
	return string(d.Type)
}
