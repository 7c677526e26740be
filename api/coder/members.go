package coder

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
)

// member decodes a member into out. One that is absent or null leaves it as it
// is and returns false; one of a wrong type refuses the whole body.
func (b *body) member(name, kind string, out any) bool {
	raw, ok := b.object[name]
	if !ok || string(bytes.TrimSpace(raw)) == "null" {
		return false
	}
	if json.Unmarshal(raw, out) == nil {
		return true
	}
	b.refuse(fmt.Sprintf("field %q must be of type %s", name, kind))
	return false
}

// refuse makes the whole body wrong; the first word counts.
func (b *body) refuse(detail string) {
	if b.wrong == nil {
		b.wrong = refuse(http.StatusBadRequest, badJSON, detail)
	}
}

// optional is a text, nil when it is absent or null.
func (b *body) optional(name string) *string {
	var s string
	if !b.member(name, "string", &s) {
		return nil
	}
	return &s
}

// flag is a boolean, nil when it is absent or null.
func (b *body) flag(name string) *bool {
	var f bool
	if !b.member(name, "bool", &f) {
		return nil
	}
	return &f
}

func (b *body) boolean(name string) bool {
	f := b.flag(name)
	return f != nil && *f
}

func (b *body) integer(name string) int64 {
	var n int64
	b.member(name, "int64", &n)
	return n
}

// texts is a list of texts; nil when it is absent or null.
func (b *body) texts(name string) []string {
	var list []string
	b.member(name, "[]string", &list)
	return list
}

// uuids is a list of UUIDs in their one form, each once.
func (b *body) uuids(name string) []string {
	var out []string
	for _, s := range b.texts(name) {
		id, ok := canonicalUUID(s)
		if !ok {
			b.refuse(fmt.Sprintf("field %q must hold UUIDs", name))
			return nil
		}
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}
