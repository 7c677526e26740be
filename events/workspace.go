package events

// WorkspaceCreated starts a workspace, which one user owns.
type WorkspaceCreated struct {
	Number      int64    `json:"number"` // unique among workspaces, small, from 1
	Name        string   `json:"name"`   // a slug, unique among live workspaces
	DisplayName string   `json:"displayName,omitempty"`
	Owner       string   `json:"owner"` // a user's id
	Locations   []string `json:"locations,omitempty"`
}

// EventType implements Payload.
func (*WorkspaceCreated) EventType() Type { return "roster.workspace.created.v1" }

// WorkspaceDeleted ends a workspace and frees its name.
type WorkspaceDeleted struct{}

// EventType implements Payload.
func (*WorkspaceDeleted) EventType() Type { return "roster.workspace.deleted.v1" }

func registerWorkspace(c *Catalogue) {
	Register[WorkspaceCreated](c, Roster, "A workspace was created.")
	Register[WorkspaceDeleted](c, Roster, "A workspace was deleted and its name freed.")
}
