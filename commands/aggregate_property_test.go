package commands

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rosterhq/roster/events"
)

// things is a log without a server for the aggregates of one kind.
type things[S any] struct {
	kind     aggregateKind[S]
	now      time.Time
	sequence uint64
	claims   map[events.Claim]events.ClaimState
	history  map[string][]events.Recorded
	state    map[string]S
}

func newThings[S any](kind aggregateKind[S]) *things[S] {
	return &things[S]{
		kind: kind, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		claims: map[events.Claim]events.ClaimState{}, history: map[string][]events.Recorded{}, state: map[string]S{},
	}
}

// do decides a command and stores what comes of it, as the log would.
func (w *things[S]) do(t require.TestingT, actor Actor, id string, c aggregateCommand[S]) *Error {
	st := w.state[id]
	before := fmt.Sprintf("%+v", st)
	if refused := c.authorize(st, actor); refused != nil {
		return refused
	}
	f := facts{now: w.now, actor: actor, claims: map[events.Claim]events.ClaimState{}}
	for _, claim := range c.claims(st) {
		f.claims[claim] = w.claims[claim]
	}
	d, refused := c.decide(st, f)
	require.Equal(t, before, fmt.Sprintf("%+v", st), "a decision changed its input")
	if refused != nil {
		require.Empty(t, d.events)
		return refused
	}
	if len(d.events) == 0 {
		require.Empty(t, d.claims, "claims without an event")
	}
	for _, p := range d.events {
		w.fold(t, id, p)
	}
	for _, change := range d.claims {
		require.Equal(t, w.claims[change.Claim].Sequence, change.Expected)
		w.sequence++
		w.claims[change.Claim] = events.ClaimState{Holder: change.Holder, Sequence: w.sequence}
	}
	return nil
}

func (w *things[S]) fold(t require.TestingT, id string, p events.Payload) {
	w.sequence++
	e := events.Recorded{
		Meta: events.Meta{
			ID: fmt.Sprint("e", w.sequence), Type: p.EventType(), Time: w.now,
			Aggregate: events.Aggregate{Kind: w.kind.kind, ID: id},
		},
		Stream: events.Roster, Sequence: w.sequence, Payload: p,
	}
	before := fmt.Sprintf("%+v", w.state[id])
	next := w.kind.evolve(w.state[id], e)
	require.Equal(t, before, fmt.Sprintf("%+v", w.state[id]), "folding an event changed the older state")
	require.Equal(t, next, w.kind.evolve(w.state[id], throughTheLog(t, e)), "an event from the log folds otherwise")
	w.state[id] = next
	w.history[id] = append(w.history[id], e)
}

// replayed checks that each state is what its history folds to.
func (w *things[S]) replayed(t require.TestingT) {
	for id, st := range w.state {
		var replay S
		for _, e := range w.history[id] {
			replay = w.kind.evolve(replay, e)
		}
		require.Equal(t, st, replay)
	}
}

var someTeams = []string{"red", "Red", "blue", "BLUE", "green"}

func anyOrganizationCommand(t *rapid.T, id string, exists bool) aggregateCommand[Organization] {
	if !exists {
		return createOrganization{
			id: id, number: 1, isDefault: rapid.Bool().Draw(t, "default"),
			CreateOrganization: CreateOrganization{Name: pick(t, someTeams), DisplayName: pick(t, someNames)},
		}
	}
	if rapid.IntRange(0, 3).Draw(t, "deletes") == 0 {
		return deleteOrganization{}
	}
	return updateOrganization{UpdateOrganization{
		ID: id, Name: pointer(t, someTeams), DisplayName: pointer(t, someNames),
		Description: pointer(t, []string{"", "d"}), Icon: pointer(t, []string{"", "/i.png"}),
	}}
}

func anyActor(t *rapid.T, organizations []string) Actor {
	a := Actor{UserID: pick(t, someIDs), Roles: pick(t, someRoles), Scopes: []string{ScopeAll}}
	if rapid.Bool().Draw(t, "member") {
		a.Memberships = []events.Membership{{Organization: pick(t, organizations), Roles: pick(t, [][]string{nil, {events.OrganizationAdmin}})}}
	}
	return a
}

func TestAnyHistoryOfOrganizations(t *testing.T) {
	t.Parallel()
	ids := []string{"o1", "o2", "o3"}
	rapid.Check(t, func(t *rapid.T) {
		w := newThings(organizations)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			w.now = w.now.Add(time.Minute)
			id := pick(t, ids)
			known, deleted := w.state[id].ID != "", w.state[id].Deleted
			n := len(w.history[id])
			actor := anyActor(t, ids)
			refused := w.do(t, actor, id, anyOrganizationCommand(t, id, known))
			if deleted {
				require.NotNil(t, refused, "nothing happens to what was deleted")
			}
			if refused == nil && len(w.history[id]) > n && !actor.has(events.RoleOwner) {
				require.True(t, known, "an owner makes organizations")
				require.True(t, AllowedIn(actor, UpdateOrganizations, id))
			}
			w.replayed(t)
			checkOrganizationNames(t, w)
		}
	})
}

