package coder

import (
	"cmp"
	"slices"
	"time"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// slimRole names a role.
type slimRole struct {
	Name        string `json:"name"`
	DisplayName string `json:"display_name"`
}

// userAnswer is the user object.
type userAnswer struct {
	ID               string     `json:"id"`
	Username         string     `json:"username"`
	Name             string     `json:"name"`
	AvatarURL        string     `json:"avatar_url"`
	Email            string     `json:"email"`
	CreatedAt        time.Time  `json:"created_at"`
	UpdatedAt        time.Time  `json:"updated_at"`
	LastSeenAt       time.Time  `json:"last_seen_at"`
	Status           string     `json:"status"`
	LoginType        string     `json:"login_type"`
	IsServiceAccount bool       `json:"is_service_account"`
	ThemePreference  string     `json:"theme_preference"`
	OrganizationIDs  []string   `json:"organization_ids"`
	Roles            []slimRole `json:"roles"`
	HasAISeat        bool       `json:"has_ai_seat"`
}

// siteRoles are Coder's, in the order in which they are shown.
var siteRoles = []slimRole{
	{string(events.RoleOwner), "Owner"},
	{string(events.RoleUserAdmin), "User Admin"},
	{string(events.RoleTemplateAdmin), "Template Admin"},
	{string(events.RoleAuditor), "Auditor"},
}

// userObject is a user as single-user endpoints show it.
func userObject(u query.User) userAnswer {
	out := listedUser(u)
	if out.OrganizationIDs == nil {
		out.OrganizationIDs = []string{}
	}
	return out
}

// listedUser is a user as the list shows it: organization_ids is null for who is
// in none.
func listedUser(u query.User) userAnswer {
	out := userAnswer{
		ID: u.ID, Username: u.Username, Name: shownName(u), AvatarURL: u.Avatar, Email: u.Email,
		CreatedAt: stamp(u.CreatedAt), UpdatedAt: stamp(movedAt(u)),
		Status: shownStatus(u.Status), LoginType: string(u.LoginType), Roles: shownRoles(u.Roles),
		IsServiceAccount: u.LoginType == events.LoginNone, LastSeenAt: stamp(u.LastSeenAt),
	}
	for _, m := range u.Organizations {
		out.OrganizationIDs = append(out.OrganizationIDs, m.Organization)
	}
	return out
}

// changedUser is a user after a command: before tells what the command can not
// know, when the user was last seen and which organizations live.
func changedUser(before query.User, u commands.User) userAnswer {
	before.ID, before.Username, before.Name, before.FirstName, before.LastName = u.ID, u.Username, u.Name, u.FirstName, u.LastName
	before.Avatar, before.Email, before.Status, before.LoginType = u.Avatar, u.Email, u.Status, u.LoginType
	before.Roles, before.CreatedAt, before.UpdatedAt = u.Roles, u.CreatedAt, u.UpdatedAt
	return userObject(before)
}

// shownName: who has only first and last name is shown by both.
func shownName(u query.User) string {
	if u.Name != "" || u.FirstName == "" && u.LastName == "" {
		return u.Name
	}
	if u.FirstName == "" || u.LastName == "" {
		return cmp.Or(u.FirstName, u.LastName)
	}
	return u.FirstName + " " + u.LastName
}

// shownStatus: Coder has no word for the deleted, whom administrators still see.
func shownStatus(s events.Status) string {
	if s == events.StatusDeleted {
		return string(events.StatusSuspended)
	}
	return string(s)
}

// shownRoles leaves out roles that Coder's clients do not know.
func shownRoles(held []events.Role) []slimRole {
	out := []slimRole{}
	for _, role := range siteRoles {
		if slices.Contains(held, events.Role(role.Name)) {
			out = append(out, role)
		}
	}
	return out
}

// movedAt is when the user changed, or was seen: for Coder that is a change.
func movedAt(u query.User) time.Time {
	if u.LastSeenAt.After(u.UpdatedAt) {
		return u.LastSeenAt
	}
	return u.UpdatedAt
}

// stamp brings times of log and read model to one form.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
