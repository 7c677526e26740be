package app

import (
	"github.com/rosterhq/roster/eventlog"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// forgetErased drops a person's key from memory as soon as the tail tells that they
// were erased, whichever process did it.
func forgetErased(tail *query.Tail, log *eventlog.Log) {
	erased := (*events.UserErased)(nil).EventType()
	tail.Subscribe(events.Roster, func(e events.Stored) {
		if e.Meta.Type == erased {
			log.KeyErased(e.Meta.Aggregate.ID)
		}
	})
}
