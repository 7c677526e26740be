package events

import "time"

// LoginType is the way a user signs in.
type LoginType string

// The login types.
const (
	LoginPassword LoginType = "password"
	LoginGitHub   LoginType = "github"
	LoginOIDC     LoginType = "oidc"
	LoginNone     LoginType = "none"
	LoginToken    LoginType = "token" // of keys only, never a user's
)

// Status is the state of an account.
type Status string

// The states of an account.
const (
	StatusActive    Status = "active"
	StatusDormant   Status = "dormant"
	StatusSuspended Status = "suspended"
	StatusDeleted   Status = "deleted"
)

// Role is a site role.
type Role string

// The site roles that are stored; everybody is a member beside them.
const (
	RoleOwner         Role = "owner"
	RoleUserAdmin     Role = "user-admin"
	RoleTemplateAdmin Role = "template-admin"
	RoleAuditor       Role = "auditor"
	RoleTester        Role = "tester" // ABF's flag
	RoleSystem        Role = "system" // ABF's flag
)

// Membership is a user's place in an organization.
type Membership struct {
	Organization string   `json:"organization"`    // organization id
	Roles        []string `json:"roles,omitempty"` // roles in it, beside that of a member
}

// Identity is how a user is known to another system.
type Identity struct {
	Provider string `json:"provider"` // name of the other system, as "github"
	Subject  string `json:"subject"`  // the account's id there
}

// UserRegistered starts a user.
type UserRegistered struct {
	Sealed[UserRegisteredPrivate]
	Number      int64        `json:"number"`                // unique, small, from 1
	LoginType   LoginType    `json:"loginType"`             // how the user signs in
	Status      Status       `json:"status"`                // state of the account at the start
	Confirmed   bool         `json:"confirmed"`             // the e-mail address is known to be the user's
	Roles       []Role       `json:"roles,omitempty"`       // site roles, beside that of a member
	Memberships []Membership `json:"memberships,omitempty"` // organizations, with the roles there
	// CreatedAt is when the account was made in the system that it came from; zero
	// for one that was made here, by this very event.
	CreatedAt time.Time `json:"createdAt,omitzero"`
}

// UserRegisteredPrivate is the sealed part of UserRegistered.
type UserRegisteredPrivate struct {
	Username     string     `json:"username"`                             // name, unique among live users, ignoring case
	Email        string     `json:"email,omitempty"`                      // address, unique among live users, ignoring case
	Name         string     `json:"name,omitempty"`                       // full name
	FirstName    string     `json:"firstName,omitempty"`                  // given name
	LastName     string     `json:"lastName,omitempty"`                   // family name
	Avatar       string     `json:"avatar,omitempty"`                     // URL of a picture
	Language     string     `json:"language,omitempty"`                   // language tag
	PasswordHash string     `json:"passwordHash,omitempty" secret:"true"` // the hash with its parameters
	Identities   []Identity `json:"identities,omitempty"`                 // accounts at other systems
}

// EventType implements Payload.
func (*UserRegistered) EventType() Type { return "roster.user.registered.v1" }

// UserProfileUpdated holds exactly the members that changed.
type UserProfileUpdated struct {
	Sealed[UserProfileUpdatedPrivate]
	Fields []string `json:"fields"` // names of the changed members, for readers without the key
}

// UserProfileUpdatedPrivate has nil for an unchanged member, "" for a cleared one.
type UserProfileUpdatedPrivate struct {
	Name      *string `json:"name,omitempty"`      // full name
	FirstName *string `json:"firstName,omitempty"` // given name
	LastName  *string `json:"lastName,omitempty"`  // family name
	Avatar    *string `json:"avatar,omitempty"`    // URL of a picture
	Language  *string `json:"language,omitempty"`  // language tag
}

// EventType implements Payload.
func (*UserProfileUpdated) EventType() Type { return "roster.user.profile-updated.v1" }

// UserUsernameChanged travels with the release of the old claim and the new one.
type UserUsernameChanged struct {
	Sealed[UserUsernameChangedPrivate]
}

// UserUsernameChangedPrivate is the sealed part of UserUsernameChanged.
type UserUsernameChangedPrivate struct {
	Username string `json:"username"` // the new name, unique among live users, ignoring case
}

// EventType implements Payload.
func (*UserUsernameChanged) EventType() Type { return "roster.user.username-changed.v1" }

// UserEmailChanged travels with the release of the old claim and the new one.
type UserEmailChanged struct {
	Sealed[UserEmailChangedPrivate]
}

// UserEmailChangedPrivate is the sealed part of UserEmailChanged; an empty
// e-mail means that it was removed.
type UserEmailChangedPrivate struct {
	Email string `json:"email"` // the new address; empty: none any more
}

// EventType implements Payload.
func (*UserEmailChanged) EventType() Type { return "roster.user.email-changed.v1" }

