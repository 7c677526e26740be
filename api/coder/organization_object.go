package coder

import (
	"time"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// organizationAnswer is the organization object.
type organizationAnswer struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	DisplayName string    `json:"display_name"`
	Icon        string    `json:"icon"`
	Description string    `json:"description"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
	IsDefault   bool      `json:"is_default"`
	// DefaultOrgMemberRoles are for newer clients: no role comes with membership.
	DefaultOrgMemberRoles []string `json:"default_org_member_roles"`
}

func organizationOfRow(o query.Organization) organizationAnswer {
	return organizationAnswer{
		ID: o.ID, Name: o.Name, DisplayName: o.DisplayName, Icon: o.Icon, Description: o.Description,
		CreatedAt: stamp(o.CreatedAt), UpdatedAt: stamp(o.UpdatedAt), IsDefault: o.Default, DefaultOrgMemberRoles: []string{},
	}
}

func organizationOfState(o commands.Organization) organizationAnswer {
	return organizationAnswer{
		ID: o.ID, Name: o.Name, DisplayName: o.DisplayName, Icon: o.Icon, Description: o.Description,
		CreatedAt: stamp(o.CreatedAt), UpdatedAt: stamp(o.UpdatedAt), IsDefault: o.Default, DefaultOrgMemberRoles: []string{},
	}
}

// organizationRole names a role in an organization.
type organizationRole struct {
	Name           string `json:"name"`
	DisplayName    string `json:"display_name"`
	OrganizationID string `json:"organization_id"`
}

var organizationRoleNames = map[string]string{
	events.OrganizationAdmin:           "Organization Admin",
	events.OrganizationAuditor:         "Organization Auditor",
	events.OrganizationUserAdmin:       "Organization User Admin",
	events.OrganizationTemplateAdmin:   "Organization Template Admin",
	events.OrganizationWorkspaceBan:    "Organization Workspace Creation Ban",
	events.OrganizationWorkspaceAccess: "Organization Workspace Access",
}

// memberAnswer is a place in an organization.
type memberAnswer struct {
	UserID         string             `json:"user_id"`
	OrganizationID string             `json:"organization_id"`
	CreatedAt      time.Time          `json:"created_at"`
	UpdatedAt      time.Time          `json:"updated_at"`
	Roles          []organizationRole `json:"roles"`
}

// memberWithUser is a member as lists show it.
type memberWithUser struct {
	memberAnswer
	Username         string     `json:"username"`
	Name             string     `json:"name"`
	AvatarURL        string     `json:"avatar_url"`
	Email            string     `json:"email"`
	GlobalRoles      []slimRole `json:"global_roles"`
	Status           string     `json:"status"`
	LoginType        string     `json:"login_type"`
	LastSeenAt       time.Time  `json:"last_seen_at"`
	UserCreatedAt    time.Time  `json:"user_created_at"`
	UserUpdatedAt    time.Time  `json:"user_updated_at"`
	IsServiceAccount bool       `json:"is_service_account"`
	HasAISeat        bool       `json:"has_ai_seat"`
}

// memberOf shows a user's place. The times of a membership are not kept: it
// cannot be older than both the user and the organization.
func memberOf(o query.Organization, userID string, created, updated time.Time, held []string) memberAnswer {
	if created.Before(o.CreatedAt) {
		created = o.CreatedAt
	}
	if updated.Before(created) {
		updated = created
	}
	out := memberAnswer{
		UserID: userID, OrganizationID: o.ID, CreatedAt: stamp(created), UpdatedAt: stamp(updated),
		Roles: make([]organizationRole, 0, len(held)),
	}
	for _, name := range held {
		if shown, ok := organizationRoleNames[name]; ok { // others' words are nothing to Coder's clients
			out.Roles = append(out.Roles, organizationRole{Name: name, DisplayName: shown, OrganizationID: o.ID})
		}
	}
	return out
}

func memberOfRow(o query.Organization, u query.User) memberAnswer {
	place, _ := placeIn(u.Organizations, o.ID)
	return memberOf(o, u.ID, u.CreatedAt, u.UpdatedAt, place.Roles)
}

func memberOfState(o query.Organization, u commands.User) memberAnswer {
	place, _ := placeIn(u.Memberships, o.ID)
	return memberOf(o, u.ID, u.CreatedAt, u.UpdatedAt, place.Roles)
}

func memberWithUserOf(o query.Organization, u query.User) memberWithUser {
	shown := listedUser(u)
	return memberWithUser{
		memberAnswer: memberOfRow(o, u),
		Username:     shown.Username, Name: shown.Name, AvatarURL: shown.AvatarURL, Email: shown.Email,
		GlobalRoles: shown.Roles, Status: shown.Status, LoginType: shown.LoginType, LastSeenAt: shown.LastSeenAt,
		UserCreatedAt: shown.CreatedAt, UserUpdatedAt: shown.UpdatedAt,
		IsServiceAccount: shown.IsServiceAccount, HasAISeat: shown.HasAISeat,
	}
}

func placeIn(places []events.Membership, organizationID string) (events.Membership, bool) {
	for _, m := range places {
		if m.Organization == organizationID {
			return m, true
		}
	}
	return events.Membership{}, false
}