func checkOrganizationNames(t *rapid.T, w *things[Organization]) {
	held := map[events.Claim]string{}
	defaults := 0
	for id, o := range w.state {
		if !o.exists() {
			continue
		}
		require.Empty(t, held[organizationClaim(o.Name)], "two have the same name")
		held[organizationClaim(o.Name)] = id
		if o.Default {
			defaults++
		}
	}
	require.LessOrEqual(t, defaults, 1)
	for c, s := range w.claims {
		if c.Kind == claimOrganization {
			require.Equal(t, held[c], s.Holder)
			delete(held, c)
		}
	}
	require.Empty(t, held, "names without a claim")
}

func TestAnyHistoryOfWorkspaces(t *testing.T) {
	t.Parallel()
	ids := []string{"w1", "w2", "w3", "w4"}
	rapid.Check(t, func(t *rapid.T) {
		w := newThings(workspaces)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			id := pick(t, ids)
			actor := anyActor(t, []string{"o1"})
			var c aggregateCommand[Workspace] = deleteWorkspace{}
			if w.state[id].ID == "" {
				c = createWorkspace{id: id, number: 1, CreateWorkspace: CreateWorkspace{
					Name: pick(t, []string{"one", "two"}), Owner: pick(t, someIDs), Locations: pick(t, [][]string{nil, {"here"}}),
				}}
			}
			_ = w.do(t, actor, id, c)
			w.replayed(t)
			owned := map[string]int{}
			names := map[string]bool{}
			for _, ws := range w.state {
				if ws.exists() {
					owned[ws.Owner]++
					require.False(t, names[ws.Name], "two have the same name")
					names[ws.Name] = true
				}
			}
			for c, s := range w.claims {
				if c.Kind == claimWorkspacesOf {
					require.Equal(t, strconv.Itoa(owned[c.Value]), s.Holder)
					delete(owned, c.Value)
				}
			}
			require.Empty(t, owned, "workspaces that no register counts")
		}
	})
}

func TestDecisionsOnOrganizations(t *testing.T) {
	t.Parallel()
	town := func(t *testing.T) *things[Organization] {
		t.Helper()
		w := newThings(organizations)
		require.Nil(t, w.do(t, system, "home", createOrganization{id: "home", number: 1, isDefault: true, CreateOrganization: CreateOrganization{Name: "Coder"}}))
		require.Nil(t, w.do(t, owner, "team", createOrganization{id: "team", number: 2, CreateOrganization: CreateOrganization{Name: "team", DisplayName: "T"}}))
		return w
	}
	boss := ann
	boss.Memberships = []events.Membership{{Organization: "team", Roles: []string{events.OrganizationAdmin}}}
	tests := []struct {
		name    string
		actor   Actor
		id      string
		command aggregateCommand[Organization]
		events  []events.Type
		code    Code
		reason  string
	}{
		{name: "create", actor: owner, id: "new", command: createOrganization{id: "new", CreateOrganization: CreateOrganization{Name: "new"}}, events: []events.Type{"roster.organization.created.v2"}},
		{name: "create by a user-admin", actor: admin, id: "new", command: createOrganization{id: "new", CreateOrganization: CreateOrganization{Name: "new"}}, code: Forbidden, reason: "create-organizations"},
		{name: "create with a taken name", actor: owner, id: "new", command: createOrganization{id: "new", CreateOrganization: CreateOrganization{Name: "TEAM"}}, code: Conflict, reason: "taken"},
		{name: "a second default", actor: owner, id: "new", command: createOrganization{id: "new", isDefault: true, CreateOrganization: CreateOrganization{Name: "new"}}, code: Conflict, reason: "taken"},
		{name: "change by its admin", actor: boss, id: "team", command: updateOrganization{UpdateOrganization{ID: "team", Icon: text("x")}}, events: []events.Type{"roster.organization.updated.v1"}},
		{name: "change by another's admin", actor: boss, id: "home", command: updateOrganization{UpdateOrganization{ID: "home", Icon: text("x")}}, code: Forbidden, reason: "update-organizations"},
		{name: "change nothing", actor: owner, id: "team", command: updateOrganization{UpdateOrganization{ID: "team", Name: text("team"), DisplayName: text("T")}}},
		{name: "change of case alone", actor: owner, id: "team", command: updateOrganization{UpdateOrganization{ID: "team", Name: text("Team")}}, events: []events.Type{"roster.organization.updated.v1"}},
		{name: "a taken name", actor: owner, id: "team", command: updateOrganization{UpdateOrganization{ID: "team", Name: text("coder")}}, code: Conflict, reason: "taken"},
		{name: "rename the default", actor: owner, id: "home", command: updateOrganization{UpdateOrganization{ID: "home", Name: text("house")}}, events: []events.Type{"roster.organization.updated.v1"}},
		{name: "delete the default", actor: owner, id: "home", command: deleteOrganization{}, code: Precondition, reason: "default-organization"},
		{name: "delete", actor: boss, id: "team", command: deleteOrganization{}, events: []events.Type{"roster.organization.deleted.v1"}},
		{name: "delete by a member", actor: ann, id: "team", command: deleteOrganization{}, code: Forbidden, reason: "delete-organizations"},
		{name: "delete an unknown one", actor: owner, id: "none", command: deleteOrganization{}, code: NotFound, reason: "organization"},
		{name: "change an unknown one", actor: owner, id: "none", command: updateOrganization{UpdateOrganization{ID: "none"}}, code: NotFound, reason: "organization"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := town(t)
			n := len(w.history[test.id])
			refused := w.do(t, test.actor, test.id, test.command)
			if test.code != "" {
				require.NotNil(t, refused)
				require.Equal(t, test.code, refused.Code)
				require.Equal(t, test.reason, refused.Reason)
				return
			}
			require.Nil(t, refused)
			var got []events.Type
			for _, e := range w.history[test.id][n:] {
				got = append(got, e.Type)
			}
			require.Equal(t, test.events, got)
		})
	}
}

