package events

import (
	"encoding/json"
	"time"
)

// ActivityType says what an activity is about.
type ActivityType string

// The types of activities.
const (
	TicketActivity  ActivityType = "ticket"
	ProjectActivity ActivityType = "project"
	CommentActivity ActivityType = "comment"
	ReviewActivity  ActivityType = "review"
	CommitActivity  ActivityType = "commit"
	// AccountActivity marks changes of the account itself; they come from the reaction
	// to the identity log and can not be recorded from outside.
	AccountActivity ActivityType = "account"
)

// AccountSource is the source of account activities, and ErasedAction the action
// of the one that follows UserErased: who keeps what activities tell of that
// person forgets it then.
const (
	AccountSource = "roster"
	ErasedAction  = "erased"
)

// ActivityRecorded is something that a user did. Its aggregate is the user; its
// envelope's source and SourceID together are unique for ever.
type ActivityRecorded struct {
	Sealed[ActivityPrivate]
	SourceID   string       `json:"sourceId"`            // the source's id of it, unique in that source
	User       string       `json:"user"`                // user id of who did it
	Type       ActivityType `json:"type"`                // what it is about
	Action     string       `json:"action"`              // what was done, as "created"; one of the type's words
	EntityID   string       `json:"entityId"`            // the source's id of the ticket, project, commit or the like
	ProjectID  string       `json:"projectId,omitempty"` // the source's id of the project
	Workspace  string       `json:"workspace,omitempty"` // name of the workspace
	Count      int64        `json:"count,omitempty"`     // how many commits, say
	Assignee   string       `json:"assignee,omitempty"`  // user id
	OccurredAt time.Time    `json:"occurredAt"`          // when it was done, as the source says
	// EntityCreatedAt is when the entity came to be, where the source knows it.
	EntityCreatedAt *time.Time `json:"entityCreatedAt,omitempty"`
	Due             *time.Time `json:"due,omitempty"` // until when the entity is to be done
}

// ActivityPrivate is the personal part of an activity.
type ActivityPrivate struct {
	EntityTitle string `json:"entityTitle,omitempty"` // title of the ticket, project, commit or the like
	EntityURL   string `json:"entityUrl,omitempty"`   // where people can look at it
	ProjectName string `json:"projectName,omitempty"` // name of the project
	// Metadata is an object, kept as it was sent: numbers lose no digit.
	Metadata json.RawMessage `json:"metadata,omitempty"`
}

// EventType implements Payload.
func (*ActivityRecorded) EventType() Type { return "roster.activity.recorded.v1" }

func registerActivity(c *Catalogue) {
	Register[ActivityRecorded](c, Activity, "A user did something, as a source system or the account itself reports it.")
}
