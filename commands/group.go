package commands

import (
	"slices"
	"time"

	"github.com/rosterhq/roster/events"
)

// maxGroupMembers bounds a group: its state is folded from the log at each change.
const maxGroupMembers = 5000

// Group is the folded state of a group of users. The zero value is one that never
// was.
type Group struct {
	ID        string
	Number    int64
	Name      string
	Members   []string // ids, in the order in which they came
	Deleted   bool
	CreatedAt time.Time
	UpdatedAt time.Time
}

func (g Group) exists() bool { return g.ID != "" && !g.Deleted }

var groups = aggregateKind[Group]{kind: events.Group, evolve: evolveGroup}

// The commands on groups: this is the list of what can happen to one.
type (
	createGroup struct {
		id     string
		number int64
		name   string
	}
	renameGroup     struct{ name string }
	addToGroup      struct{ user string }
	removeFromGroup struct{ user string }
	deleteGroup     struct{}
)

// evolveGroup folds one event into a state.
func evolveGroup(g Group, e events.Recorded) Group {
	switch p := e.Payload.(type) {
	case *events.GroupCreated:
		return Group{ID: e.Aggregate.ID, Number: p.Number, Name: p.Name, CreatedAt: e.Time, UpdatedAt: e.Time}
	case *events.GroupRenamed:
		g.Name = p.Name
	case *events.GroupMemberAdded:
		g.Members = append(slices.Clip(g.Members), p.User)
	case *events.GroupMemberRemoved:
		g.Members = slices.DeleteFunc(slices.Clone(g.Members), func(id string) bool { return id == p.User })
	case *events.GroupDeleted:
		g.Deleted, g.Members = true, nil
	default:
		return g
	}
	g.UpdatedAt = e.Time
	return g
}

func allowGroups(actor Actor) *Error { return allow(actor, ChangeGroups, "") }

func (createGroup) authorize(_ Group, actor Actor) *Error     { return allowGroups(actor) }
func (renameGroup) authorize(_ Group, actor Actor) *Error     { return allowGroups(actor) }
func (addToGroup) authorize(_ Group, actor Actor) *Error      { return allowGroups(actor) }
func (removeFromGroup) authorize(_ Group, actor Actor) *Error { return allowGroups(actor) }
func (deleteGroup) authorize(_ Group, actor Actor) *Error     { return allowGroups(actor) }

func groupClaim(name string) events.Claim { return events.Claim{Kind: claimGroup, Value: fold(name)} }

func (c createGroup) claims(Group) []events.Claim   { return []events.Claim{groupClaim(c.name)} }
func (addToGroup) claims(Group) []events.Claim      { return nil }
func (removeFromGroup) claims(Group) []events.Claim { return nil }
func (deleteGroup) claims(g Group) []events.Claim   { return []events.Claim{groupClaim(g.Name)} }

func (c renameGroup) claims(g Group) []events.Claim {
	if fold(c.name) == fold(g.Name) {
		return nil
	}
	return []events.Claim{groupClaim(g.Name), groupClaim(c.name)}
}

func (c createGroup) decide(_ Group, f facts) (decision, *Error) {
	if f.takenByOther(groupClaim(c.name), c.id) {
		return decision{}, errGroupTaken()
	}
	return decision{
		events: []events.Payload{&events.GroupCreated{Number: c.number, Name: c.name}},
		claims: []events.ClaimChange{f.take(groupClaim(c.name), c.id)},
	}, nil
}

func (c renameGroup) decide(g Group, f facts) (decision, *Error) {
	switch {
	case !g.exists():
		return decision{}, errNoGroup()
	case c.name == g.Name:
		return decision{}, nil
	case f.takenByOther(groupClaim(c.name), g.ID):
		return decision{}, errGroupTaken()
	}
	return decision{
		events: []events.Payload{&events.GroupRenamed{Name: c.name}},
		claims: f.moveName(groupClaim(g.Name), groupClaim(c.name), g.ID),
	}, nil
}

func (c addToGroup) decide(g Group, _ facts) (decision, *Error) {
	switch {
	case !g.exists():
		return decision{}, errNoGroup()
	case slices.Contains(g.Members, c.user):
		return decision{}, nil
	case len(g.Members) >= maxGroupMembers:
		return decision{}, &Error{Code: Precondition, Reason: "too-many-members", Message: "this group has too many members"}
	}
	return decided(&events.GroupMemberAdded{User: c.user})
}

func (c removeFromGroup) decide(g Group, _ facts) (decision, *Error) {
	switch {
	case !g.exists():
		return decision{}, errNoGroup()
	case !slices.Contains(g.Members, c.user):
		return decision{}, nil
	}
	return decided(&events.GroupMemberRemoved{User: c.user})
}

func (deleteGroup) decide(g Group, f facts) (decision, *Error) {
	if !g.exists() {
		return decision{}, errNoGroup()
	}
	return decision{events: []events.Payload{&events.GroupDeleted{}}, claims: f.release(groupClaim(g.Name), g.ID)}, nil
}

func errNoGroup() *Error {
	return &Error{Code: NotFound, Reason: "group", Message: "there is no such group"}
}

func errGroupTaken() *Error {
	return &Error{
		Code: Conflict, Reason: "taken", Message: "a group with this name exists",
		Fields: []FieldError{{Field: "name", Rule: "taken", Detail: "this name is already in use"}},
	}
}
