package events

// GroupCreated starts a group of users.
type GroupCreated struct {
	Number int64  `json:"number"` // unique among groups, small, from 1
	Name   string `json:"name"`   // unique among live groups, ignoring case
}

// EventType implements Payload.
func (*GroupCreated) EventType() Type { return "roster.group.created.v1" }

// GroupRenamed travels with the release of the old claim and the new one.
type GroupRenamed struct {
	Name string `json:"name"` // the new name, unique among live groups, ignoring case
}

// EventType implements Payload.
func (*GroupRenamed) EventType() Type { return "roster.group.renamed.v1" }

// GroupMemberAdded takes a user into a group.
type GroupMemberAdded struct {
	User string `json:"user"` // user id
}

// EventType implements Payload.
func (*GroupMemberAdded) EventType() Type { return "roster.group.member-added.v1" }

// GroupMemberRemoved takes a user out of a group.
type GroupMemberRemoved struct {
	User string `json:"user"` // user id
}

// EventType implements Payload.
func (*GroupMemberRemoved) EventType() Type { return "roster.group.member-removed.v1" }

// GroupDeleted ends a group, frees its name, and takes what it gave.
type GroupDeleted struct{}

// EventType implements Payload.
func (*GroupDeleted) EventType() Type { return "roster.group.deleted.v1" }

func registerGroup(c *Catalogue) {
	Register[GroupCreated](c, Roster, "A group of users was created.")
	Register[GroupRenamed](c, Roster, "A group has another name.")
	Register[GroupMemberAdded](c, Roster, "A user joined a group.")
	Register[GroupMemberRemoved](c, Roster, "A user left a group.")
	Register[GroupDeleted](c, Roster, "A group was deleted and its name freed.")
}
