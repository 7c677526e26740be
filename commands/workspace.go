package commands

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/rosterhq/roster/events"
)

// Limits of workspaces.
const (
	maxWorkspaceName = 63
	maxLocations     = 64
)

var workspaceNameForm = regexp.MustCompile(`^[a-z0-9]+(?:-[a-z0-9]+)*$`)

// Workspace is the folded state of a workspace. The zero value is one that never
// was.
type Workspace struct {
	ID          string
	Number      int64
	Name        string
	DisplayName string
	Owner       string
	Locations   []string
	Permissions map[events.Grantee]events.WorkspaceRole
	Deleted     bool
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

func (w Workspace) exists() bool { return w.ID != "" && !w.Deleted }

var workspaces = aggregateKind[Workspace]{kind: events.Workspace, evolve: evolveWorkspace}

// The commands on workspaces: this is the list of what can happen to one.
type (
	createWorkspace struct {
		CreateWorkspace
		id     string
		number int64
	}
	deleteWorkspace struct{}
)

// evolveWorkspace folds one event into a state.
func evolveWorkspace(w Workspace, e events.Recorded) Workspace {
	switch p := e.Payload.(type) {
	case *events.WorkspaceCreated:
		return Workspace{
			ID: e.Aggregate.ID, Number: p.Number, Name: p.Name, DisplayName: p.DisplayName, Owner: p.Owner,
			Locations: list(p.Locations), CreatedAt: e.Time, UpdatedAt: e.Time,
		}
	case *events.WorkspaceDeleted:
		w.Deleted, w.UpdatedAt = true, e.Time
		return w
	default:
		return evolvePermissions(w, e)
	}
}

func (c createWorkspace) authorize(_ Workspace, actor Actor) *Error {
	return allow(actor, CreateWorkspaces, c.Owner)
}

func (deleteWorkspace) authorize(w Workspace, actor Actor) *Error {
	return allow(actor, DeleteWorkspaces, w.Owner)
}

func allow(actor Actor, action Action, ownerID string) *Error {
	if Allowed(actor, action, ownerID) {
		return nil
	}
	return forbidden(action)
}

func workspaceClaim(name string) events.Claim {
	return events.Claim{Kind: claimWorkspace, Value: fold(name)}
}

func workspacesOfClaim(userID string) events.Claim {
	return events.Claim{Kind: claimWorkspacesOf, Value: userID}
}

// ownerDeleted is what the register of a deleted user's workspaces says for ever.
const ownerDeleted = "deleted"

// owned returns how many workspaces a register counts.
func (f facts) owned(register events.Claim) int {
	n, err := strconv.Atoi(f.claims[register].Holder)
	if err != nil { // nothing was counted yet, or ownerDeleted
		return 0
	}
	return n
}

// moveOwned counts a workspace more or less.
func (f facts) moveOwned(register events.Claim, by int) events.ClaimChange {
	return f.take(register, strconv.Itoa(max(f.owned(register)+by, 0)))
}

func (c createWorkspace) claims(Workspace) []events.Claim {
	return []events.Claim{workspaceClaim(c.Name), workspacesOfClaim(c.Owner)}
}

func (deleteWorkspace) claims(w Workspace) []events.Claim {
	if !w.exists() {
		return nil
	}
	return []events.Claim{workspaceClaim(w.Name), workspacesOfClaim(w.Owner)}
}

func (c createWorkspace) decide(_ Workspace, f facts) (decision, *Error) {
	name, register := workspaceClaim(c.Name), workspacesOfClaim(c.Owner)
	switch {
	case f.claims[register].Holder == ownerDeleted:
		return decision{}, errNoOwner()
	case f.takenByOther(name, c.id):
		return decision{}, errWorkspaceTaken()
	}
	return decision{
		events: []events.Payload{&events.WorkspaceCreated{
			Number: c.number, Name: c.Name, DisplayName: c.DisplayName, Owner: c.Owner, Locations: c.Locations,
		}},
		claims: []events.ClaimChange{f.take(name, c.id), f.moveOwned(register, 1)},
	}, nil
}

func (deleteWorkspace) decide(w Workspace, f facts) (decision, *Error) {
	if !w.exists() {
		return decision{}, errNoWorkspace()
	}
	return decision{
		events: []events.Payload{&events.WorkspaceDeleted{}},
		claims: append(f.release(workspaceClaim(w.Name), w.ID), f.moveOwned(workspacesOfClaim(w.Owner), -1)),
	}, nil
}

func errNoWorkspace() *Error {
	return &Error{Code: NotFound, Reason: "workspace", Message: "there is no such workspace"}
}

func errNoOwner() *Error {
	return &Error{
		Code: Invalid, Reason: "owner", Message: "the request is not valid",
		Fields: []FieldError{{Field: "owner", Rule: "unknown", Detail: "there is no such user"}},
	}
}

// CreateWorkspace records a workspace that a user owns. Names are unique among
// those that are not deleted.
func (s *Service) CreateWorkspace(ctx context.Context, r Request, c CreateWorkspace) (WorkspaceResult, error) {
	owner, known := canonicalID(c.Owner)
	c.Owner, c.Locations = owner, slices.Clone(c.Locations)
	if refused := allow(r.Actor, CreateWorkspaces, owner); refused != nil {
		return WorkspaceResult{}, refused
	}
	var p problems
	if p.workspace(c); p.err() != nil {
		return WorkspaceResult{}, p.err()
	}
	if !known {
		return WorkspaceResult{}, errNoOwner()
	}
	number, err := s.workspaceNumbers.take(ctx)
	if err != nil {
		return WorkspaceResult{}, refusal(fmt.Errorf("take a number: %w", err))
	}
	command := createWorkspace{CreateWorkspace: c, id: s.newID(), number: number}
	out, err := perform(ctx, s, r, task[Workspace]{
		kind: workspaces, id: command.id, creates: true,
		build: func(ctx context.Context) (aggregateCommand[Workspace], error) {
			return command, s.ownerExists(ctx, owner)
		},
	})
	if unused(out.repeated, err) {
		s.workspaceNumbers.giveBack(number)
	}
	return WorkspaceResult{out.state, out.position, out.changed, out.repeated}, err
}

// ownerExists refuses an owner who is no live user. A deletion from then on is met
// at the register of what the user owns.
func (s *Service) ownerExists(ctx context.Context, id string) error {
	st, err := s.states.fresh(ctx, id)
	if err != nil {
		return err
	}
	if !st.user.exists() {
		return errNoOwner()
	}
	return nil
}

// DeleteWorkspace ends a workspace and frees its name.
func (s *Service) DeleteWorkspace(ctx context.Context, r Request, id string) (WorkspaceResult, error) {
	id, ok := canonicalID(id)
	if !ok {
		if refused := allow(r.Actor, DeleteWorkspaces, ""); refused != nil {
			return WorkspaceResult{}, refused
		}
		return WorkspaceResult{}, errNoWorkspace()
	}
	out, err := perform(ctx, s, r, task[Workspace]{kind: workspaces, id: id, build: ready[Workspace](deleteWorkspace{})})
	return WorkspaceResult{out.state, out.position, out.changed, out.repeated}, err
}

func (p *problems) workspace(c CreateWorkspace) {
	switch {
	case c.Name == "":
		p.add("name", "required", "must be given")
	case len(c.Name) > maxWorkspaceName:
		p.add("name", "too-long", "must have at most 63 characters")
	case !workspaceNameForm.MatchString(c.Name):
		p.add("name", "format", "must be lower case letters, digits and single hyphens")
	}
	p.text("displayName", c.DisplayName, maxName)
	if len(c.Locations) > maxLocations {
		p.add("locations", "too-long", "must have at most 64 entries")
		return
	}
	for _, l := range c.Locations {
		if !p.token("locations", l, maxName) {
			return
		}
	}
}
