package pm415

import (
	"context"
	"errors"
	"slices"

	"github.com/rosterhq/roster/api/bearer"
	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// role is one of PM415's three.
type role struct {
	ID   int    `json:"id"`
	Role string `json:"role"`
}

var (
	roleAdmin   = role{1, "Admin"}
	roleMember  = role{2, "Member"}
	rolePending = role{3, "Pending"}
)

// roleOf is the one table between the roles here and there. Who is only invited has
// no rights, whatever else is noted.
func roleOf(roles []string) role {
	switch {
	case slices.Contains(roles, events.OrganizationInvitationPending):
		return rolePending
	case slices.Contains(roles, events.OrganizationAdmin):
		return roleAdmin
	default:
		return roleMember
	}
}

// place is a user's place in a live organization.
type place struct {
	query.Organization
	role role
}

// places returns a user's places, by the organization's number.
func (h *Handler) places(ctx context.Context, memberships []events.Membership) ([]place, error) {
	roles, ids := map[string]role{}, make([]string, len(memberships))
	for i, m := range memberships {
		ids[i] = m.Organization
		roles[m.Organization] = roleOf(m.Roles)
	}
	found, err := h.Queries.OrganizationsOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make([]place, len(found))
	for i, o := range found {
		out[i] = place{o, roles[o.ID]}
	}
	return out, nil
}

// current is the organization that a caller is in at the moment: the one that a
// token of this dialect names, else the first; nil for none.
func current(c gate.Caller, places []place) *place {
	naming := c.Claims != nil && c.Claims.Kind == bearer.PM415
	for i, p := range places {
		if !naming || c.Claims.OrgID == p.Number {
			return &places[i]
		}
	}
	return nil
}

// titleOf is an organization's name for people, which PM415's names are.
func titleOf(o query.Organization) string {
	if o.DisplayName != "" {
		return o.DisplayName
	}
	return o.Name
}

// organization is an organization with the user's roles there.
type organization struct {
	ID    int64  `json:"id"`
	Name  string `json:"name"`
	Roles []role `json:"roles"`
}

func (p place) organization() organization {
	return organization{p.Number, titleOf(p.Organization), []role{p.role}}
}

func organizationsOf(places []place) []organization {
	out := make([]organization, len(places))
	for i, p := range places {
		out[i] = p.organization()
	}
	return out
}

// person is what is told of a user beside the places.
type person struct {
	ID        int64   `json:"id"`
	Email     string  `json:"email"`
	FirstName *string `json:"firstName"`
	LastName  *string `json:"lastName"`
}

// user is the user object.
type user struct {
	person
	Organizations []organization `json:"organizations"`
}

// self is the answer about the caller.
type self struct {
	Success      bool          `json:"success"`
	User         user          `json:"user"`
	Organization *organization `json:"organization,omitempty"`
}

func selfOf(c gate.Caller, p person, places []place) self {
	s := self{Success: true, User: user{p, organizationsOf(places)}}
	if at := current(c, places); at != nil {
		o := at.organization()
		s.Organization = &o
	}
	return s
}

func personOf(u query.User) person {
	return person{u.Number, u.Email, nullable(u.FirstName), nullable(u.LastName)}
}

// personOfState is personOf for what a command answered, which is newer than reads.
func personOfState(u commands.User) person {
	return person{u.Number, u.Email, nullable(u.FirstName), nullable(u.LastName)}
}

func nullable(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// caller returns the caller's row and places. A caller without a row is gone.
func (h *Handler) caller(ctx context.Context, c gate.Caller) (query.User, []place, error) {
	u, err := h.Queries.User(ctx, query.UserRef{ID: c.UserID()})
	if errors.Is(err, query.ErrNotFound) || err == nil && u.Status == events.StatusDeleted {
		return query.User{}, nil, errSignIn
	}
	if err != nil {
		return query.User{}, nil, err
	}
	places, err := h.places(ctx, u.Organizations)
	return u, places, err
}
