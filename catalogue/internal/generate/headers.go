package main

import (
	"slices"

	"github.com/rosterhq/roster/events"
)

func sortRefs(list []any) {
	slices.SortFunc(list, func(a, b any) int {
		if a.(object)["$ref"].(string) < b.(object)["$ref"].(string) {
			return -1
		}
		return 1
	})
}

// headers describes the envelope: CloudEvents 1.0 in binary mode.
func headers() object {
	text := func(doc string) object { return object{"type": "string", "description": doc} }
	return object{
		"type":     "object",
		"required": []string{events.HeaderSpecVersion, events.HeaderID, events.HeaderType, events.HeaderSource, events.HeaderTime, events.HeaderSubject},
		"properties": object{
			events.HeaderSpecVersion: object{"type": "string", "const": "1.0", "description": "Version of CloudEvents."},
			events.HeaderID:          object{"type": "string", "format": "uuid", "description": "Id of the event, a UUIDv7, unique over all streams."},
			events.HeaderType:        text("Type and version."),
			events.HeaderSource:      text("/roster for facts decided here, /roster/import for those that came along with a user, the recording system's name for activities."),
			events.HeaderTime: object{
				"type": "string", "format": "date-time", "description": "When it was decided, in UTC. For people: order comes from the stream's sequence.",
			},
			events.HeaderSubject:       text("What it is about: kind/id."),
			events.HeaderSchema:        text("Where its JSON Schema is: /v1/catalogue/ and the type."),
			events.HeaderContentType:   object{"type": "string", "const": "application/json", "description": "Form of the body."},
			events.HeaderActor:         text("Who caused it: a user's id, or \"system\"."),
			events.HeaderCommandID:     text("One for each command, equal in all its events."),
			events.HeaderRequestHash:   text("Keyed hash of what the command asked for, to tell a repeat from a misuse of its key."),
			events.HeaderCorrelationID: text("Request or chain of work that it belongs to."),
			events.HeaderCausationID:   text("Id of the event that this one reacts to."),
			events.HeaderDialect:       text("HTTP dialect through which the command came."),
			events.HeaderReason:        text("Why, in the words of who asked."),
			events.HeaderSealedFor:     text("User under whose data key the sealed member lies."),
			events.HeaderClient:        object{"type": "string", "contentEncoding": "base64", "description": "Address from which the command came, sealed under the data key of who asked."},
			events.HeaderClientOf:      text("User under whose data key the address lies, where that is not the actor."),
		},
	}
}
