package commands

import (
	"time"

	"github.com/rosterhq/roster/events"
)

// Register asks for a new user. Empty members are unset.
type Register struct {
	Username      string
	Email         string
	Password      string
	Name          string
	FirstName     string
	LastName      string
	Avatar        string
	Language      string
	LoginType     events.LoginType // "" means password
	Status        events.Status    // "" means active
	Unconfirmed   bool
	Roles         []events.Role
	Organizations []string // ids; empty means the default organization
	Identities    []events.Identity
	// NormaliseUsername makes Username valid and unique by the rule for OAuth
	// logins instead of refusing it.
	NormaliseUsername bool
}

// UpdateUser changes members of a user; nil means unchanged, "" cleared.
type UpdateUser struct {
	UserID    string
	Username  *string
	Email     *string
	Name      *string
	FirstName *string
	LastName  *string
	Avatar    *string
	Language  *string
}

// SetPassword sets a password. Old must be right where the actor is the user
// and has one.
type SetPassword struct {
	UserID string
	Old    string
	New    string
	Revoke bool // close all sessions and keys
}

// UpdatePreferences merges preferences of one dialect, by flat name; a nil
// value removes a preference. The schema of each dialect is in preferences.go.
type UpdatePreferences struct {
	UserID   string
	Dialect  string
	Changes  map[string]any
	Language *string
}

// AssignRoles replaces the site roles.
type AssignRoles struct {
	UserID string
	Roles  []events.Role
}

// SignIn checks a password and opens a session.
type SignIn struct {
	Email    string // one of Email and Username
	Username string
	Password string
	Lifetime time.Duration
}

// CreateKey makes an API key.
type CreateKey struct {
	UserID   string
	Name     string // unique among the user's keys when set
	Scopes   []string
	Lifetime time.Duration
}