// UserPasswordSet is a change of password by a person. Revoked says that all
// sessions and keys died with it: the credentials epoch rises.
type UserPasswordSet struct {
	Sealed[UserPasswordPrivate]
	Revoked bool `json:"revoked"` // all sessions and keys ended with it
}

// UserPasswordPrivate holds a password's hash with its parameters.
type UserPasswordPrivate struct {
	Hash string `json:"hash" secret:"true"` // the hash with its parameters, in PHC form
}

// EventType implements Payload.
func (*UserPasswordSet) EventType() Type { return "roster.user.password-set.v1" }

// UserPasswordRehashed is the same password under newer parameters.
type UserPasswordRehashed struct {
	Sealed[UserPasswordPrivate]
}

// EventType implements Payload.
func (*UserPasswordRehashed) EventType() Type { return "roster.user.password-rehashed.v1" }

// UserPreferencesUpdated holds exactly the preferences of one dialect that
// changed, by flat name ("theme", "emailNotifications.weeklyDigest"), and the
// shared language where it changed.
type UserPreferencesUpdated struct {
	Sealed[UserPreferencesUpdatedPrivate]
	Dialect string `json:"dialect"` // whose preferences they are
}

// UserPreferencesUpdatedPrivate is the sealed part of UserPreferencesUpdated.
// Values are strings or booleans.
type UserPreferencesUpdatedPrivate struct {
	Changes  map[string]any `json:"changes,omitempty"`  // new values by flat name; null: back to the default
	Language *string        `json:"language,omitempty"` // language of all dialects, where it changed
}

// EventType implements Payload.
func (*UserPreferencesUpdated) EventType() Type { return "roster.user.preferences-updated.v1" }

// UserRolesAssigned holds the site roles as they are now and what changed.
type UserRolesAssigned struct {
	Roles   []Role `json:"roles"`             // all site roles from now on
	Added   []Role `json:"added,omitempty"`   // those that are new
	Removed []Role `json:"removed,omitempty"` // those that are gone
}

// EventType implements Payload.
func (*UserRolesAssigned) EventType() Type { return "roster.user.roles-assigned.v1" }

// UserSuspended stops an account; its keys work again after activation.
type UserSuspended struct{}

// EventType implements Payload.
func (*UserSuspended) EventType() Type { return "roster.user.suspended.v1" }

// UserActivated brings a suspended or dormant account to life.
type UserActivated struct{}

// EventType implements Payload.
func (*UserActivated) EventType() Type { return "roster.user.activated.v1" }

// UserBecameDormant puts an account to sleep that nobody used for long. Its next
// use wakes it.
type UserBecameDormant struct {
	LastSeenAt time.Time `json:"lastSeenAt"` // its last known use, at hourly accuracy
}

// EventType implements Payload.
func (*UserBecameDormant) EventType() Type { return "roster.user.became-dormant.v1" }

// UserDeleted ends an account and frees its names. It can not be undone.
type UserDeleted struct{}

// EventType implements Payload.
func (*UserDeleted) EventType() Type { return "roster.user.deleted.v1" }

// UserErased says that what was known of the person was destroyed: the key of all
// that was sealed for them is gone. It follows the end of the account, and holds
// nothing personal: it is the proof.
type UserErased struct{}

// EventType implements Payload.
func (*UserErased) EventType() Type { return "roster.user.erased.v1" }

// UserSessionOpened is a sign-in.
type UserSessionOpened struct {
	Sealed[UserKeyPrivate]
	KeyID     string    `json:"keyId"`     // public id of the session
	LoginType LoginType `json:"loginType"` // how the user signed in
	Epoch     int64     `json:"epoch"`     // the credentials epoch it belongs to
	ExpiresAt time.Time `json:"expiresAt"` // when it ends, unless a use prolongs it
	// Activated says that this sign-in woke a dormant account.
	Activated bool `json:"activated,omitempty"`
}

// UserKeyPrivate is the sealed part of a session or key.
type UserKeyPrivate struct {
	SecretHash []byte `json:"secretHash" secret:"true"` // SHA-256 of the secret
	Name       string `json:"name,omitempty"`           // what the user calls it
	IP         string `json:"ip,omitempty"`             // address from which it was made
	UserAgent  string `json:"userAgent,omitempty"`      // program by which it was made
}

// EventType implements Payload.
func (*UserSessionOpened) EventType() Type { return "roster.user.session-opened.v1" }

// UserSessionClosed is a sign-out.
type UserSessionClosed struct {
	KeyID string `json:"keyId"` // public id of the session
}

// EventType implements Payload.
func (*UserSessionClosed) EventType() Type { return "roster.user.session-closed.v1" }

