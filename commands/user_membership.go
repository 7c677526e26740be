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
	removeMember struct {
		organization string
		others       *otherAdmin // nil: no admin has to remain
	}
	assignOrganizationRoles struct {
		organization string
		roles        []string    // sorted, each once
		others       *otherAdmin // nil: no admin has to remain
	}
)

func (addMember) actions(facts) []Action               { return []Action{ChangeMembers} }
func (removeMember) actions(facts) []Action            { return []Action{ChangeMembers} }
func (assignOrganizationRoles) actions(facts) []Action { return []Action{GrantOrganizationRoles} }

func (addMember) claims(User) []events.Claim { return nil }

func (c removeMember) claims(u User) []events.Claim {
	return c.others.claims(u, c.organization, nil)
}

func (c assignOrganizationRoles) claims(u User) []events.Claim {
	return c.others.claims(u, c.organization, c.roles)
}

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

func decideRemoveMember(u User, c removeMember, f facts) (decision, *Error) {
	if _, ok := u.membership(c.organization); !ok {
		return decision{}, errNoMember()
	}
	turn, err := c.others.remain(u, c.organization, nil, f)
	if err != nil {
		return decision{}, err
	}
	return decision{events: []events.Payload{&events.UserMembershipRemoved{Organization: c.organization}}, claims: turn}, nil
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
	turn, err := c.others.remain(u, c.organization, c.roles, f)
	if err != nil {
		return decision{}, err
	}
	return decision{
		events: []events.Payload{&events.UserOrganizationRolesAssigned{
			Organization: c.organization, Roles: c.roles, Added: added, Removed: removed,
		}},
		claims: turn,
	}, nil
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
	return s.onMember(ctx, r, onMember{organizationID, userID, nil}, &problems{}, func(id string, _ *otherAdmin) userCommand {
		return addMember{organization: id}
	})
}

// RemoveMember takes a user out of an organization.
func (s *Service) RemoveMember(ctx context.Context, r Request, organizationID, userID string) (Result, error) {
	return s.RemoveMemberBeside(ctx, r, organizationID, userID, nil)
}

// AssignOrganizationRoles replaces a member's roles in one organization. Each role
// that is given or taken must be one that the actor may; nobody changes their own.
func (s *Service) AssignOrganizationRoles(ctx context.Context, r Request, c AssignOrganizationRoles) (Result, error) {
	var p problems
	roles := checkOrganizationRoles(c.Roles, &p)
	return s.onMember(ctx, r, onMember{c.Organization, c.UserID, c.Beside}, &p, func(id string, others *otherAdmin) userCommand {
		return assignOrganizationRoles{organization: id, roles: roles, others: others}
	})
}

// onMember is what a command on a membership is about.
type onMember struct {
	organization, user string
	beside             []string // see AssignOrganizationRoles
}

func (s *Service) onMember(
	ctx context.Context, r Request, on onMember, p *problems, command func(organizationID string, others *otherAdmin) userCommand,
) (Result, error) {
	organizationID, ok := canonicalID(on.organization)
	c := command(organizationID, nil)
	if refused := authorized(r.Actor, c, on.user); refused != nil {
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
	if on.beside == nil {
		return s.checked(ctx, r, on.user, c, p)
	}
	userID, err := s.target(r.Actor, on.user, c, p)
	if err != nil {
		return Result{}, err
	}
	leave, err := s.queues.enter(ctx, "beside/"+organizationID) // so that those at once don't burn their tries
	if err != nil {
		return Result{}, refusal(err)
	}
	defer leave()
	return s.execute(ctx, r, userID, func(ctx context.Context) (userCommand, error) {
		others, err := s.otherAdmin(ctx, organizationID, userID, on.beside)
		return command(organizationID, others), err
	})
}
