package events

import "slices"

// WorkspaceCreated starts a workspace, which one user owns.
type WorkspaceCreated struct {
	Number      int64    `json:"number"`                // unique among workspaces, small, from 1
	Name        string   `json:"name"`                  // a slug, unique among live workspaces
	DisplayName string   `json:"displayName,omitempty"` // the name for people
	Owner       string   `json:"owner"`                 // a user's id
	Locations   []string `json:"locations,omitempty"`   // where its work runs
}

// EventType implements Payload.
func (*WorkspaceCreated) EventType() Type { return "roster.workspace.created.v1" }

// WorkspaceUpdated has nil for an unchanged member. A changed name travels with the
// release of the old claim and the new one, a changed owner with both registers of
// what users own.
type WorkspaceUpdated struct {
	Name        *string   `json:"name,omitempty"`        // the new slug, unique among live workspaces
	DisplayName *string   `json:"displayName,omitempty"` // the name for people
	Owner       *string   `json:"owner,omitempty"`       // user id of the new owner
	Locations   *[]string `json:"locations,omitempty"`   // where its work runs
}

// EventType implements Payload.
func (*WorkspaceUpdated) EventType() Type { return "roster.workspace.updated.v1" }

// WorkspaceRole is what somebody may do in a workspace.
type WorkspaceRole string

// The roles in a workspace, from the weakest to the strongest.
const (
	WorkspaceReadOnly            WorkspaceRole = "readonly"
	WorkspaceReadAndRun          WorkspaceRole = "readandrun"
	WorkspaceReadAndRunAssistant WorkspaceRole = "readandrunwithassistant"
	WorkspaceReadWrite           WorkspaceRole = "readwrite"
	WorkspaceAdmin               WorkspaceRole = "admin"
)

// WorkspaceRoles lists the roles, from the weakest to the strongest.
func WorkspaceRoles() []WorkspaceRole {
	return []WorkspaceRole{
		WorkspaceReadOnly, WorkspaceReadAndRun, WorkspaceReadAndRunAssistant, WorkspaceReadWrite, WorkspaceAdmin,
	}
}

// Strength is 1 for the weakest role, and 0 for what is no role.
func (r WorkspaceRole) Strength() int { return slices.Index(WorkspaceRoles(), r) + 1 }

// Grantee is whom a permission is for: exactly one member is set.
type Grantee struct {
	User  string `json:"user,omitempty"`  // user id
	Group string `json:"group,omitempty"` // group id
}

// WorkspacePermissionGranted gives a user or a group a role, in place of the one
// that they had.
type WorkspacePermissionGranted struct {
	Grantee
	Role WorkspaceRole `json:"role"` // what they may do from now on
}

// EventType implements Payload.
func (*WorkspacePermissionGranted) EventType() Type { return "roster.workspace.permission-granted.v1" }

// WorkspacePermissionRevoked takes the role of a user or a group away.
type WorkspacePermissionRevoked struct {
	Grantee
}

// EventType implements Payload.
func (*WorkspacePermissionRevoked) EventType() Type { return "roster.workspace.permission-revoked.v1" }

// WorkspaceDeleted ends a workspace and frees its name.
type WorkspaceDeleted struct{}

// EventType implements Payload.
func (*WorkspaceDeleted) EventType() Type { return "roster.workspace.deleted.v1" }

func registerWorkspace(c *Catalogue) {
	Register[WorkspaceCreated](c, Roster, "A workspace was created.")
	Register[WorkspaceUpdated](c, Roster, "Members of a workspace changed.")
	Register[WorkspacePermissionGranted](c, Roster, "A user or a group got a role in a workspace.")
	Register[WorkspacePermissionRevoked](c, Roster, "A user or a group lost its role in a workspace.")
	Register[WorkspaceDeleted](c, Roster, "A workspace was deleted and its name freed.")
}
