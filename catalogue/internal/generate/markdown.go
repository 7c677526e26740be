package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/rosterhq/roster/catalogue"
)

const introduction = `<!-- Made by go generate ./catalogue. DO NOT EDIT. -->
# Events

Every event type and version that Roster ever wrote. A running server shows them at ` + "`/docs/events`" + `, with their
JSON Schemas at ` + "`/v1/catalogue`" + ` and the streams as AsyncAPI 3 at ` + "`/v1/catalogue/asyncapi.yaml`" + `.

An event that was released never changes but for new optional members: bear with members and values that you do not know.
[How to add one](guides/add-an-event.md).

Members marked *personal* or *secret* lie sealed in the log, in the member ` + "`sealed`" + `, under the data key of the user
whom the header ` + "`ce-sealedfor`" + ` names. ` + "`GET /v1/events?personal=true`" + ` shows the personal ones to those who may see
them, beside the public ones; secrets are shown to nobody.

`

// markdown makes docs/events.md.
func markdown(made []schema) []byte {
	var out bytes.Buffer
	out.WriteString(introduction)
	out.WriteString("| type | stream | what happened |\n|---|---|---|\n")
	for _, s := range made {
		old := ""
		if !s.current {
			old = " (old)"
		}
		first, _, _ := strings.Cut(s.entry.Description, ". ")
		fmt.Fprintf(&out, "| [%s](#%s)%s | %s | %s. |\n", s.typ, anchor(string(s.typ)), old, s.stream, strings.TrimSuffix(first, "."))
	}
	for _, s := range made {
		section(&out, s)
	}
	return out.Bytes()
}

// anchor is what forges make of a heading.
func anchor(heading string) string { return strings.ReplaceAll(heading, ".", "") }

func section(out *bytes.Buffer, s schema) {
	fmt.Fprintf(out, "\n## %s\n\n%s\n", s.typ, s.entry.Description)
	if !s.current {
		out.WriteString("\nNo longer written; readers get the newest version.\n")
	}
	if len(s.entry.Members)+len(s.entry.Sealed) == 0 {
		out.WriteString("\nIt has no members.\n")
		return
	}
	out.WriteString("\n| member | type | | |\n|---|---|---|---|\n")
	for _, m := range s.entry.Members {
		if m.Name != "sealed" {
			row(out, m, "")
		}
	}
	for _, m := range s.entry.Sealed {
		row(out, m, "personal")
	}
	fmt.Fprintf(out, "\n```json\n%s\n```\n", catalogue.Indent(s.entry.Example))
	if s.entry.Opened != nil {
		fmt.Fprintf(out, "\nIts sealed part, opened:\n\n```json\n%s\n```\n", catalogue.Indent(s.entry.Opened))
	}
}

func row(out *bytes.Buffer, m catalogue.Member, protection string) {
	if m.Secret {
		protection = "secret"
	}
	words := []string{}
	if !m.Required {
		words = append(words, "optional")
	}
	if protection != "" {
		words = append(words, "*"+protection+"*")
	}
	text := m.Description
	if len(m.Values) > 0 {
		text += " Known values: `" + strings.Join(m.Values, "`, `") + "`."
	}
	fmt.Fprintf(out, "| `%s` | %s | %s | %s |\n", m.Name, m.Type, strings.Join(words, ", "), strings.ReplaceAll(strings.TrimSpace(text), "|", `\|`))
}
