package events

// OrganizationCreated starts an organization.
type OrganizationCreated struct {
	Number      int64  `json:"number"`                // unique among organizations, small; the default one has 1
	Name        string `json:"name"`                  // a slug, unique among live organizations
	DisplayName string `json:"displayName,omitempty"` // the name for people
	Description string `json:"description,omitempty"` // what it is for
	Icon        string `json:"icon,omitempty"`        // URL or path of a picture
	Default     bool   `json:"default,omitempty"`     // new users join it
}

// EventType implements Payload.
func (*OrganizationCreated) EventType() Type { return "roster.organization.created.v2" }

// OrganizationCreatedV1 is OrganizationCreated as it was when the default
// organization was the only one.
type OrganizationCreatedV1 struct {
	Name        string `json:"name"`                  // a slug
	DisplayName string `json:"displayName,omitempty"` // the name for people
	Default     bool   `json:"default,omitempty"`     // new users join it
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
	Name        *string `json:"name,omitempty"`        // the new slug, unique among live organizations
	DisplayName *string `json:"displayName,omitempty"` // the name for people
	Description *string `json:"description,omitempty"` // what it is for
	Icon        *string `json:"icon,omitempty"`        // URL or path of a picture
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
