package query_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// TestWorkspaceAccess follows one workspace: what each user may do in it is the
// strongest of what they own, were given, and have by their groups.
func TestWorkspaceAccess(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	ctx := t.Context()
	system := commands.Request{Actor: commands.Actor{UserID: commands.SystemActor}}
	user := func(name string) string {
		res, err := s.Commands.Register(ctx, system, commands.Register{Username: name})
		require.NoError(t, err)
		s.Queries.Note(res.User.ID, res.Position)
		return res.User.ID
	}
	ada, bob, eve, dan := user("ada"), user("bob"), user("eve"), user("dan")
	note := func(p events.Position, err error) {
		t.Helper()
		require.NoError(t, err)
		s.Queries.NoteAny(p)
	}
	made, err := s.Commands.CreateWorkspace(ctx, system, commands.CreateWorkspace{Name: "main", DisplayName: "Main", Owner: ada, Locations: []string{"eu-1"}})
	note(made.Position, err)
	other, err := s.Commands.CreateWorkspace(ctx, system, commands.CreateWorkspace{Name: "alone", Owner: dan})
	note(other.Position, err)
	id := made.Workspace.ID
	group, err := s.Commands.CreateGroup(ctx, system, "operators")
	note(group.Position, err)
	joined, err := s.Commands.AddToGroup(ctx, system, group.Group.ID, bob)
	note(joined.Position, err)
	grant := func(g events.Grantee, role events.WorkspaceRole) {
		t.Helper()
		res, err := s.Commands.GrantPermission(ctx, system, id, g, role)
		note(res.Position, err)
	}
	access := func(want map[string]events.WorkspaceRole) {
		t.Helper()
		for _, who := range []string{ada, bob, eve, dan} {
			role, err := s.Queries.WorkspaceAccess(ctx, id, who)
			require.NoError(t, err)
			require.Equal(t, want[who], role)
			shared, err := s.Queries.ShareWorkspace(ctx, ada, who)
			require.NoError(t, err)
			require.Equal(t, want[who] != "", shared)
			seen, total, err := s.Queries.Workspaces(ctx, query.WorkspaceFilter{VisibleTo: who})
			require.NoError(t, err)
			require.EqualValues(t, len(seen), total)
			require.Equal(t, want[who] != "" || who == dan, total == 1)
		}
	}
	access(map[string]events.WorkspaceRole{ada: events.WorkspaceAdmin})
	grant(events.Grantee{User: bob}, events.WorkspaceReadOnly)
	grant(events.Grantee{Group: group.Group.ID}, events.WorkspaceReadWrite)
	grant(events.Grantee{User: eve}, events.WorkspaceReadAndRun)
	access(map[string]events.WorkspaceRole{ada: events.WorkspaceAdmin, bob: events.WorkspaceReadWrite, eve: events.WorkspaceReadAndRun})
	grant(events.Grantee{Group: group.Group.ID}, events.WorkspaceAdmin)
	access(map[string]events.WorkspaceRole{ada: events.WorkspaceAdmin, bob: events.WorkspaceAdmin, eve: events.WorkspaceReadAndRun})
	gone, err := s.Commands.DeleteGroup(ctx, system, group.Group.ID)
	note(gone.Position, err)
	access(map[string]events.WorkspaceRole{ada: events.WorkspaceAdmin, bob: events.WorkspaceReadOnly, eve: events.WorkspaceReadAndRun})
	revoked, err := s.Commands.RevokePermission(ctx, system, id, events.Grantee{User: eve})
	note(revoked.Position, err)
	access(map[string]events.WorkspaceRole{ada: events.WorkspaceAdmin, bob: events.WorkspaceReadOnly})
	given, err := s.Queries.Permissions(ctx, id)
	require.NoError(t, err)
	require.ElementsMatch(t, []query.Permission{
		{Grantee: events.Grantee{User: bob}, Role: events.WorkspaceReadOnly},
		{Grantee: events.Grantee{Group: group.Group.ID}, Role: events.WorkspaceAdmin}, // the group's end is not the workspace's to tell
	}, given)

	all, total, err := s.Queries.Workspaces(ctx, query.WorkspaceFilter{})
	require.NoError(t, err)
	require.EqualValues(t, 2, total)
	require.Equal(t, []string{"alone", "main"}, []string{all[0].Name, all[1].Name})
	page, total, err := s.Queries.Workspaces(ctx, query.WorkspaceFilter{Limit: 1, Offset: 1})
	require.NoError(t, err)
	require.EqualValues(t, 2, total)
	require.Equal(t, "main", page[0].Name)
	_, total, err = s.Queries.Workspaces(ctx, query.WorkspaceFilter{Offset: 5})
	require.NoError(t, err)
	require.EqualValues(t, 2, total, "also past the end")
	one, err := s.Queries.WorkspaceByName(ctx, "MAIN")
	require.NoError(t, err)
	require.Equal(t, []any{id, made.Workspace.Number, "Main", ada, []string{"eu-1"}}, []any{one.ID, one.Number, one.DisplayName, one.Owner, one.Locations})
	ended, err := s.Commands.DeleteWorkspace(ctx, system, id)
	note(ended.Position, err)
	_, err = s.Queries.Workspace(ctx, id)
	require.ErrorIs(t, err, query.ErrNotFound)
	access(map[string]events.WorkspaceRole{})
}
