package commands

import (
	"context"
	"slices"

	"github.com/rosterhq/roster/events"
)

// maxMemberships bounds a user's places in organizations, those deleted meanwhile
// included.
const maxMemberships = 512

// The commands on a user's places in organizations.
type (
	addMember struct {
		organization string
		roles        []string // given from the start
	}
	removeMember            struct{ organization string }
	assignOrganizationRoles struct {
		organization string
		roles        []string // sorted, each once
	}
)

func (addMember) actions(facts) []Action               { return []Action{ChangeMembers} }
func (removeMember) actions(facts) []Action            { return []Action{ChangeMembers} }
func (assignOrganizationRoles) actions(facts) []Action { return []Action{GrantOrganizationRoles} }

func (addMember) claims(User) []events.Claim               { return nil }
func (removeMember) claims(User) []events.Claim            { return nil }
func (assignOrganizationRoles) claims(User) []events.Claim { return nil }

func (c addMember) within() string               { return c.organization }
func (c removeMember) within() string            { return c.organization }
func (c assignOrganizationRoles) within() string { return c.organization }

func errNoMember() *Error {
	return &Error{Code: NotFound, Reason: "member", Message: "this user is no member of the organization"}
}

func decideAddMember(u User, c addMember, f facts) (decision, *Error) {
	for _, role := range c.roles {
		if !GrantableIn(f.actor, c.organization, role) {
			return decision{}, errNotGrantable(role)
		}
	}
	if _, ok := u.membership(c.organization); ok {
		return decision{}, &Error{Code: Conflict, Reason: "member", Message: "this user is a member of the organization already"}
	}
	if len(u.Memberships) >= maxMemberships {
		return decision{}, &Error{Code: Precondition, Reason: "too-many-organizations", Message: "this user is in too many organizations"}
	}
	return decided(&events.UserMembershipAdded{Membership: events.Membership{Organization: c.organization, Roles: list(c.roles)}})
}

func decideRemoveMember(u User, c removeMember) (decision, *Error) {
	if _, ok := u.membership(c.organization); !ok {
		return decision{}, errNoMember()
	}
	return decided(&events.UserMembershipRemoved{Organization: c.organization})
}

func decideOrganizationRoles(u User, c assignOrganizationRoles, f facts) (decision, *Error) {
	m, ok := u.membership(c.organization)
	switch {
	case !ok:
		return decision{}, errNoMember()
	case f.actor.UserID == u.ID:
		return decision{}, &Error{Code: Precondition, Reason: "own-roles", Message: "you can not change your own roles"}
	}
	added, removed := without(c.roles, m.Roles), without(m.Roles, c.roles)
	for _, role := range slices.Concat(added, removed) {
		if !GrantableIn(f.actor, c.organization, role) {
			return decision{}, errNotGrantable(role)
		}
	}
	if len(added)+len(removed) == 0 {
		return decision{}, nil
	}
	return decided(&events.UserOrganizationRolesAssigned{
		Organization: c.organization, Roles: c.roles, Added: added, Removed: removed,
	})
}

// OrganizationRoles lists the roles that can be granted in an organization.
func OrganizationRoles() []string {
	return []string{
		events.OrganizationAdmin, events.OrganizationAuditor, events.OrganizationUserAdmin,
		events.OrganizationTemplateAdmin, events.OrganizationWorkspaceAccess, events.OrganizationWorkspaceBan,
	}
}

// checkOrganizationRoles sorts roles and drops repeats and the implicit one.
func checkOrganizationRoles(in []string, p *problems) []string {
	out := make([]string, 0, len(in))
	for _, r := range in {
		if r == events.OrganizationMember {
			continue
		}
		if !slices.Contains(OrganizationRoles(), r) {
			p.add("roles", "unknown", "there is no such role: "+printable(r))
			continue
		}
		out = append(out, r)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// AddMember takes a user into an organization, without roles.
func (s *Service) AddMember(ctx context.Context, r Request, organizationID, userID string) (Result, error) {
	return s.onMember(ctx, r, organizationID, userID, &problems{}, func(id string) userCommand { return addMember{organization: id} })
}

// RemoveMember takes a user out of an organization.
func (s *Service) RemoveMember(ctx context.Context, r Request, organizationID, userID string) (Result, error) {
	return s.onMember(ctx, r, organizationID, userID, &problems{}, func(id string) userCommand { return removeMember{id} })
}

// AssignOrganizationRoles replaces a member's roles in one organization. Each role
// that is given or taken must be one that the actor may; nobody changes their own.
func (s *Service) AssignOrganizationRoles(ctx context.Context, r Request, c AssignOrganizationRoles) (Result, error) {
	var p problems
	roles := checkOrganizationRoles(c.Roles, &p)
	return s.onMember(ctx, r, c.Organization, c.UserID, &p, func(id string) userCommand {
		return assignOrganizationRoles{organization: id, roles: roles}
	})
}

func (s *Service) onMember(
	ctx context.Context, r Request, organizationID, userID string, p *problems, command func(id string) userCommand,
) (Result, error) {
	organizationID, ok := canonicalID(organizationID)
	c := command(organizationID)
	if refused := authorized(r.Actor, c, userID); refused != nil {
		return Result{}, refused
	}
	if !ok {
		return Result{}, errNoOrganization()
	}
	exists, err := s.organizationExists(ctx, organizationID)
	if err != nil {
		return Result{}, refusal(err)
	}
	if !exists {
		return Result{}, errNoOrganization()
	}
	return s.checked(ctx, r, userID, c, p)
}
