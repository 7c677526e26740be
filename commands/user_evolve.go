package commands

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/rosterhq/roster/events"
)

// Bounds of what a state keeps of past commands.
const (
	rememberedCommands = 64
	rememberedFor      = 24 * time.Hour
)

// evolveUser folds one event into a state and returns the new one. It shares
// what did not change with the old state and never writes to it. An event of a
// type that this release does not know changes nothing; members whose data key
// is erased come as empty.
func evolveUser(u User, e events.Recorded) User {
	u = applyUser(u, e)
	u = dropEnded(u, e.Time)
	return remember(u, e)
}

func applyUser(u User, e events.Recorded) User {
	switch p := e.Payload.(type) {
	case *events.UserRegistered:
		return registered(e, p)
	case *events.UserProfileUpdated:
		u = profileUpdated(u, p)
	case *events.UserUsernameChanged:
		u.Username = p.Private.Username
	case *events.UserEmailChanged:
		u.Email = p.Private.Email
	case *events.UserRolesAssigned:
		u.Roles = list(p.Roles)
	case *events.UserSuspended:
		u.Status = events.StatusSuspended
	case *events.UserActivated:
		u.Status = events.StatusActive
	case *events.UserBecameDormant:
		u.Status = events.StatusDormant
	case *events.UserDeleted:
		u = deleted(u)
	case *events.UserErased:
		u = erased(u)
	case *events.UserPasswordSet:
		return passwordSet(u, p)
	case *events.UserPasswordRehashed:
		u.PasswordHash = p.Private.Hash
		return u
	case *events.UserPreferencesUpdated:
		return preferencesUpdated(u, e, p)
	default:
		return applyKey(u, e)
	}
	u.UpdatedAt = e.Time
	return u
}

func registered(e events.Recorded, p *events.UserRegistered) User {
	created := e.Time
	if !p.CreatedAt.IsZero() {
		created = p.CreatedAt
	}
	return User{
		ID: e.Aggregate.ID, Number: p.Number,
		Username: p.Private.Username, Email: p.Private.Email, Name: p.Private.Name,
		FirstName: p.Private.FirstName, LastName: p.Private.LastName,
		Avatar: p.Private.Avatar, Language: p.Private.Language,
		LoginType: p.LoginType, Status: p.Status, Confirmed: p.Confirmed,
		Roles: list(p.Roles), Memberships: list(p.Memberships),
		Identities: list(p.Private.Identities), PasswordHash: p.Private.PasswordHash,
		CreatedAt: created, UpdatedAt: e.Time,
	}
}

func profileUpdated(u User, p *events.UserProfileUpdated) User {
	setIfGiven(&u.Name, p.Private.Name)
	setIfGiven(&u.FirstName, p.Private.FirstName)
	setIfGiven(&u.LastName, p.Private.LastName)
	setIfGiven(&u.Avatar, p.Private.Avatar)
	setIfGiven(&u.Language, p.Private.Language)
	return u
}

// setIfGiven sets a member of a state, where an event holds another value for it.
func setIfGiven(member, value *string) {
	if value != nil {
		*member = *value
	}
}

// deleted keeps the profile, for those who may still look at deleted users by
// id, and forgets every credential.
func deleted(u User) User {
	u.Status = events.StatusDeleted
	u.PasswordHash = ""
	u.Keys, u.Passcode, u.SSHKey, u.Providers, u.ReadableKey = nil, nil, nil, nil, ""
	return u
}

// erased leaves what says nothing of the person, as a replay without the data key
// does.
func erased(u User) User {
	return User{
		ID: u.ID, Number: u.Number, LoginType: u.LoginType, Status: u.Status, Confirmed: u.Confirmed, Epoch: u.Epoch,
		Roles: u.Roles, Memberships: u.Memberships, CreatedAt: u.CreatedAt, Commands: u.Commands, Erased: true,
	}
}

func passwordSet(u User, p *events.UserPasswordSet) User {
	u.PasswordHash, u.Passcode = p.Private.Hash, nil
	if p.Revoked {
		u.Epoch++
		u.Keys, u.ReadableKey = nil, ""
	}
	return u
}

func preferencesUpdated(u User, e events.Recorded, p *events.UserPreferencesUpdated) User {
	old, known := u.Preferences[p.Dialect]
	next := Preferences{Values: maps.Clone(old.Values), CreatedAt: old.CreatedAt, UpdatedAt: e.Time}
	if !known {
		next.CreatedAt = e.Time
	}
	if next.Values == nil {
		next.Values = map[string]any{}
	}
	for name, value := range p.Private.Changes {
		if value == nil {
			delete(next.Values, name)
		} else {
			next.Values[name] = value
		}
	}
	u.Preferences = with(u.Preferences, p.Dialect, next)
	if p.Private.Language != nil {
		u.Language = *p.Private.Language
	}
	return u
}

// remember keeps the command of an event.
func remember(u User, e events.Recorded) User {
	u.Commands = remembered(u.Commands, e)
	return u
}

// remembered returns the records with the command of an event among them, if it
// came with a key of its own: the ids of others are random and never come again.
func remembered(records []CommandRecord, e events.Recorded) []CommandRecord {
	if e.CommandID == "" || e.RequestHash == "" {
		return records
	}
	record := CommandRecord{
		ID: e.CommandID, RequestHash: e.RequestHash, Position: e.Position(), KeyID: madeKey(e.Payload), At: e.Time,
	}
	next := make([]CommandRecord, 0, len(records)+1)
	for _, r := range records {
		switch {
		case r.ID == e.CommandID: // an earlier event of the same command
			record.KeyID = cmp.Or(record.KeyID, r.KeyID)
		case e.Time.Sub(r.At) < rememberedFor:
			next = append(next, r)
		}
	}
	next = append(next, record)
	if over := len(next) - rememberedCommands; over > 0 {
		next = next[over:]
	}
	return next
}

// madeKey returns the id of the session or key that an event makes.
func madeKey(p events.Payload) string {
	switch p := p.(type) {
	case *events.UserSessionOpened:
		return p.KeyID
	case *events.UserKeyCreated:
		return p.KeyID
	case *events.UserKeyRegenerated:
		return p.KeyID
	}
	return ""
}

// list copies a list. An empty one is nil, as it comes back from the log, so that
// a running state equals its replay.
func list[T any](in []T) []T {
	if len(in) == 0 {
		return nil
	}
	return slices.Clone(in)
}

// with returns a copy of m with one entry set.
func with[V any](m map[string]V, key string, value V) map[string]V {
	next := make(map[string]V, len(m)+1)
	maps.Copy(next, m)
	next[key] = value
	return next
}

// exists says whether the user was registered and is not deleted.
func (u User) exists() bool { return u.ID != "" && u.Status != events.StatusDeleted }

// command returns the record of a command that was executed in the last 24
// hours before now.
func (u User) command(id string, now time.Time) (CommandRecord, bool) {
	return recordOf(u.Commands, id, now)
}

func recordOf(records []CommandRecord, id string, now time.Time) (CommandRecord, bool) {
	for _, r := range records {
		if r.ID == id && now.Sub(r.At) < rememberedFor {
			return r, true
		}
	}
	return CommandRecord{}, false
}
