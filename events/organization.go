package events

// OrganizationCreated starts an organization.
type OrganizationCreated struct {
	Number      int64  `json:"number"` // unique among organizations, small; the default one has 1
	Name        string `json:"name"`
	DisplayName string `json:"displayName,omitempty"`
	Description string `json:"description,omitempty"`
	Icon        string `json:"icon,omitempty"`
	Default     bool   `json:"default,omitempty"`
}

// EventType implements Payload.
func (*OrganizationCreated) EventType() Type { return "roster.organization.created.v2" }

// OrganizationCreatedV1 is OrganizationCreated as it was when the default
// organization was the only one.
type OrganizationCreatedV1 struct {
	Name        string `json:"name"`
	DisplayName string `json:"displayName,omitempty"`
	Default     bool   `json:"default,omitempty"`
}

// EventType implements Payload.
func (*OrganizationCreatedV1) EventType() Type { return "roster.organization.created.v1" }

// DefaultOrganizationNumber is the number of the default organization.
const DefaultOrganizationNumber = 1

func upcastOrganizationCreated(old *OrganizationCreatedV1) Payload {
	return &OrganizationCreated{
		Number: DefaultOrganizationNumber, Name: old.Name, DisplayName: old.DisplayName, Default: old.Default,
	}
}

// OrganizationUpdated has nil for an unchanged member, "" for a cleared one. A
// changed name travels with the release of the old claim and the new one.
type OrganizationUpdated struct {
	Name        *string `json:"name,omitempty"`
	DisplayName *string `json:"displayName,omitempty"`
	Description *string `json:"description,omitempty"`
	Icon        *string `json:"icon,omitempty"`
}

// EventType implements Payload.
func (*OrganizationUpdated) EventType() Type { return "roster.organization.updated.v1" }

// OrganizationDeleted ends an organization and frees its name. Memberships in it
// mean nothing from then on.
type OrganizationDeleted struct{}

// EventType implements Payload.
func (*OrganizationDeleted) EventType() Type { return "roster.organization.deleted.v1" }

func registerOrganization(c *Catalogue) {
	Register[OrganizationCreated](c, Roster, "An organization was created.")
	RegisterOld(c, (*OrganizationCreated)(nil).EventType(), "An organization was created, before organizations had numbers.", upcastOrganizationCreated)
	Register[OrganizationUpdated](c, Roster, "Members of an organization changed.")
	Register[OrganizationDeleted](c, Roster, "An organization was deleted and its name freed.")
}
