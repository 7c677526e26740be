package commands_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

func chief(tb testing.TB, s *commands.Service) commands.User {
	tb.Helper()
	return register(tb, s, "chief", func(c *commands.Register) { c.Roles = []events.Role{events.RoleOwner} })
}

func TestOrganizations(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx := context.Background()
		a, b := service(t, log), service(t, log)
		boss := chief(t, a)
		made, err := a.CreateOrganization(ctx, as(boss, ""), commands.CreateOrganization{Name: "Team-One", DisplayName: "Team One", Description: "d", Icon: "/i.png"})
		require.NoError(t, err)
		o := made.Organization
		require.EqualValues(t, 2, o.Number, "1 is that of the default one")
		require.True(t, made.Changed)

		found, err := b.FindOrganization(ctx, "team-ONE")
		require.NoError(t, err)
		require.Equal(t, o, found)
		_, err = b.CreateOrganization(ctx, as(boss, ""), commands.CreateOrganization{Name: "team-one"})
		require.Equal(t, "name", refused(t, err, commands.Conflict, "taken").Fields[0].Field)

		changed, err := b.UpdateOrganization(ctx, as(boss, ""), commands.UpdateOrganization{ID: o.ID, Name: text("second"), Icon: text("")})
		require.NoError(t, err)
		require.Equal(t, "Team One", changed.Organization.DisplayName)
		require.Empty(t, changed.Organization.Icon)
		require.Greater(t, changed.Position.Sequence, made.Position.Sequence)
		same, err := a.UpdateOrganization(ctx, as(boss, ""), commands.UpdateOrganization{ID: strings.ToUpper(o.ID), Name: text("second")})
		require.NoError(t, err)
		require.False(t, same.Changed)
		require.Equal(t, changed.Position, same.Position)
		_, err = a.FindOrganization(ctx, "team-one")
		refused(t, err, commands.NotFound, "organization")

		_, err = a.DeleteOrganization(ctx, as(boss, ""), a.DefaultOrganization())
		refused(t, err, commands.Precondition, "default-organization")
		gone, err := a.DeleteOrganization(ctx, as(boss, ""), o.ID)
		require.NoError(t, err)
		require.True(t, gone.Organization.Deleted)
		for _, err := range []error{
			errOf(b.Organization(ctx, o.ID)), errOf(b.FindOrganization(ctx, "second")),
			errOf(b.DeleteOrganization(ctx, as(boss, ""), o.ID)), errOf(b.Organization(ctx, "nonsense")),
			errOf(b.UpdateOrganization(ctx, as(boss, ""), commands.UpdateOrganization{ID: "nonsense"})),
			errOf(b.FindOrganization(ctx, strings.Repeat("x", 5000))),
			errOf(b.AddMember(ctx, as(boss, ""), o.ID, boss.ID)),
		} {
			refused(t, err, commands.NotFound, "organization")
		}
		again, err := b.CreateOrganization(ctx, as(boss, ""), commands.CreateOrganization{Name: "second"})
		require.NoError(t, err)
		require.NotEqual(t, o.ID, again.Organization.ID)
		require.NotEqual(t, o.Number, again.Organization.Number)
	})
}

func errOf[T any](_ T, err error) error { return err }

func TestFormOfOrganizations(t *testing.T) {
	t.Parallel()
	s, _ := onMemory(t)
	ctx := context.Background()
	boss := chief(t, s)
	for name, rule := range map[string]string{
		"": "required", "a_b": "format", "new": "format", "default": "reserved", strings.Repeat("x", 33): "too-long", "a\x00": "format", "\xff": "format",
	} {
		_, err := s.CreateOrganization(ctx, as(boss, ""), commands.CreateOrganization{Name: name})
		require.Equal(t, rule, refused(t, err, commands.Invalid, "").Fields[0].Rule, name)
	}
	_, err := s.CreateOrganization(ctx, as(boss, ""), commands.CreateOrganization{
		Name: "x", DisplayName: " outer", Description: "\x00", Icon: strings.Repeat("i", 3000),
	})
	require.Len(t, refused(t, err, commands.Invalid, "").Fields, 3)
	_, err = s.CreateOrganization(ctx, as(boss, ""), commands.CreateOrganization{Name: "x", DisplayName: strings.Repeat("ä", 33)})
	refused(t, err, commands.Invalid, "")
	_, err = s.CreateOrganization(ctx, as(register(t, s, "ann", nil), ""), commands.CreateOrganization{Name: ""})
	refused(t, err, commands.Forbidden, "create-organizations")
	_, err = s.CreateOrganization(ctx, anyone, commands.CreateOrganization{Name: "x"})
	refused(t, err, commands.Forbidden, "create-organizations")
}

