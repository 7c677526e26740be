package commands_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

func TestFoundingAndLeavingAnOrganization(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx, s := context.Background(), service(t, log)
		ada, bob := register(t, s, "ada", nil), register(t, s, "bob", nil)
		made, joined, err := s.FoundOrganization(ctx, as(ada, "key"), commands.CreateOrganization{Name: "bar", DisplayName: "Bar"})
		require.NoError(t, err)
		place := events.Membership{Organization: made.Organization.ID, Roles: []string{events.OrganizationAdmin}}
		require.Contains(t, joined.User.Memberships, place)

		again, joined, err := s.FoundOrganization(ctx, as(ada, "key"), commands.CreateOrganization{Name: "bar", DisplayName: "Bar"})
		require.NoError(t, err)
		require.True(t, again.Repeated)
		require.Equal(t, made.Organization.ID, again.Organization.ID)
		require.Contains(t, joined.User.Memberships, place)

		_, _, err = s.FoundOrganization(ctx, as(bob, "key"), commands.CreateOrganization{Name: "BAR"})
		refused(t, err, commands.Conflict, "taken")
		limited := as(bob, "")
		limited.Actor.Scopes = []string{"organization:*"}
		_, _, err = s.FoundOrganization(ctx, limited, commands.CreateOrganization{Name: "mine"})
		refused(t, err, commands.Forbidden, "create-organizations")
		_, err = s.LeaveOrganization(ctx, limited, made.Organization.ID, nil)
		refused(t, err, commands.Forbidden, "change-members")

		res, err := s.JoinPending(ctx, anyone, made.Organization.ID, bob.ID)
		require.NoError(t, err)
		pending := events.Membership{Organization: made.Organization.ID, Roles: []string{events.OrganizationInvitationPending}}
		require.Contains(t, res.User.Memberships, pending)
		_, err = s.JoinPending(ctx, anyone, made.Organization.ID, bob.ID)
		refused(t, err, commands.Conflict, "member")

		res, err = s.LeaveOrganization(ctx, as(bob, ""), made.Organization.ID, nil)
		require.NoError(t, err)
		require.NotContains(t, res.User.Memberships, pending)
		_, err = s.LeaveOrganization(ctx, as(bob, ""), made.Organization.ID, nil)
		refused(t, err, commands.NotFound, "member")
	})
}

func TestAnOrganizationWithoutItsFounderIsTakenBack(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx, s := context.Background(), service(t, log)
		ada := register(t, s, "ada", nil)
		_, err := s.Delete(ctx, system, ada.ID)
		require.NoError(t, err)
		_, _, err = s.FoundOrganization(ctx, as(ada, ""), commands.CreateOrganization{Name: "bar"})
		refused(t, err, commands.NotFound, "user")
		_, err = s.FindOrganization(ctx, "bar")
		refused(t, err, commands.NotFound, "organization")
	})
}