func TestARenamedOrganizationFreesItsName(t *testing.T) {
	t.Parallel()
	w := newThings(organizations)
	require.Nil(t, w.do(t, owner, "a", createOrganization{id: "a", CreateOrganization: CreateOrganization{Name: "one"}}))
	require.Nil(t, w.do(t, owner, "a", updateOrganization{UpdateOrganization{ID: "a", Name: text("two")}}))
	require.Nil(t, w.do(t, owner, "b", createOrganization{id: "b", CreateOrganization: CreateOrganization{Name: "one"}}))
	require.Nil(t, w.do(t, owner, "a", deleteOrganization{}))
	require.Nil(t, w.do(t, owner, "c", createOrganization{id: "c", CreateOrganization: CreateOrganization{Name: "TWO"}}))
	require.Equal(t, "c", w.claims[organizationClaim("two")].Holder)
}

func TestOldestFormOfTheDefaultOrganization(t *testing.T) {
	t.Parallel()
	old := &events.OrganizationCreatedV1{Name: "coder", DisplayName: "Coder", Default: true}
	m := events.Meta{ID: "e", Type: old.EventType(), Aggregate: events.Aggregate{Kind: events.Organization, ID: "o"}}
	h, data, err := events.Encode(&m, old, nil)
	require.NoError(t, err)
	require.NotEmpty(t, h)
	p, err := events.Released().Decode(&m, data, nil)
	require.NoError(t, err)
	o := evolveOrganization(Organization{}, events.Recorded{Meta: m, Payload: p})
	require.Equal(t, Organization{ID: "o", Number: 1, Name: "coder", DisplayName: "Coder", Default: true}, o)
}

func TestDecisionsOnWorkspaces(t *testing.T) {
	t.Parallel()
	make := func(id, name, owner string) createWorkspace {
		return createWorkspace{id: id, number: 1, CreateWorkspace: CreateWorkspace{Name: name, Owner: owner}}
	}
	w := newThings(workspaces)
	require.Nil(t, w.do(t, ann, "w1", make("w1", "one", "ann")))
	require.Equal(t, "1", w.claims[workspacesOfClaim("ann")].Holder)
	require.Equal(t, "create-workspaces", w.do(t, ann, "w2", make("w2", "two", "bob")).Reason)
	require.Equal(t, "create-workspaces", w.do(t, admin, "w2", make("w2", "two", "bob")).Reason)
	require.Equal(t, "taken", w.do(t, owner, "w2", make("w2", "one", "bob")).Reason)
	require.Nil(t, w.do(t, owner, "w2", make("w2", "two", "ann")))
	require.Equal(t, "2", w.claims[workspacesOfClaim("ann")].Holder)
	bob := Actor{UserID: "bob", Scopes: []string{ScopeAll}}
	require.Equal(t, "delete-workspaces", w.do(t, bob, "w2", deleteWorkspace{}).Reason)
	require.Equal(t, "delete-workspaces", w.do(t, bob, "none", deleteWorkspace{}).Reason, "who may not learns nothing")
	require.Equal(t, "workspace", w.do(t, owner, "none", deleteWorkspace{}).Reason)
	require.Nil(t, w.do(t, ann, "w2", deleteWorkspace{}))
	require.Equal(t, "workspace", w.do(t, owner, "w2", deleteWorkspace{}).Reason)
	require.Equal(t, "1", w.claims[workspacesOfClaim("ann")].Holder)
	require.Nil(t, w.do(t, ann, "w3", make("w3", "two", "ann")), "its name is free")
	w.claims[workspacesOfClaim("bob")] = events.ClaimState{Holder: ownerDeleted, Sequence: 99}
	require.Equal(t, "owner", w.do(t, owner, "w4", make("w4", "four", "bob")).Reason)
	require.Len(t, slices.Collect(func(yield func(string) bool) {
		for id, ws := range w.state {
			if ws.exists() && !yield(id) {
				return
			}
		}
	}), 2)
}