func TestConcurrentCreationsOfOneOrganization(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx := context.Background()
		services := []*commands.Service{service(t, log), service(t, log)}
		boss := chief(t, services[0])
		var mu sync.Mutex
		var won []commands.Organization
		each(50, func(i int) {
			name := []string{"team", "TEAM"}[i%2]
			res, err := services[i%2].CreateOrganization(ctx, as(boss, ""), commands.CreateOrganization{Name: name})
			if err != nil {
				refused(t, err, commands.Conflict, "taken")
				return
			}
			mu.Lock()
			defer mu.Unlock()
			won = append(won, res.Organization)
		})
		require.Len(t, won, 1)
		found, err := services[1].FindOrganization(ctx, "team")
		require.NoError(t, err)
		require.Equal(t, won[0], found)
	})
}

func TestConcurrentCreationsOfOneToken(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx := context.Background()
		services := []*commands.Service{service(t, log), service(t, log)}
		u := register(t, services[0], "ann", nil)
		var mu sync.Mutex
		won := 0
		each(50, func(i int) {
			_, err := services[i%2].CreateKey(ctx, as(u, ""), commands.CreateKey{UserID: u.ID, Name: "ci"})
			if err != nil {
				refused(t, err, commands.Conflict, "key-name")
				return
			}
			mu.Lock()
			defer mu.Unlock()
			won++
		})
		require.Equal(t, 1, won)
	})
}

func TestMembers(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx := context.Background()
		s := service(t, log)
		boss, ann := chief(t, s), register(t, s, "ann", nil)
		made, err := s.CreateOrganization(ctx, as(boss, ""), commands.CreateOrganization{Name: "team"})
		require.NoError(t, err)
		team := made.Organization.ID

		_, err = s.AddMember(ctx, as(ann, ""), team, ann.ID)
		refused(t, err, commands.Forbidden, "change-members")
		res, err := s.AddMember(ctx, as(boss, ""), team, ann.ID)
		require.NoError(t, err)
		require.Equal(t, []events.Membership{{Organization: s.DefaultOrganization()}, {Organization: team}}, res.User.Memberships)
		_, err = s.AddMember(ctx, as(boss, ""), strings.ToUpper(team), ann.ID)
		refused(t, err, commands.Conflict, "member")

		res, err = s.AssignOrganizationRoles(ctx, as(boss, ""), commands.AssignOrganizationRoles{
			UserID: ann.ID, Organization: team, Roles: []string{events.OrganizationMember, events.OrganizationAdmin, events.OrganizationAdmin},
		})
		require.NoError(t, err)
		require.Equal(t, []string{events.OrganizationAdmin}, res.User.Memberships[1].Roles)
		admin := as(ann, "")
		admin.Actor.Memberships = res.User.Memberships
		assign := func(r commands.Request, user, org string, roles ...string) error {
			_, err := s.AssignOrganizationRoles(ctx, r, commands.AssignOrganizationRoles{UserID: user, Organization: org, Roles: roles})
			return err
		}
		refused(t, assign(admin, ann.ID, team), commands.Precondition, "own-roles")
		refused(t, assign(admin, boss.ID, s.DefaultOrganization()), commands.Forbidden, "assign-organization-roles")
		refused(t, assign(admin, boss.ID, team), commands.NotFound, "member")
		refused(t, assign(as(boss, ""), ann.ID, team, "king"), commands.Invalid, "")
		_, err = s.AddMember(ctx, admin, team, boss.ID)
		require.NoError(t, err)
		require.NoError(t, assign(admin, boss.ID, team, events.OrganizationAuditor))
		userAdmin := as(register(t, s, "adm", func(c *commands.Register) { c.Roles = []events.Role{events.RoleUserAdmin} }), "")
		refused(t, assign(userAdmin, boss.ID, team), commands.Forbidden, "role")
		require.NoError(t, assign(userAdmin, boss.ID, team, events.OrganizationAuditor, events.OrganizationWorkspaceAccess))

		_, err = s.RemoveMember(ctx, admin, team, boss.ID)
		require.NoError(t, err)
		_, err = s.RemoveMember(ctx, admin, team, boss.ID)
		refused(t, err, commands.NotFound, "member")
		_, err = s.AddMember(ctx, as(boss, ""), team, "0190c3a8-0000-7000-8000-00000000000a")
		refused(t, err, commands.NotFound, "user")
		_, err = s.AddMember(ctx, as(boss, ""), "nowhere", ann.ID)
		refused(t, err, commands.NotFound, "organization")

		// Whom another process has deleted meanwhile takes nobody in.
		_, err = service(t, log).DeleteOrganization(ctx, as(boss, ""), team)
		require.NoError(t, err)
		_, err = s.Register(ctx, system, commands.Register{Username: "late", Organizations: []string{team}})
		refused(t, err, commands.Invalid, "organization")
		_, err = s.RemoveMember(ctx, as(boss, ""), team, ann.ID)
		refused(t, err, commands.NotFound, "organization")
	})
}