// UserKeyCreated is a new API key, or (LoginType other than token) a session that
// was made without a sign-in.
type UserKeyCreated struct {
	Sealed[UserKeyPrivate]
	KeyID     string    `json:"keyId"`     // public id of the key
	LoginType LoginType `json:"loginType"` // token for API keys, else how a session came to be
	Scopes    []string  `json:"scopes"`    // what it may be used for
	// AllowList narrows the key to these things; empty means everything.
	AllowList []Resource `json:"allowList,omitempty"`
	Epoch     int64      `json:"epoch"`     // the credentials epoch it belongs to
	ExpiresAt time.Time  `json:"expiresAt"` // when it ends, unless a use prolongs it
	// Lifetime is what each use gives again, in seconds; 0 in keys of the first
	// version: the time from the event to ExpiresAt.
	Lifetime int64 `json:"lifetime,omitempty"`
}

// Resource names things that a key may reach: a type ("user", "*") and an id or "*".
type Resource struct {
	Type string `json:"type"` // kind of things, as "user", or "*"
	ID   string `json:"id"`   // id of one, or "*"
}

// EventType implements Payload.
func (*UserKeyCreated) EventType() Type { return "roster.user.key-created.v2" }

// UserKeyCreatedV1 is UserKeyCreated as it was before keys had allow lists: always
// a token.
type UserKeyCreatedV1 struct {
	Sealed[UserKeyPrivate]
	KeyID     string    `json:"keyId"`     // public id of the key
	Scopes    []string  `json:"scopes"`    // what it may be used for
	Epoch     int64     `json:"epoch"`     // the credentials epoch it belongs to
	ExpiresAt time.Time `json:"expiresAt"` // when it ends, unless a use prolongs it
}

// EventType implements Payload.
func (*UserKeyCreatedV1) EventType() Type { return "roster.user.key-created.v1" }

func upcastUserKeyCreated(old *UserKeyCreatedV1) Payload {
	return &UserKeyCreated{
		Sealed: old.Sealed, KeyID: old.KeyID, LoginType: LoginToken, Scopes: old.Scopes,
		Epoch: old.Epoch, ExpiresAt: old.ExpiresAt,
	}
}

// UserKeyRegenerated gives a key a new secret; the old one is dead.
type UserKeyRegenerated struct {
	Sealed[UserKeyPrivate]
	KeyID     string    `json:"keyId"`     // public id of the key, which stays
	Epoch     int64     `json:"epoch"`     // the credentials epoch it belongs to
	ExpiresAt time.Time `json:"expiresAt"` // when it ends, unless a use prolongs it
}

// EventType implements Payload.
func (*UserKeyRegenerated) EventType() Type { return "roster.user.key-regenerated.v1" }

// UserKeyExpired ends a key's life early, keeping it listed.
type UserKeyExpired struct {
	KeyID     string    `json:"keyId"`     // public id of the key
	ExpiresAt time.Time `json:"expiresAt"` // when it ended
}

// EventType implements Payload.
func (*UserKeyExpired) EventType() Type { return "roster.user.key-expired.v1" }

// UserKeyDeleted removes a key.
type UserKeyDeleted struct {
	KeyID string `json:"keyId"` // public id of the key
}

// EventType implements Payload.
func (*UserKeyDeleted) EventType() Type { return "roster.user.key-deleted.v1" }

func registerUser(c *Catalogue) {
	Register[UserRegistered](c, Roster, "A user was registered.")
	Register[UserProfileUpdated](c, Roster, "Members of a user's profile changed.")
	Register[UserUsernameChanged](c, Roster, "A user has another username.")
	Register[UserEmailChanged](c, Roster, "A user has another e-mail address, or none any more.")
	Register[UserPasswordSet](c, Roster, "A user's password was set.")
	Register[UserPasswordRehashed](c, Roster, "A password was hashed again with newer parameters.")
	Register[UserPreferencesUpdated](c, Roster, "Preferences of one dialect changed.")
	Register[UserRolesAssigned](c, Roster, "A user's site roles changed.")
	Register[UserSuspended](c, Roster, "An account was suspended.")
	Register[UserActivated](c, Roster, "An account was activated.")
	Register[UserBecameDormant](c, Roster, "An account was not used for long and went to sleep.")
	Register[UserDeleted](c, Roster, "An account was deleted and its names freed.")
	Register[UserErased](c, Roster, "What was known of a person was destroyed.")
	Register[UserSessionOpened](c, Roster, "A user signed in.")
	Register[UserSessionClosed](c, Roster, "A user signed out.")
	Register[UserKeyCreated](c, Roster, "An API key was created.")
	RegisterOld(c, (*UserKeyCreated)(nil).EventType(), "An API key was created, before keys had allow lists.", upcastUserKeyCreated)
	Register[UserKeyRegenerated](c, Roster, "An API key got a new secret.")
	Register[UserKeyExpired](c, Roster, "An API key was ended early.")
	Register[UserKeyDeleted](c, Roster, "An API key was deleted.")
	registerMemberships(c)
	registerIdentities(c)
	registerPossessions(c)
	registerAccess(c)
}
