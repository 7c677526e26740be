package events

// OrganizationCreated starts an organization.
type OrganizationCreated struct {
	Name        string `json:"name"`
	DisplayName string `json:"displayName,omitempty"`
	Default     bool   `json:"default,omitempty"`
}

// EventType implements Payload.
func (*OrganizationCreated) EventType() Type { return "roster.organization.created.v1" }

func registerOrganization(c *Catalogue) {
	Register[OrganizationCreated](c, Roster, "An organization was created.")
}
