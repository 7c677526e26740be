package commands_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

func TestGroups(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx, s := context.Background(), service(t, log)
		ada, bob := register(t, s, "ada", nil), register(t, s, "bob", nil)
		made, err := s.CreateGroup(ctx, system, "operators")
		require.NoError(t, err)
		require.EqualValues(t, 1, made.Group.Number)
		id := made.Group.ID
		_, err = s.CreateGroup(ctx, system, "OPERATORS")
		refused(t, err, commands.Conflict, "taken")
		next, err := s.CreateGroup(ctx, system, "writers")
		require.NoError(t, err)
		require.EqualValues(t, 2, next.Group.Number, "a refused command gives its number back")

		for range 2 {
			res, err := s.AddToGroup(ctx, system, id, ada.ID)
			require.NoError(t, err)
			require.Equal(t, []string{ada.ID}, res.Group.Members)
		}
		res, err := s.AddToGroup(ctx, system, id, bob.ID)
		require.NoError(t, err)
		require.Equal(t, []string{ada.ID, bob.ID}, res.Group.Members)
		res, err = s.RemoveFromGroup(ctx, system, id, ada.ID)
		require.NoError(t, err)
		require.True(t, res.Changed)
		require.Equal(t, []string{bob.ID}, res.Group.Members)
		res, err = s.RemoveFromGroup(ctx, system, id, ada.ID)
		require.NoError(t, err)
		require.False(t, res.Changed)

		_, err = s.RenameGroup(ctx, system, id, "Writers")
		refused(t, err, commands.Conflict, "taken")
		renamed, err := s.RenameGroup(ctx, system, id, "on-call")
		require.NoError(t, err)
		require.Equal(t, "on-call", renamed.Group.Name)
		_, err = s.CreateGroup(ctx, system, "operators")
		require.NoError(t, err, "a name is free at once")

		_, err = s.AddToGroup(ctx, as(ada, ""), id, ada.ID)
		refused(t, err, commands.Forbidden, "change-groups")
		_, err = s.AddToGroup(ctx, system, id, made.Group.ID)
		refused(t, err, commands.NotFound, "user")
		_, err = s.AddToGroup(ctx, system, ada.ID, ada.ID)
		refused(t, err, commands.NotFound, "group")
		_, err = s.CreateGroup(ctx, system, "")
		require.Equal(t, commands.Invalid, commands.CodeOf(err))

		_, err = s.DeleteGroup(ctx, system, id)
		require.NoError(t, err)
		_, err = s.DeleteGroup(ctx, system, id)
		refused(t, err, commands.NotFound, "group")
		_, err = s.CreateGroup(ctx, system, "on-call")
		require.NoError(t, err)
	})
}

