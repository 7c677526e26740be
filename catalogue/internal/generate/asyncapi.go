package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/rosterhq/roster/events"
)

// ordered is an object whose members stay in their order.
type ordered []member

type member struct {
	name  string
	value any
}

// MarshalYAML implements yaml.Marshaler.
func (o ordered) MarshalYAML() (any, error) {
	node := &yaml.Node{Kind: yaml.MappingNode}
	for _, m := range o {
		var value yaml.Node
		if err := value.Encode(m.value); err != nil {
			return nil, fmt.Errorf("encode %s: %w", m.name, err)
		}
		node.Content = append(node.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: m.name}, &value)
	}
	return node, nil
}

type object = map[string]any

// draft07 is what every AsyncAPI tool reads. The schemas use nothing that it lacks.
const draft07 = "application/schema+json;version=draft-07"

const asyncAPIDoc = `The streams of Roster's log, as they lie in NATS JetStream. Messages are CloudEvents 1.0 in binary mode: the
attributes are headers, the body is JSON. Readers take the order from the stream's sequence alone.

Subjects may have a prefix, which an installation chooses. Beside events, the stream ROSTER holds claims
(roster.claim.>) and counters (roster.counter.>), which are no events.

Clients without access to NATS read the same events at GET /v1/events.`

// asyncAPI makes the AsyncAPI 3 document of the streams.
func asyncAPI(made []schema) ([]byte, error) {
	messages, payloads := object{}, object{}
	perStream := map[events.Stream]object{events.Roster: {}, events.Activity: {}}
	for _, s := range made {
		payload, err := forAsyncAPI(s.text)
		if err != nil {
			return nil, fmt.Errorf("payload of %s: %w", s.typ, err)
		}
		name := string(s.typ)
		payloads[name] = object{"schemaFormat": draft07, "schema": payload}
		messages[name] = message(s)
		perStream[s.stream][name] = ref("#/components/messages/" + name)
	}
	document := ordered{
		{"asyncapi", "3.0.0"},
		{"info", ordered{
			{"title", "Roster events"},
			{"version", "1"},
			{"description", asyncAPIDoc},
			{"license", ordered{{"name", "Apache-2.0"}, {"url", "https://www.apache.org/licenses/LICENSE-2.0"}}},
		}},
		{"defaultContentType", "application/json"},
		{"channels", channels(perStream)},
		{"operations", ordered{
			{"appendFact", operation("roster", "Roster appends a fact about a user, an organization, a workspace, a group or a skill.", perStream[events.Roster])},
			{"recordActivity", operation("activity", "Roster appends what a user did.", perStream[events.Activity])},
		}},
		{"components", ordered{{"messages", messages}, {"schemas", payloads}, {"messageTraits", object{"cloudEvent": object{"headers": headers()}}}}},
	}
	var out bytes.Buffer
	out.WriteString("# Made by go generate ./catalogue. DO NOT EDIT.\n")
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(document); err != nil {
		return nil, fmt.Errorf("encode the AsyncAPI document: %w", err)
	}
	return out.Bytes(), nil
}

func ref(to string) object { return object{"$ref": to} }

// forAsyncAPI leaves out what an embedded schema must not have.
func forAsyncAPI(text []byte) (object, error) {
	var s object
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, err
	}
	delete(s, "$schema")
	delete(s, "$id")
	delete(s, "examples") // the message has it, with its headers
	return s, nil
}

func message(s schema) ordered {
	m := ordered{
		{"name", string(s.typ)},
		{"title", string(s.typ)},
		{"summary", s.entry.Description},
		{"contentType", "application/json"},
		{"traits", []any{ref("#/components/messageTraits/cloudEvent")}},
		{"payload", ref("#/components/schemas/" + string(s.typ))},
	}
	var body any
	if json.Unmarshal(s.entry.Example, &body) == nil {
		m = append(m, member{"examples", []any{ordered{{"headers", s.headers}, {"payload", body}}}})
	}
	if !s.current {
		m = append(m, member{"tags", []any{object{"name": "old", "description": "Written by earlier releases; readers bring it to the newest version."}}})
	}
	return m
}

func channels(messages map[events.Stream]object) ordered {
	return ordered{
		{"roster", ordered{
			{"address", "roster.{kind}.{id}"},
			{"title", "Facts"},
			{"description", "Identity facts, kept for ever: stream ROSTER. The order within one aggregate is checked at every append."},
			{"messages", messages[events.Roster]},
			{"parameters", ordered{
				{"kind", object{"description": "What the fact is about.", "enum": []string{
					string(events.User), string(events.Organization), string(events.Workspace), string(events.Group), string(events.Skill),
				}}},
				{"id", object{"description": "Its id, a UUID."}},
			}},
		}},
		{"activity", ordered{
			{"address", "activity.{partition}.{hash}"},
			{"title", "Activities"},
			{"description", "What users did: stream ACTIVITY. A source and its id are there once, for ever."},
			{"messages", messages[events.Activity]},
			{"parameters", ordered{
				{"partition", object{"description": "A number, by which readers share the stream out."}},
				{"hash", object{"description": "Of source and id, by which a repeat is known."}},
			}},
		}},
	}
}

func operation(channel, summary string, messages object) ordered {
	var list []any
	for name := range messages {
		list = append(list, ref("#/channels/"+channel+"/messages/"+name))
	}
	sortRefs(list)
	return ordered{{"action", "send"}, {"channel", ref("#/channels/" + channel)}, {"summary", summary}, {"messages", list}}
}
