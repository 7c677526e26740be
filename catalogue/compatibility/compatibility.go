// Package compatibility says whether readers of a released event type bear what its
// schema has become. The log keeps every event for ever, and clients keep copies of
// it, so a released version stays as it is: it may get new optional members, and
// names for more values. Everything else is a new version, with an upcaster from the
// one before.
package compatibility

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
)

// Breach is a change of a released schema that needs a new version.
type Breach struct {
	Type   string // with the version, as it was released
	Member string // as a path, "sealed.email"; empty: the type as a whole
	What   string
}

// Error says what changed and what to do instead.
func (b Breach) Error() string {
	member := ""
	if b.Member != "" {
		member = fmt.Sprintf(" member %q", b.Member)
	}
	return fmt.Sprintf("%s:%s %s; a released event never changes: leave it as it was, add %s, and register the old one "+
		"with an upcaster (RegisterOld; docs/guides/add-an-event.md, \"Change an event\")", b.Type, member, b.What, next(b.Type))
}

var version = regexp.MustCompile(`^(.+\.v)(\d+)$`)

func next(t string) string {
	m := version.FindStringSubmatch(t)
	if m == nil {
		return "a new version"
	}
	n, err := strconv.Atoi(m[2])
	if err != nil {
		return "a new version"
	}
	return m[1] + strconv.Itoa(n+1)
}

// Check compares the released schema of a type with what the code makes now; nil
// now means that the code knows the type no more.
func Check(typ string, released, now []byte) []Breach {
	c := checker{typ: typ}
	if now == nil {
		c.breach("", "is gone from the code, and the log still holds it")
		return c.breaches
	}
	var was, is node
	if json.Unmarshal(released, &was) != nil || json.Unmarshal(now, &is) != nil {
		c.breach("", "has a schema that is no JSON object")
		return c.breaches
	}
	if was["x-stream"] != is["x-stream"] {
		c.breach("", fmt.Sprintf("moved from stream %v to %v", was["x-stream"], is["x-stream"]))
	}
	c.compare("", was, is)
	c.compare("sealed", was.at("$defs", "sealed"), is.at("$defs", "sealed"))
	c.moved(was, is)
	return c.breaches
}

// node is a schema as JSON.
type node map[string]any

// at follows names; nil where there is nothing.
func (n node) at(names ...string) node {
	for _, name := range names {
		inner, _ := n[name].(map[string]any)
		n = inner
	}
	return n
}

type checker struct {
	typ      string
	breaches []Breach
}

func (c *checker) breach(member, what string) {
	c.breaches = append(c.breaches, Breach{Type: c.typ, Member: member, What: what})
}

func under(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// compare looks at one schema and what is in it.
func (c *checker) compare(path string, was, is node) {
	c.shape(path, was, is)
	c.values(path, was, is)
	before, after := was.at("properties"), is.at("properties")
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if _, ok := after[name]; !ok {
			c.breach(under(path, name), "was removed or renamed")
			continue
		}
		c.compare(under(path, name), before.at(name), after.at(name))
	}
	c.required(path, was, is)
	if items := was.at("items"); items != nil {
		c.compare(path+"[]", items, is.at("items"))
	}
	if values, ok := was["additionalProperties"].(map[string]any); ok {
		c.compare(path+".*", values, is.at("additionalProperties"))
	}
}

// free are the keywords that say nothing of what a reader must bear, or are looked at
// apart.
var free = map[string]bool{ //nolint:gochecknoglobals // a table
	"$schema": true, "$id": true, "$defs": true, "title": true, "description": true, "examples": true, "x-stream": true,
	"properties": true, "required": true, "items": true, "additionalProperties": true, "x-values": true,
}

// shape compares type, format, encoding, protection and the like.
func (c *checker) shape(path string, was, is node) {
	if was == nil {
		return
	}
	names := maps.Clone(was)
	maps.Copy(names, is)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if free[name] || reflect.DeepEqual(was[name], is[name]) {
			continue
		}
		if name == "x-protection" {
			c.breach(path, fmt.Sprintf("changed from %v to %v", was[name], is[name]))
			continue
		}
		c.breach(path, fmt.Sprintf("changed its %s from %s to %s", name, text(was[name]), text(is[name])))
	}
	for _, name := range []string{"items", "additionalProperties"} {
		_, before := was[name].(map[string]any)
		_, after := is[name].(map[string]any)
		if before != after || (!before && !reflect.DeepEqual(was[name], is[name])) {
			c.breach(path, "changed its "+name)
		}
	}
}

func text(v any) string {
	if v == nil {
		return "none"
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return "another one"
	}
	return string(raw)
}

// values compares the named values of a text: more may come, none may go.
func (c *checker) values(path string, was, is node) {
	before, _ := was["x-values"].([]any)
	after, _ := is["x-values"].([]any)
	for _, v := range before {
		if !slices.Contains(after, v) {
			c.breach(path, fmt.Sprintf("lost its value %v", v))
		}
	}
}

// required compares which members are always there.
func (c *checker) required(path string, was, is node) {
	before, _ := was["required"].([]any)
	after, _ := is["required"].([]any)
	properties, now := was.at("properties"), is.at("properties")
	for _, name := range after {
		if slices.Contains(before, name) {
			continue
		}
		what := "is new and required, and events that are stored lack it: make it optional"
		if _, known := properties[fmt.Sprint(name)]; known {
			what = "became required"
		}
		c.breach(under(path, fmt.Sprint(name)), what)
	}
	for _, name := range before {
		if _, there := now[fmt.Sprint(name)]; there && !slices.Contains(after, name) {
			c.breach(under(path, fmt.Sprint(name)), "became optional, and readers count on it")
		}
	}
}

// moved gives members that went into the sealed part or out of it their true name.
func (c *checker) moved(was, is node) {
	public, sealed := was.at("properties"), was.at("$defs", "sealed", "properties")
	for i, b := range c.breaches {
		if b.What != "was removed or renamed" {
			continue
		}
		name, wasSealed := cut(b.Member)
		if _, ok := is.at("properties")[name]; ok && wasSealed && sealed[name] != nil {
			c.breaches[i].What = "was sealed and became public"
		}
		if _, ok := is.at("$defs", "sealed", "properties")[name]; ok && !wasSealed && public[name] != nil {
			c.breaches[i].What = "was public and became sealed"
		}
	}
}

func cut(member string) (name string, sealed bool) {
	const prefix = "sealed."
	if len(member) > len(prefix) && member[:len(prefix)] == prefix {
		return member[len(prefix):], true
	}
	return member, false
}
