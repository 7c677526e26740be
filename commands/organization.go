package commands

import (
	"time"

	"github.com/rosterhq/roster/events"
)

// The default organization, into which users come when none is named.
const (
	defaultOrganizationName        = "coder"
	defaultOrganizationDisplayName = "Coder"
)

// Organization is the folded state of an organization. The zero value is one
// that never was.
type Organization struct {
	ID          string
	Number      int64
	Name        string
	DisplayName string
	Description string
	Icon        string
	Default     bool
	Deleted     bool
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

func (o Organization) exists() bool { return o.ID != "" && !o.Deleted }

var organizations = aggregateKind[Organization]{kind: events.Organization, evolve: evolveOrganization}

// The commands on organizations: this is the list of what can happen to one.
type (
	createOrganization struct {
		CreateOrganization
		id        string
		number    int64
		isDefault bool
	}
	updateOrganization struct{ UpdateOrganization }
	deleteOrganization struct{}
)

// evolveOrganization folds one event into a state.
func evolveOrganization(o Organization, e events.Recorded) Organization {
	switch p := e.Payload.(type) {
	case *events.OrganizationCreated:
		return Organization{
			ID: e.Aggregate.ID, Number: p.Number, Name: p.Name, DisplayName: p.DisplayName,
			Description: p.Description, Icon: p.Icon, Default: p.Default, CreatedAt: e.Time, UpdatedAt: e.Time,
		}
	case *events.OrganizationUpdated:
		setIfGiven(&o.Name, p.Name)
		setIfGiven(&o.DisplayName, p.DisplayName)
		setIfGiven(&o.Description, p.Description)
		setIfGiven(&o.Icon, p.Icon)
	case *events.OrganizationDeleted:
		o.Deleted = true
	default:
		return o
	}
	o.UpdatedAt = e.Time
	return o
}

func (createOrganization) authorize(_ Organization, actor Actor) *Error {
	return allowIn(actor, CreateOrganizations, "")
}

func (c updateOrganization) authorize(_ Organization, actor Actor) *Error {
	return allowIn(actor, UpdateOrganizations, c.ID)
}

func (deleteOrganization) authorize(o Organization, actor Actor) *Error {
	return allowIn(actor, DeleteOrganizations, o.ID)
}

func allowIn(actor Actor, action Action, organization string) *Error {
	if AllowedIn(actor, action, organization) {
		return nil
	}
	return forbidden(action)
}

func organizationClaim(name string) events.Claim {
	return events.Claim{Kind: claimOrganization, Value: fold(name)}
}

func (c createOrganization) claims(Organization) []events.Claim {
	out := []events.Claim{organizationClaim(c.Name)}
	if c.isDefault {
		out = append(out, defaultOrganizationClaim())
	}
	return out
}

func (c updateOrganization) claims(o Organization) []events.Claim {
	if c.Name == nil || fold(*c.Name) == fold(o.Name) {
		return nil
	}
	return []events.Claim{organizationClaim(o.Name), organizationClaim(*c.Name)}
}

func (deleteOrganization) claims(o Organization) []events.Claim {
	return []events.Claim{organizationClaim(o.Name)}
}

func (c createOrganization) decide(_ Organization, f facts) (decision, *Error) {
	d := decision{events: []events.Payload{&events.OrganizationCreated{
		Number: c.number, Name: c.Name, DisplayName: c.DisplayName, Description: c.Description, Icon: c.Icon, Default: c.isDefault,
	}}}
	for _, claim := range c.claims(Organization{}) {
		if f.takenByOther(claim, c.id) {
			return decision{}, errOrganizationTaken()
		}
		d.claims = append(d.claims, f.take(claim, c.id))
	}
	return d, nil
}

func (c updateOrganization) decide(o Organization, f facts) (decision, *Error) {
	if !o.exists() {
		return decision{}, errNoOrganization()
	}
	if c.Name != nil && f.takenByOther(organizationClaim(*c.Name), o.ID) {
		return decision{}, errOrganizationTaken()
	}
	differs := func(is string, wanted *string) *string {
		if wanted == nil || *wanted == is {
			return nil
		}
		return wanted
	}
	p := events.OrganizationUpdated{
		Name: differs(o.Name, c.Name), DisplayName: differs(o.DisplayName, c.DisplayName),
		Description: differs(o.Description, c.Description), Icon: differs(o.Icon, c.Icon),
	}
	if p == (events.OrganizationUpdated{}) {
		return decision{}, nil
	}
	d := decision{events: []events.Payload{&p}}
	if p.Name != nil {
		d.claims = f.moveName(organizationClaim(o.Name), organizationClaim(*p.Name), o.ID)
	}
	return d, nil
}

func (deleteOrganization) decide(o Organization, f facts) (decision, *Error) {
	switch {
	case !o.exists():
		return decision{}, errNoOrganization()
	case o.Default:
		return decision{}, &Error{Code: Precondition, Reason: "default-organization", Message: "the default organization can not be deleted"}
	}
	return decision{
		events: []events.Payload{&events.OrganizationDeleted{}},
		claims: f.release(organizationClaim(o.Name), o.ID),
	}, nil
}

func errOrganizationTaken() *Error {
	return &Error{
		Code: Conflict, Reason: "taken", Message: "an organization with this name exists",
		Fields: []FieldError{{Field: "name", Rule: "taken", Detail: "this name is already in use"}},
	}
}

func errNoOrganization() *Error {
	return &Error{Code: NotFound, Reason: "organization", Message: "there is no such organization"}
}
