package events

// Roles in an organization. Everybody in one is a member beside them.
const (
	OrganizationAdmin             = "organization-admin"
	OrganizationAuditor           = "organization-auditor"
	OrganizationUserAdmin         = "organization-user-admin"
	OrganizationTemplateAdmin     = "organization-template-admin"
	OrganizationWorkspaceBan      = "organization-workspace-creation-ban"
	OrganizationWorkspaceAccess   = "organization-workspace-access"
	OrganizationMember            = "organization-member"  // implicit, never stored
	OrganizationInvitationPending = "organization-pending" // invited, not yet accepted (PM415)
)

// UserMembershipAdded takes a user into an organization.
type UserMembershipAdded struct {
	Membership
}

// EventType implements Payload.
func (*UserMembershipAdded) EventType() Type { return "roster.user.membership-added.v1" }

// UserMembershipRemoved takes a user out of an organization, with the roles there.
type UserMembershipRemoved struct {
	Organization string `json:"organization"` // organization id
}

// EventType implements Payload.
func (*UserMembershipRemoved) EventType() Type { return "roster.user.membership-removed.v1" }

// UserOrganizationRolesAssigned holds a user's roles in one organization as they
// are now and what changed.
type UserOrganizationRolesAssigned struct {
	Organization string   `json:"organization"`      // organization id
	Roles        []string `json:"roles"`             // all roles in it from now on
	Added        []string `json:"added,omitempty"`   // those that are new
	Removed      []string `json:"removed,omitempty"` // those that are gone
}

// EventType implements Payload.
func (*UserOrganizationRolesAssigned) EventType() Type {
	return "roster.user.organization-roles-assigned.v1"
}

func registerMemberships(c *Catalogue) {
	Register[UserMembershipAdded](c, Roster, "A user joined an organization.")
	Register[UserMembershipRemoved](c, Roster, "A user left an organization.")
	Register[UserOrganizationRolesAssigned](c, Roster, "A user's roles in an organization changed.")
}
