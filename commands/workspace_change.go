package commands

import (
	"context"
	"maps"
	"slices"

	"github.com/rosterhq/roster/events"
)

// maxPermissions bounds the roles given in one workspace.
const maxPermissions = 1000

// UpdateWorkspace changes members of a workspace; nil means unchanged.
type UpdateWorkspace struct {
	ID          string
	Name        *string
	DisplayName *string
	Owner       *string // another user's id
	Locations   *[]string
}

// The commands on workspaces that are there, by whoever administers them.
type (
	updateWorkspace struct {
		UpdateWorkspace
		administered
	}
	grantPermission struct {
		grantee events.Grantee
		role    events.WorkspaceRole
		administered
	}
	revokePermission struct {
		grantee events.Grantee
		administered
	}
)

// administered is a command for who administers a workspace: its owner, who holds
// the role admin there, directly or by a group, or a site owner.
type administered struct{ byGroup bool }

func (a administered) authorize(w Workspace, actor Actor) *Error {
	if Allowed(actor, UpdateWorkspaces, w.Owner) {
		return nil
	}
	inPerson := w.Permissions[events.Grantee{User: actor.UserID}] == events.WorkspaceAdmin
	if (inPerson || a.byGroup) && Allowed(actor, UpdateWorkspaces, actor.UserID) {
		return nil
	}
	return forbidden(UpdateWorkspaces)
}

func (c updateWorkspace) claims(w Workspace) []events.Claim {
	var out []events.Claim
	if c.Name != nil && *c.Name != w.Name {
		out = append(out, workspaceClaim(w.Name), workspaceClaim(*c.Name))
	}
	if c.Owner != nil && *c.Owner != w.Owner {
		out = append(out, workspacesOfClaim(w.Owner), workspacesOfClaim(*c.Owner))
	}
	return out
}

func (grantPermission) claims(Workspace) []events.Claim  { return nil }
func (revokePermission) claims(Workspace) []events.Claim { return nil }

func (c updateWorkspace) decide(w Workspace, f facts) (decision, *Error) {
	if !w.exists() {
		return decision{}, errNoWorkspace()
	}
	var p events.WorkspaceUpdated
	var d decision
	if c.Name != nil && *c.Name != w.Name {
		if f.takenByOther(workspaceClaim(*c.Name), w.ID) {
			return decision{}, errWorkspaceTaken()
		}
		p.Name = c.Name
		d.claims = append(d.claims, f.moveName(workspaceClaim(w.Name), workspaceClaim(*c.Name), w.ID)...)
	}
	if c.Owner != nil && *c.Owner != w.Owner {
		if f.claims[workspacesOfClaim(*c.Owner)].Holder == ownerDeleted {
			return decision{}, errNoOwner()
		}
		p.Owner = c.Owner
		d.claims = append(d.claims, f.moveOwned(workspacesOfClaim(w.Owner), -1), f.moveOwned(workspacesOfClaim(*c.Owner), 1))
	}
	if c.DisplayName != nil && *c.DisplayName != w.DisplayName {
		p.DisplayName = c.DisplayName
	}
	if c.Locations != nil && !slices.Equal(*c.Locations, w.Locations) {
		p.Locations = c.Locations
	}
	if p != (events.WorkspaceUpdated{}) {
		d.events = []events.Payload{&p}
	}
	return d, nil
}

func (c grantPermission) decide(w Workspace, _ facts) (decision, *Error) {
	had, given := w.Permissions[c.grantee]
	switch {
	case !w.exists():
		return decision{}, errNoWorkspace()
	case given && had == c.role:
		return decision{}, nil
	case !given && len(w.Permissions) >= maxPermissions:
		return decision{}, &Error{Code: Precondition, Reason: "too-many-permissions", Message: "this workspace has too many permissions"}
	}
	return decided(&events.WorkspacePermissionGranted{Grantee: c.grantee, Role: c.role})
}

func (c revokePermission) decide(w Workspace, _ facts) (decision, *Error) {
	_, given := w.Permissions[c.grantee]
	switch {
	case !w.exists():
		return decision{}, errNoWorkspace()
	case !given:
		return decision{}, nil
	}
	return decided(&events.WorkspacePermissionRevoked{Grantee: c.grantee})
}

func errWorkspaceTaken() *Error {
	return &Error{
		Code: Conflict, Reason: "taken", Message: "a workspace with this name exists",
		Fields: []FieldError{{Field: "name", Rule: "taken", Detail: "this name is already in use"}},
	}
}

// evolvePermissions folds the events of this file into a workspace.
func evolvePermissions(w Workspace, e events.Recorded) Workspace {
	switch p := e.Payload.(type) {
	case *events.WorkspaceUpdated:
		setIfGiven(&w.Name, p.Name)
		setIfGiven(&w.DisplayName, p.DisplayName)
		setIfGiven(&w.Owner, p.Owner)
		if p.Locations != nil {
			w.Locations = list(*p.Locations)
		}
	case *events.WorkspacePermissionGranted:
		next := make(map[events.Grantee]events.WorkspaceRole, len(w.Permissions)+1)
		maps.Copy(next, w.Permissions)
		next[p.Grantee] = p.Role
		w.Permissions = next
	case *events.WorkspacePermissionRevoked:
		w.Permissions = maps.Clone(w.Permissions)
		delete(w.Permissions, p.Grantee)
	default:
		return w
	}
	w.UpdatedAt = e.Time
	return w
}