func TestRepeatsOfCreations(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx := context.Background()
		now := time.Date(2026, 5, 3, 12, 0, 0, 0, time.UTC)
		clock := func() time.Time { return now }
		services := []*commands.Service{serviceAt(t, log, clock), serviceAt(t, log, clock)}
		boss := chief(t, services[0])
		team := commands.CreateOrganization{Name: "team"}
		var mu sync.Mutex
		var answers []commands.OrganizationResult
		each(16, func(i int) {
			res, err := services[i%2].CreateOrganization(ctx, as(boss, "k"), team)
			require.NoError(t, err)
			mu.Lock()
			defer mu.Unlock()
			answers = append(answers, res)
		})
		made := 0
		for _, a := range answers {
			require.Equal(t, answers[0].Organization, a.Organization)
			require.Equal(t, answers[0].Position, a.Position)
			if !a.Repeated {
				made++
			}
		}
		require.Equal(t, 1, made)

		other := as(boss, "k")
		other.RequestHash = "another"
		_, err := services[0].CreateOrganization(ctx, other, team)
		refused(t, err, commands.KeyReused, "")
		_, err = services[0].CreateWorkspace(ctx, as(boss, "k"), commands.CreateWorkspace{Name: "w", Owner: boss.ID})
		refused(t, err, commands.KeyReused, "")
		_, err = services[0].Register(ctx, as(boss, "k"), commands.Register{Username: "ann"})
		refused(t, err, commands.KeyReused, "")
		_, err = services[0].Register(ctx, as(boss, "r"), commands.Register{Username: "ann"})
		require.NoError(t, err)
		_, err = services[1].CreateOrganization(ctx, as(boss, "r"), commands.CreateOrganization{Name: "other"})
		refused(t, err, commands.KeyReused, "")

		update := commands.UpdateOrganization{ID: answers[0].Organization.ID, Icon: text("/x")}
		first, err := services[0].UpdateOrganization(ctx, as(boss, "u"), update)
		require.NoError(t, err)
		_, err = services[0].UpdateOrganization(ctx, as(boss, ""), commands.UpdateOrganization{ID: update.ID, Icon: text("/y")})
		require.NoError(t, err)
		again, err := services[1].UpdateOrganization(ctx, as(boss, "u"), update)
		require.NoError(t, err)
		require.True(t, again.Repeated)
		require.Equal(t, first.Position, again.Position)

		now = now.Add(25 * time.Hour) // the keys are free again
		_, err = services[0].CreateOrganization(ctx, as(boss, "k"), team)
		refused(t, err, commands.Conflict, "taken")
		_, err = services[0].CreateWorkspace(ctx, as(boss, "k"), commands.CreateWorkspace{Name: "w", Owner: boss.ID})
		require.NoError(t, err)
	})
}

