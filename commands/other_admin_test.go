package commands_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

// adminHere makes somebody an admin of an organization.
func adminHere(tb testing.TB, s *commands.Service, organization, name string) commands.User {
	tb.Helper()
	res, err := s.AddMemberWith(context.Background(), system, organization, register(tb, s, name, nil).ID, events.OrganizationAdmin)
	require.NoError(tb, err)
	return res.User
}

func isAdmin(tb testing.TB, s *commands.Service, organization, id string) bool {
	tb.Helper()
	u, err := s.Find(context.Background(), commands.UserRef{ID: id})
	require.NoError(tb, err)
	for _, m := range u.Memberships {
		if m.Organization == organization {
			return len(m.Roles) > 0 && m.Roles[0] == events.OrganizationAdmin
		}
	}
	return false
}

// meeting is a log whose next append waits for one through another log: both commands
// have looked by then, and neither has written.
type meeting struct {
	commands.Log
	both atomic.Pointer[sync.WaitGroup]
}

// Append implements commands.Log.
func (m *meeting) Append(ctx context.Context, c events.Commit) (first uint64, err error) {
	if both := m.both.Swap(nil); both != nil {
		both.Done()
		both.Wait()
	}
	return m.Log.Append(ctx, c)
}

// stayAway says that a command ended without an append: nobody waits for it.
func (m *meeting) stayAway() {
	if both := m.both.Swap(nil); both != nil {
		both.Done()
	}
}

// TestOneAdminRemains lets the two admins of an organization end each other in the
// same moment, from two processes: each has looked before either writes. Nobody wrote down in the log beforehand who they
// are, as in logs from before there was this rule.
func TestOneAdminRemains(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	ways := []func(s *commands.Service, organization string, who, by commands.User) error{
		func(s *commands.Service, organization string, who, by commands.User) error {
			return errOf(s.AssignOrganizationRoles(ctx, system, commands.AssignOrganizationRoles{
				UserID: who.ID, Organization: organization, Beside: []string{by.ID},
			}))
		},
		func(s *commands.Service, organization string, who, by commands.User) error {
			return errOf(s.RemoveMemberBeside(ctx, system, organization, who.ID, []string{by.ID}))
		},
		func(s *commands.Service, organization string, who, by commands.User) error {
			return errOf(s.LeaveOrganization(ctx, as(who, ""), organization, []string{by.ID}))
		},
	}
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		doors := []*meeting{{Log: log}, {Log: log}}
		both := []*commands.Service{service(t, doors[0]), service(t, doors[1])}
		for round := range 50 {
			made, err := both[0].CreateOrganization(ctx, system, commands.CreateOrganization{Name: fmt.Sprint("team-", round)})
			require.NoError(t, err)
			id := made.Organization.ID
			pair := []commands.User{
				adminHere(t, both[0], id, fmt.Sprint("ada-", round)), adminHere(t, both[0], id, fmt.Sprint("bob-", round)),
			}
			var met sync.WaitGroup
			met.Add(len(doors))
			for _, door := range doors {
				door.both.Store(&met)
			}
			errs := make([]error, 2)
			each(2, func(i int) {
				defer doors[i].stayAway()
				errs[i] = ways[(round+i*(round%2))%len(ways)](both[i], id, pair[i], pair[1-i])
			})
			lost := 0
			if errs[1] != nil {
				lost = 1
			}
			refused(t, errs[lost], commands.Precondition, "last-admin")
			require.NoError(t, errs[1-lost])
			require.True(t, isAdmin(t, both[0], id, pair[lost].ID))
			require.False(t, isAdmin(t, both[1], id, pair[1-lost].ID))
		}
	})
}

func TestManyAdminsLeaveAtOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx, both := context.Background(), []*commands.Service{service(t, log), service(t, log)}
		made, err := both[0].CreateOrganization(ctx, system, commands.CreateOrganization{Name: "team"})
		require.NoError(t, err)
		id := made.Organization.ID
		var people []commands.User
		var ids []string
		for i := range 10 {
			people = append(people, adminHere(t, both[0], id, fmt.Sprint("user-", i)))
			ids = append(ids, people[i].ID)
		}
		errs := make([]error, len(people))
		each(len(people), func(i int) {
			_, errs[i] = both[i%2].LeaveOrganization(ctx, as(people[i], ""), id, ids)
		})
		remain := 0
		for i, err := range errs {
			if err != nil {
				refused(t, err, commands.Precondition, "last-admin")
				require.True(t, isAdmin(t, both[0], id, ids[i]))
				remain++
			}
		}
		require.Equal(t, 1, remain)
	})
}

func TestWhoCountsAsAnotherAdmin(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s, _ := onMemory(t)
	made, err := s.CreateOrganization(ctx, system, commands.CreateOrganization{Name: "team"})
	require.NoError(t, err)
	id := made.Organization.ID
	ada, bob := adminHere(t, s, id, "ada"), adminHere(t, s, id, "bob")
	plain := register(t, s, "plain", nil)
	_, err = s.AddMember(ctx, system, id, plain.ID)
	require.NoError(t, err)
	pending := register(t, s, "pending", nil)
	_, err = s.JoinPending(ctx, anyone, id, pending.ID)
	require.NoError(t, err)
	gone := adminHere(t, s, id, "gone")
	_, err = s.Delete(ctx, system, gone.ID)
	require.NoError(t, err)

	for _, beside := range [][]string{{}, {ada.ID}, {plain.ID}, {pending.ID}, {gone.ID}, {id}, {"nonsense"}} {
		_, err = s.RemoveMemberBeside(ctx, system, id, ada.ID, beside)
		refused(t, err, commands.Precondition, "last-admin")
	}
	_, err = s.RemoveMemberBeside(ctx, system, id, plain.ID, []string{})
	require.NoError(t, err, "who is no admin takes none away")
	_, err = s.AssignOrganizationRoles(ctx, system, commands.AssignOrganizationRoles{
		UserID: ada.ID, Organization: id, Roles: []string{events.OrganizationAdmin, events.OrganizationAuditor}, Beside: []string{},
	})
	require.NoError(t, err, "who stays an admin takes none away")
	for range 2 { // a turn after the first as well
		_, err = s.RemoveMemberBeside(ctx, system, id, ada.ID, []string{plain.ID, bob.ID})
		require.NoError(t, err)
		_, err = s.AddMemberWith(ctx, system, id, ada.ID, events.OrganizationAdmin)
		require.NoError(t, err)
	}
	_, err = s.RemoveMember(ctx, system, id, bob.ID)
	require.NoError(t, err, "who asks for none may take the last one away")
	_, err = s.RemoveMember(ctx, system, id, ada.ID)
	require.NoError(t, err)
}
