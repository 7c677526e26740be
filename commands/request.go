package commands

import (
	"github.com/rosterhq/roster/events"
)

// Actor is who asks, as the credential check found it.
type Actor struct {
	UserID string // "" for anonymous; SystemActor for the installation itself
	Roles  []events.Role
	Scopes []string // of the key used; {"all"} for a session
	KeyID  string
	// AllowList is what the key used may reach; empty means everything.
	AllowList []events.Resource
	// Memberships are the actor's places in live organizations, with the roles there.
	Memberships []events.Membership
}

// SystemActor is the installation itself: it may do everything.
const SystemActor = "system"

// Request is what every command carries beside its content.
type Request struct {
	Actor          Actor
	IdempotencyKey string // "" for none
	RequestHash    string // hash of what was asked, to tell a repeat from a misuse of the key
	Dialect        string
	CorrelationID  string
	Reason         string
	IP             string
	UserAgent      string
}

// Result is the answer to a command about a user.
type Result struct {
	User     User            // the state after it
	Position events.Position // the command's last event; of the user's last event when nothing changed
	Changed  bool            // false when there was nothing to append
	Repeated bool            // a repeat of an earlier command, answered again
	Key      Key             // of the session or key concerned
	Token    string          // "<id>-<secret>", only when it was made just now and not Repeated
	Swept    int             // how many sessions and keys a sweep took off the lists
}

// OrganizationResult is the answer to a command about an organization.
type OrganizationResult struct {
	Organization Organization // the state after it
	Position     events.Position
	Changed      bool
	Repeated     bool
}

// WorkspaceResult is the answer to a command about a workspace.
type WorkspaceResult struct {
	Workspace Workspace
	Position  events.Position
	Changed   bool
	Repeated  bool
}

// SkillResult is the answer to a command about a skill.
type SkillResult struct {
	Skill    Skill
	Position events.Position
	Changed  bool
	Repeated bool
}
