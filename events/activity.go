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
	SourceID   string       `json:"sourceId"`
	User       string       `json:"user"`
	Type       ActivityType `json:"type"`
	Action     string       `json:"action"`
	EntityID   string       `json:"entityId"`
	ProjectID  string       `json:"projectId,omitempty"`
	Workspace  string       `json:"workspace,omitempty"`
	Count      int64        `json:"count,omitempty"`    // how many commits, say
	Assignee   string       `json:"assignee,omitempty"` // user id
	OccurredAt time.Time    `json:"occurredAt"`
	// EntityCreatedAt is when the entity came to be, where the source knows it.
	EntityCreatedAt *time.Time `json:"entityCreatedAt,omitempty"`
	Due             *time.Time `json:"due,omitempty"`
}

// ActivityPrivate is the personal part of an activity.
type ActivityPrivate struct {
	EntityTitle string `json:"entityTitle,omitempty"`
	EntityURL   string `json:"entityUrl,omitempty"`
	ProjectName string `json:"projectName,omitempty"`
	// Metadata is an object, kept as it was sent: numbers lose no digit.
	Metadata json.RawMessage `json:"metadata,omitempty"`
}

// EventType implements Payload.
func (*ActivityRecorded) EventType() Type { return "roster.activity.recorded.v1" }

func registerActivity(c *Catalogue) {
	Register[ActivityRecorded](c, Activity, "A user did something, as a source system or the account itself reports it.")
}