// UpdateWorkspace changes a workspace.
func (s *Service) UpdateWorkspace(ctx context.Context, r Request, c UpdateWorkspace) (WorkspaceResult, error) {
	var p problems
	c.check(&p)
	return s.onWorkspace(ctx, r, c.ID, &p, func(ctx context.Context, a administered) (aggregateCommand[Workspace], error) {
		if c.Owner == nil {
			return updateWorkspace{c, a}, nil
		}
		owner, known := canonicalID(*c.Owner)
		if !known {
			return nil, errNoOwner()
		}
		own := c
		own.Owner = &owner
		return updateWorkspace{own, a}, s.ownerExists(ctx, owner)
	})
}

func (c UpdateWorkspace) check(p *problems) {
	whole := CreateWorkspace{Name: "name"} // what is not given is in order
	if c.Name != nil {
		whole.Name = *c.Name
	}
	if c.DisplayName != nil {
		whole.DisplayName = *c.DisplayName
	}
	if c.Locations != nil {
		whole.Locations = *c.Locations
	}
	p.workspace(whole)
}

// GrantPermission gives a user or a group a role in a workspace, in place of the
// one that they had.
func (s *Service) GrantPermission(ctx context.Context, r Request, workspaceID string, g events.Grantee, role events.WorkspaceRole) (WorkspaceResult, error) {
	var p problems
	g = p.grantee(g)
	if role.Strength() == 0 {
		p.add("role", "unknown", "there is no such role: "+printable(string(role)))
	}
	return s.onWorkspace(ctx, r, workspaceID, &p, func(ctx context.Context, a administered) (aggregateCommand[Workspace], error) {
		return grantPermission{g, role, a}, s.granteeExists(ctx, g)
	})
}

// RevokePermission takes the role of a user or a group in a workspace away; who has
// none stays without.
func (s *Service) RevokePermission(ctx context.Context, r Request, workspaceID string, g events.Grantee) (WorkspaceResult, error) {
	var p problems
	g = p.grantee(g)
	return s.onWorkspace(ctx, r, workspaceID, &p, func(_ context.Context, a administered) (aggregateCommand[Workspace], error) {
		return revokePermission{g, a}, nil
	})
}

// grantee checks the form of whom a permission is for.
func (p *problems) grantee(g events.Grantee) events.Grantee {
	if (g.User == "") == (g.Group == "") {
		p.add("user", "required", "exactly one of user and group must be given")
		return g
	}
	var ok bool
	if g.User != "" {
		if g.User, ok = canonicalID(g.User); !ok {
			p.add("user", "unknown", "there is no such user")
		}
		return g
	}
	if g.Group, ok = canonicalID(g.Group); !ok {
		p.add("group", "unknown", "there is no such group")
	}
	return g
}

func (s *Service) granteeExists(ctx context.Context, g events.Grantee) error {
	var p problems
	if g.User != "" {
		st, err := s.states.fresh(ctx, g.User)
		if err != nil {
			return err
		}
		if !st.user.exists() {
			p.add("user", "unknown", "there is no such user")
		}
		return asErr(p.err())
	}
	found, err := load(ctx, s, groups, g.Group)
	if err != nil {
		return err
	}
	if !found.state.exists() {
		p.add("group", "unknown", "there is no such group")
	}
	return asErr(p.err())
}

// onWorkspace does a command for who administers a workspace. Nobody else learns
// whether it exists.
func (s *Service) onWorkspace(
	ctx context.Context, r Request, id string, p *problems,
	build func(context.Context, administered) (aggregateCommand[Workspace], error),
) (WorkspaceResult, error) {
	id, ok := canonicalID(id)
	if !ok {
		if refused := allow(r.Actor, UpdateWorkspaces, ""); refused != nil {
			return WorkspaceResult{}, refused
		}
		return WorkspaceResult{}, errNoWorkspace()
	}
	out, err := perform(ctx, s, r, task[Workspace]{
		kind: workspaces, id: id,
		build: func(ctx context.Context) (aggregateCommand[Workspace], error) {
			byGroup, err := s.administersByGroup(ctx, r.Actor, id)
			if err != nil {
				return nil, err
			}
			a := administered{byGroup: byGroup}
			if err := p.err(); err != nil {
				return refuseWorkspace{a, err}, nil //nolint:nilerr // the command says it, to who may hear it
			}
			command, err := build(ctx, a)
			if refused, ok := AsError(err); ok {
				return refuseWorkspace{a, refused}, nil
			}
			return command, err
		},
	})
	return WorkspaceResult{out.state, out.position, out.changed, out.repeated}, err
}

// refuseWorkspace tells what is wrong with a command to who may give it, and that
// it is forbidden to everybody else.
type refuseWorkspace struct {
	administered
	why *Error
}

func (refuseWorkspace) claims(Workspace) []events.Claim { return nil }

func (c refuseWorkspace) decide(w Workspace, _ facts) (decision, *Error) {
	if !w.exists() {
		return decision{}, errNoWorkspace()
	}
	return decision{}, c.why
}

// administersByGroup says whether a group of the actor holds the role admin.
func (s *Service) administersByGroup(ctx context.Context, actor Actor, workspaceID string) (bool, error) {
	w, err := load(ctx, s, workspaces, workspaceID)
	if err != nil {
		return false, err
	}
	for g, role := range w.state.Permissions {
		if g.Group == "" || role != events.WorkspaceAdmin {
			continue
		}
		found, err := load(ctx, s, groups, g.Group)
		if err != nil {
			return false, err
		}
		if slices.Contains(found.state.Members, actor.UserID) {
			return true, nil
		}
	}
	return false, nil
}
