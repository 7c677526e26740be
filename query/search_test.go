package query

import "github.com/rosterhq/roster/events"

func statusesOf(names ...string) []events.Status {
	out := make([]events.Status, len(names))
	for i, name := range names {
		out[i] = events.Status(name)
	}
	return out
}
