package catalogue

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"strings"
)

//go:embed page.html
var pageText string

//go:embed page.js
var script []byte

//go:embed page.css
var style []byte

// Script is the little that the page's filter needs; without it the page is whole.
func Script() []byte { return script }

// Style is the page's, beside that of all pages.
func Style() []byte { return style }

// group is the types of one kind of aggregate.
type group struct {
	Kind    string
	Entries []Entry
}

// Page makes the browsable page, HTML.
func (c *Catalogue) Page() ([]byte, error) {
	page, err := template.New("events").Funcs(template.FuncMap{
		"indent": func(raw json.RawMessage) string { return Indent(raw) },
		"short":  short,
		"first":  firstSentence,
		"join":   func(list []string) string { return strings.Join(list, ", ") },
	}).Parse(pageText)
	if err != nil {
		return nil, fmt.Errorf("read the page of events: %w", err)
	}
	var out bytes.Buffer
	if err := page.Execute(&out, c.groups()); err != nil {
		return nil, fmt.Errorf("make the page of events: %w", err)
	}
	return out.Bytes(), nil
}

func (c *Catalogue) groups() []group {
	var out []group
	for _, e := range c.entries {
		if len(out) == 0 || out[len(out)-1].Kind != e.Kind() {
			out = append(out, group{Kind: e.Kind()})
		}
		last := &out[len(out)-1]
		last.Entries = append(last.Entries, e)
	}
	return out
}

// short is a type without what all of its group begin with.
func short(e Entry) string { return strings.TrimPrefix(string(e.Type), "roster."+e.Kind()+".") }

func firstSentence(e Entry) string {
	first, _, more := strings.Cut(e.Description, ". ")
	if more {
		return first + "."
	}
	return first
}

// Indent lays JSON out for people.
func Indent(raw json.RawMessage) string {
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		return string(raw)
	}
	return out.String()
}