func TestOneGroupOfAName(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		s := service(t, log)
		var mu sync.Mutex
		won := 0
		each(20, func(int) {
			_, err := s.CreateGroup(context.Background(), system, "operators")
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
				return
			}
			require.Equal(t, commands.Conflict, commands.CodeOf(err))
		})
		require.Equal(t, 1, won)
	})
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx, s := context.Background(), service(t, log)
		ada, bob, eve := register(t, s, "ada", nil), register(t, s, "bob", nil), register(t, s, "eve", nil)
		w, err := s.CreateWorkspace(ctx, as(ada, ""), commands.CreateWorkspace{Name: "main", Owner: ada.ID})
		require.NoError(t, err)
		id := w.Workspace.ID
		toBob := events.Grantee{User: bob.ID}

		_, err = s.GrantPermission(ctx, as(bob, ""), id, toBob, events.WorkspaceAdmin)
		refused(t, err, commands.Forbidden, "update-workspaces")
		for range 2 {
			res, err := s.GrantPermission(ctx, as(ada, ""), id, toBob, events.WorkspaceReadOnly)
			require.NoError(t, err)
			require.Equal(t, map[events.Grantee]events.WorkspaceRole{toBob: events.WorkspaceReadOnly}, res.Workspace.Permissions)
		}
		_, err = s.GrantPermission(ctx, as(bob, ""), id, toBob, events.WorkspaceAdmin)
		refused(t, err, commands.Forbidden, "update-workspaces")
		_, err = s.GrantPermission(ctx, as(ada, ""), id, toBob, events.WorkspaceAdmin)
		require.NoError(t, err)
		_, err = s.GrantPermission(ctx, as(bob, ""), id, events.Grantee{User: eve.ID}, events.WorkspaceReadOnly)
		require.NoError(t, err, "who administers may give")
		_, err = s.RevokePermission(ctx, as(ada, ""), id, toBob)
		require.NoError(t, err)
		_, err = s.RevokePermission(ctx, as(bob, ""), id, events.Grantee{User: eve.ID})
		refused(t, err, commands.Forbidden, "update-workspaces")

		g, err := s.CreateGroup(ctx, system, "operators")
		require.NoError(t, err)
		_, err = s.AddToGroup(ctx, system, g.Group.ID, bob.ID)
		require.NoError(t, err)
		_, err = s.GrantPermission(ctx, as(ada, ""), id, events.Grantee{Group: g.Group.ID}, events.WorkspaceAdmin)
		require.NoError(t, err)
		name := "prod"
		res, err := s.UpdateWorkspace(ctx, as(bob, ""), commands.UpdateWorkspace{ID: id, Name: &name})
		require.NoError(t, err, "by the group")
		require.Equal(t, "prod", res.Workspace.Name)

		for _, c := range []struct {
			grantee events.Grantee
			role    events.WorkspaceRole
		}{
			{events.Grantee{}, "readonly"},
			{events.Grantee{User: bob.ID, Group: g.Group.ID}, "readonly"},
			{toBob, "king"},
			{events.Grantee{User: id}, "readonly"},
			{events.Grantee{Group: bob.ID}, "readonly"},
			{events.Grantee{User: "x"}, "readonly"},
		} {
			_, err := s.GrantPermission(ctx, as(ada, ""), id, c.grantee, c.role)
			require.Equal(t, commands.Invalid, commands.CodeOf(err), "%+v", c)
			_, err = s.GrantPermission(ctx, as(eve, ""), id, c.grantee, c.role)
			refused(t, err, commands.Forbidden, "update-workspaces")
		}
	})
}

func TestWorkspacesChangeHands(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx, s := context.Background(), service(t, log)
		ada, bob := register(t, s, "ada", nil), register(t, s, "bob", nil)
		w, err := s.CreateWorkspace(ctx, as(ada, ""), commands.CreateWorkspace{Name: "main", Owner: ada.ID})
		require.NoError(t, err)
		_, err = s.CreateWorkspace(ctx, as(ada, ""), commands.CreateWorkspace{Name: "prod", Owner: ada.ID})
		require.NoError(t, err)
		change := func(c commands.UpdateWorkspace) (commands.WorkspaceResult, error) {
			c.ID = w.Workspace.ID
			return s.UpdateWorkspace(ctx, as(ada, ""), c)
		}
		_, err = change(commands.UpdateWorkspace{Name: text("prod")})
		refused(t, err, commands.Conflict, "taken")
		res, err := change(commands.UpdateWorkspace{Name: text("main"), DisplayName: text("")})
		require.NoError(t, err)
		require.False(t, res.Changed)
		res, err = change(commands.UpdateWorkspace{DisplayName: text("Main"), Locations: &[]string{"eu-1"}})
		require.NoError(t, err)
		require.Equal(t, []string{"eu-1"}, res.Workspace.Locations)
		_, err = change(commands.UpdateWorkspace{Owner: text("nobody")})
		require.Equal(t, commands.Invalid, commands.CodeOf(err))
		_, err = change(commands.UpdateWorkspace{Owner: &bob.ID})
		require.NoError(t, err)
		_, err = s.Delete(ctx, system, bob.ID)
		refused(t, err, commands.Precondition, "workspaces")
		_, err = s.DeleteWorkspace(ctx, system, w.Workspace.ID)
		require.NoError(t, err)
		_, err = s.Delete(ctx, system, bob.ID)
		require.NoError(t, err)
		_, err = s.Delete(ctx, system, ada.ID)
		refused(t, err, commands.Precondition, "workspaces")
	})
}
