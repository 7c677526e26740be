package commands_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

func TestUpdateSuspendsAndActivates(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx, s := context.Background(), service(t, log)
		first, err := s.RegisterFirst(ctx, anyone, commands.Register{Username: "root", Email: "root@example.com", Password: "correct horse"})
		require.NoError(t, err)
		ada := register(t, s, "ada", nil)
		yes, no := true, false
		res, err := s.UpdateUser(ctx, as(first.User, ""), commands.UpdateUser{UserID: ada.ID, FirstName: text("Ada"), Active: &no})
		require.NoError(t, err)
		require.Equal(t, events.StatusSuspended, res.User.Status)
		require.Equal(t, "Ada", res.User.FirstName)
		res, err = s.UpdateUser(ctx, as(first.User, ""), commands.UpdateUser{UserID: ada.ID, FirstName: text("Ada"), Active: &no})
		require.NoError(t, err)
		require.False(t, res.Changed)
		res, err = s.UpdateUser(ctx, as(first.User, ""), commands.UpdateUser{UserID: ada.ID, Active: &yes})
		require.NoError(t, err)
		require.Equal(t, events.StatusActive, res.User.Status)

		_, err = s.UpdateUser(ctx, as(ada, ""), commands.UpdateUser{UserID: ada.ID, Active: &no})
		refused(t, err, commands.Forbidden, "change-status")
		_, err = s.UpdateUser(ctx, as(first.User, ""), commands.UpdateUser{UserID: first.User.ID, FirstName: text("Root"), Active: &no})
		refused(t, err, commands.Precondition, "last-owner")
		kept, err := s.Find(ctx, commands.UserRef{ID: first.User.ID})
		require.NoError(t, err)
		require.Empty(t, kept.FirstName, "all or nothing")
	})
}

func TestDeletingOneself(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx, s := context.Background(), service(t, log)
		first, err := s.RegisterFirst(ctx, anyone, commands.Register{Username: "root", Email: "root@example.com", Password: "correct horse"})
		require.NoError(t, err)
		ada := register(t, s, "ada", nil)
		_, err = s.Delete(ctx, as(ada, ""), ada.ID)
		refused(t, err, commands.Forbidden, "delete-user")
		_, err = s.DeleteSelf(ctx, anyone)
		refused(t, err, commands.NotFound, "user")
		_, err = s.DeleteSelf(ctx, as(first.User, ""))
		refused(t, err, commands.Precondition, "last-owner")
		res, err := s.DeleteSelf(ctx, as(ada, ""))
		require.NoError(t, err)
		require.Equal(t, events.StatusDeleted, res.User.Status)
		_, err = s.DeleteSelf(ctx, as(ada, ""))
		refused(t, err, commands.NotFound, "user")
	})
}
