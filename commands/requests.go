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
	// Memberships are places with roles, in the stead of Organizations.
	Memberships []events.Membership
	Identities  []events.Identity
	// NormaliseUsername makes Username valid and unique by the rule for OAuth
	// logins instead of refusing it.
	NormaliseUsername bool
	// SSHKey makes the user's key pair in the same commit; without it the first
	// use makes one.
	SSHKey bool
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
	// Active suspends the account, or brings it back.
	Active *bool
	// Password is a new password, which is set without the old one; sessions and keys
	// stay. It asks for the right to set passwords.
	Password *string
	// Preferences are merged in the same commit; the users that they name are not
	// looked at.
	Preferences []UpdatePreferences
}

// SetPassword sets a password. Old must be right where the actor is the user
// and has one.
type SetPassword struct {
	UserID string
	Old    string
	New    string
	Revoke bool // close all sessions and keys
	// Different refuses the password that is there already.
	Different bool
}

// ResetPassword sets the password of a user who lost it and was found by mail.
type ResetPassword struct {
	UserID   string
	Mark     string // of PasswordMark, as it was when the mail was sent
	Password string
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

// CreateKey makes an API key, or a session without a sign-in.
type CreateKey struct {
	UserID    string
	LoginType events.LoginType // "" means token; the others make a session
	// Name is unique among the user's API keys, where it is given. One that ended
	// keeps its name as long as it is listed: until it is deleted, or the user has so
	// many keys that those which ended first are forgotten.
	Name      string
	Scopes    []string
	AllowList []events.Resource // empty means everything
	Lifetime  time.Duration
}

// CreateOrganization makes an organization.
type CreateOrganization struct {
	Name        string
	DisplayName string
	Description string
	Icon        string
}

// UpdateOrganization changes members of an organization; nil means unchanged.
type UpdateOrganization struct {
	ID          string
	Name        *string
	DisplayName *string
	Description *string
	Icon        *string
}

// AssignOrganizationRoles replaces a member's roles in one organization.
type AssignOrganizationRoles struct {
	UserID       string
	Organization string
	Roles        []string
	// Beside is for who needs an admin to remain: users, most likely admins of the
	// organization, of whom one must be so at the moment of the change if it makes the
	// user stop being one. Nil asks for none.
	Beside []string
}

// CreateWorkspace records a workspace that a user owns.
type CreateWorkspace struct {
	Name        string // a slug
	DisplayName string
	Owner       string // a user's id
	Locations   []string
}

// RecordParameter records the value that a user chose for a template's parameter.
type RecordParameter struct {
	UserID     string
	TemplateID string // a UUID
	Name       string
	Value      string
}

// WriteSkill creates a skill (Name "") or replaces the text of the skill Name.
type WriteSkill struct {
	UserID  string
	Name    string
	Content string // Markdown with YAML front matter
}

// SignInWith is a sign-in that a provider of identities vouches for.
type SignInWith struct {
	LoginType events.LoginType // github or oidc
	Identity  events.Identity  // Provider is "github" or "oidc"
	Email     string           // verified by the provider
	Username  string           // wanted; made valid and unique when the user is new
	Name      string
	Avatar    string
	Claims    map[string]any // kept sealed
	Tokens    ProviderTokens
	SignUp    bool // make a user who is not known yet; the first one becomes owner
	// SyncRoles says that the provider rules the user's site roles: Roles are all of
	// them from now on, but the last owner stays one.
	SyncRoles bool
	Roles     []events.Role
	// Convert is the id of a user with a password who proved it a moment ago and
	// wants to sign in by this provider from now on; "" for none.
	Convert  string
	Lifetime time.Duration // of the session; 0 means the usual time
}

// ChangePasswordByPasscode sets a password for who holds a one-time passcode.
type ChangePasswordByPasscode struct {
	Email    string
	Passcode string
	Password string
}
