package compatibility_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/catalogue/compatibility"
)

const released = `{
  "x-stream": "ROSTER", "type": "object", "description": "A thing was made.",
  "properties": {
    "name": {"type": "string", "description": "Name."},
    "size": {"type": "integer"},
    "at": {"type": "string", "format": "date-time"},
    "roles": {"type": "array", "items": {"type": "string", "x-values": ["owner", "tester"]}},
    "places": {"type": "array", "items": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}},
    "changes": {"type": "object", "additionalProperties": {"type": "string"}},
    "sealed": {"type": "string", "contentEncoding": "base64"}
  },
  "required": ["name", "at"],
  "$defs": {"sealed": {
    "type": "object",
    "properties": {"email": {"type": "string", "x-protection": "personal"}, "hash": {"type": "string", "x-protection": "secret"}},
    "required": ["hash"]
  }}
}`

// check replaces parts of the released schema, pairwise.
func check(t *testing.T, replace ...string) []string {
	t.Helper()
	now := released
	for i := 0; i < len(replace); i += 2 {
		require.Contains(t, now, replace[i])
		now = strings.Replace(now, replace[i], replace[i+1], 1)
	}
	var out []string
	for _, b := range compatibility.Check("roster.thing.made.v1", []byte(released), []byte(now)) {
		out = append(out, strings.TrimSpace(b.Member+" "+b.What))
		require.Contains(t, b.Error(), "roster.thing.made.v1:")
		require.Contains(t, b.Error(), "; a released event never changes: leave it as it was, add roster.thing.made.v2, "+
			"and register the old one with an upcaster (RegisterOld; docs/guides/add-an-event.md, \"Change an event\")")
	}
	return out
}

func TestAllowed(t *testing.T) {
	t.Parallel()
	for name, replace := range map[string][]string{
		"nothing":                    {},
		"another description":        {"Name.", "The name.", "A thing was made.", "Somebody made a thing."},
		"a new optional member":      {`"size": {`, `"colour": {"type": "string"}, "size": {`},
		"one in a list's things":     {`"properties": {"id"`, `"properties": {"room": {"type": "string"}, "id"`},
		"one in the sealed part":     {`"email": {`, `"phone": {"type": "string", "x-protection": "personal"}, "email": {`},
		"one more value":             {`"tester"]`, `"tester", "auditor"]`},
		"members in another order":   {`"required": ["name", "at"]`, `"required": ["at", "name"]`},
		"first values for a text":    {`"name": {"type": "string"`, `"name": {"x-values": ["a"], "type": "string"`},
		"an example of the new form": {`"type": "object", "description"`, `"examples": [{}], "type": "object", "description"`},
	} {
		require.Empty(t, check(t, replace...), name)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	const hash = `"hash": {"type": "string", "x-protection": "secret"}`
	for name, c := range map[string]struct {
		replace []string
		says    []string
	}{
		"removed":                   {[]string{`"size": {"type": "integer"},`, ""}, []string{"size was removed or renamed"}},
		"renamed":                   {[]string{`"size": {`, `"length": {`}, []string{"size was removed or renamed"}},
		"required one renamed":      {[]string{`"name": {`, `"title": {`, `["name"`, `["title"`}, []string{"name was removed or renamed", "title is new and required, and events that are stored lack it: make it optional"}},
		"retyped":                   {[]string{`"size": {"type": "integer"}`, `"size": {"type": "string"}`}, []string{`size changed its type from "integer" to "string"`}},
		"another format":            {[]string{`"format": "date-time"`, `"format": "date"`}, []string{`at changed its format from "date-time" to "date"`}},
		"no format":                 {[]string{`, "format": "date-time"`, ``}, []string{`at changed its format from "date-time" to none`}},
		"a new bound":               {[]string{`"size": {"type": "integer"`, `"size": {"maximum": 3, "type": "integer"`}, []string{`size changed its maximum from none to 3`}},
		"another list":              {[]string{`"items": {"type": "string",`, `"items": {"type": "integer",`}, []string{`roles[] changed its type from "string" to "integer"`}},
		"no list any more":          {[]string{`"items": {"type": "string", "x-values": ["owner", "tester"]}`, `"minItems": 1`}, []string{"roles changed its minItems from none to 1", "roles changed its items", `roles[] changed its type from "string" to none`, "roles[] lost its value owner", "roles[] lost its value tester"}},
		"a value gone":              {[]string{`["owner", "tester"]`, `["owner"]`}, []string{"roles[] lost its value tester"}},
		"gone from a list's things": {[]string{`"properties": {"id": {"type": "string"}}, "required": ["id"]`, `"properties": {}`}, []string{"places[].id was removed or renamed"}},
		"another map":               {[]string{`"additionalProperties": {"type": "string"}`, `"additionalProperties": {"type": "integer"}`}, []string{`changes.* changed its type from "string" to "integer"`}},
		"no map any more":           {[]string{`, "additionalProperties": {"type": "string"}`, ``}, []string{`changes changed its additionalProperties`, `changes.* changed its type from "string" to none`}},
		"newly required":            {[]string{`["name", "at"]`, `["name", "at", "size"]`}, []string{"size became required"}},
		"new and required":          {[]string{`"size": {`, `"colour": {"type": "string"}, "size": {`, `["name", "at"]`, `["name", "at", "colour"]`}, []string{"colour is new and required, and events that are stored lack it: make it optional"}},
		"no longer required":        {[]string{`["name", "at"]`, `["at"]`}, []string{"name became optional, and readers count on it"}},
		"secret became personal":    {[]string{hash, `"hash": {"type": "string", "x-protection": "personal"}`}, []string{"sealed.hash changed from secret to personal"}},
		"personal became secret":    {[]string{`"email": {"type": "string", "x-protection": "personal"}`, `"email": {"type": "string", "x-protection": "secret"}`}, []string{"sealed.email changed from personal to secret"}},
		"sealed became public":      {[]string{`"email": {"type": "string", "x-protection": "personal"}, `, ``, `"size": {`, `"email": {"type": "string"}, "size": {`}, []string{"sealed.email was sealed and became public"}},
		"public became sealed":      {[]string{`"size": {"type": "integer"},`, ``, `"email": {`, `"size": {"type": "integer", "x-protection": "personal"}, "email": {`}, []string{"size was public and became sealed"}},
		"another encoding":          {[]string{`"contentEncoding": "base64"`, `"contentEncoding": "base16"`}, []string{`sealed changed its contentEncoding from "base64" to "base16"`}},
		"another stream":            {[]string{`"ROSTER"`, `"ACTIVITY"`}, []string{"moved from stream ROSTER to ACTIVITY"}},
	} {
		require.Equal(t, c.says, check(t, c.replace...), name)
	}
}

func TestTypesStay(t *testing.T) {
	t.Parallel()
	gone := compatibility.Check("roster.thing.made.v9", []byte(released), nil)
	require.Len(t, gone, 1)
	require.ErrorContains(t, gone[0], "roster.thing.made.v9: is gone from the code, and the log still holds it; a released event never changes: leave it as it was, add roster.thing.made.v10")
	require.Len(t, compatibility.Check("odd", []byte(`[]`), []byte(released)), 1)
	sealed := strings.Replace(released, `"$defs"`, `"other"`, 1)
	var members []string
	for _, b := range compatibility.Check("roster.thing.made.v1", []byte(released), []byte(sealed)) {
		members = append(members, b.Member)
	}
	require.Subset(t, members, []string{"sealed.email", "sealed.hash"}, "the sealed part is gone")
}