func TestWorkspacesHoldTheirOwner(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx := context.Background()
		services := []*commands.Service{service(t, log), service(t, log)}
		s := services[0]
		u := register(t, s, "ann", nil)
		made, err := s.CreateWorkspace(ctx, as(u, ""), commands.CreateWorkspace{Name: "one", DisplayName: "One", Owner: strings.ToUpper(u.ID), Locations: []string{"here"}})
		require.NoError(t, err)
		require.Equal(t, u.ID, made.Workspace.Owner)
		require.EqualValues(t, 1, made.Workspace.Number)
		_, err = s.CreateWorkspace(ctx, as(u, ""), commands.CreateWorkspace{Name: "one", Owner: u.ID})
		refused(t, err, commands.Conflict, "taken")
		_, err = s.Delete(ctx, system, u.ID)
		refused(t, err, commands.Precondition, "workspaces")
		_, err = s.DeleteWorkspace(ctx, as(u, ""), made.Workspace.ID)
		require.NoError(t, err)
		_, err = s.DeleteWorkspace(ctx, as(u, ""), made.Workspace.ID)
		refused(t, err, commands.NotFound, "workspace")
		_, err = s.DeleteWorkspace(ctx, as(u, ""), "nonsense")
		refused(t, err, commands.Forbidden, "delete-workspaces")
		_, err = s.Delete(ctx, system, u.ID)
		require.NoError(t, err)
		_, err = s.CreateWorkspace(ctx, system, commands.CreateWorkspace{Name: "two", Owner: u.ID})
		refused(t, err, commands.Invalid, "owner")
		_, err = s.CreateWorkspace(ctx, system, commands.CreateWorkspace{Name: "two", Owner: "nobody"})
		refused(t, err, commands.Invalid, "owner")
		_, err = s.CreateWorkspace(ctx, system, commands.CreateWorkspace{Name: "Two", Owner: u.ID, DisplayName: "\x00", Locations: []string{""}})
		require.Len(t, refused(t, err, commands.Invalid, "").Fields, 3)
	})
}

// While workspaces are made for users, the users are deleted: whoever is deleted
// owns none, and whoever owns some is not deleted.
func TestDeletionOfOwnersRacesWithCreations(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx := context.Background()
		services := []*commands.Service{service(t, log), service(t, log)}
		for round := range 8 {
			u := register(t, services[0], fmt.Sprint("u", round), nil)
			var mu sync.Mutex
			made, deleted := 0, false
			each(6, func(i int) {
				if i == 3 {
					_, err := services[1].Delete(ctx, system, u.ID)
					if err != nil {
						refused(t, err, commands.Precondition, "workspaces")
						return
					}
					mu.Lock()
					defer mu.Unlock()
					deleted = true
					return
				}
				_, err := services[i%2].CreateWorkspace(ctx, system, commands.CreateWorkspace{Name: fmt.Sprintf("w-%d-%d", round, i), Owner: u.ID})
				if err != nil {
					refused(t, err, commands.Invalid, "owner")
					return
				}
				mu.Lock()
				defer mu.Unlock()
				made++
			})
			require.NotEqual(t, made > 0, deleted, "round %d: %d made", round, made)
		}
	})
}

func TestDormancy(t *testing.T) {
	t.Parallel()
	s, log := onMemory(t)
	ctx := context.Background()
	u := register(t, s, "ann", nil)
	seen := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	_, err := s.PutToSleep(ctx, as(chief(t, s), ""), u.ID, seen)
	refused(t, err, commands.Forbidden, "let-sleep")
	for i := range 2 {
		res, err := s.PutToSleep(ctx, system, u.ID, seen)
		require.NoError(t, err)
		require.Equal(t, events.StatusDormant, res.User.Status)
		require.Equal(t, i == 0, res.Changed)
	}
	_, err = s.Wake(ctx, as(register(t, s, "bob", nil), ""), u.ID)
	refused(t, err, commands.Forbidden, "wake-up")
	limited := as(u, "")
	limited.Actor.Scopes, limited.Actor.AllowList = []string{"template:read"}, []events.Resource{{Type: "template", ID: "*"}}
	for i := range 2 {
		res, err := s.Wake(ctx, limited, u.ID)
		require.NoError(t, err)
		require.Equal(t, events.StatusActive, res.User.Status)
		require.Equal(t, i == 0, res.Changed)
	}
	_, err = s.Suspend(ctx, system, u.ID)
	require.NoError(t, err)
	for _, do := range []func() (commands.Result, error){
		func() (commands.Result, error) { return s.Wake(ctx, as(u, ""), u.ID) },
		func() (commands.Result, error) { return s.PutToSleep(ctx, system, u.ID, seen) },
	} {
		res, err := do()
		require.NoError(t, err)
		require.False(t, res.Changed)
		require.Equal(t, events.StatusSuspended, res.User.Status)
	}
	recorded, err := log.Read(ctx, events.Aggregate{Kind: events.User, ID: u.ID}, 1)
	require.NoError(t, err)
	require.Equal(t, seen, recorded[1].Payload.(*events.UserBecameDormant).LastSeenAt)
}
