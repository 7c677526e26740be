package commands

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rosterhq/roster/events"
)

func TestPolicy(t *testing.T) {
	t.Parallel()
	all := []string{ScopeAll}
	tests := []struct {
		name    string
		role    events.Role
		scopes  []string
		self    []Action // allowed to oneself
		others  []Action // allowed to others
		nothing bool
	}{
		{
			name: "owner", role: events.RoleOwner, scopes: all,
			others: []Action{
				ListUsers, ReadUser, ReadPersonal, ReadKeys, ReadActivities, ReadEvents, ReadPersonalEvents, CreateUser, WriteUser, ChangeUsername,
				ChangeEmail, WritePreferences, SetUserPassword, AssignUserRoles, ChangeStatus, DeleteUser, CreateKeys, UpdateKeys, DeleteKeys, RecordActivities,
				WritePersonal, ReadParameters, RecordParameters, ReadSkills, DeleteSkills,
				CreateOrganizations, ReadOrganization, UpdateOrganizations, DeleteOrganizations, ReadMembers, ChangeMembers, GrantOrganizationRoles,
				CreateWorkspaces, ReadWorkspaces, UpdateWorkspaces, DeleteWorkspaces, ReadGroups, ChangeGroups,
			},
			self: []Action{EndOwnSession, WakeUp, CreateSkills, UpdateSkills},
		},
		{
			name: "user-admin", role: events.RoleUserAdmin, scopes: all,
			others: []Action{
				ListUsers, ReadUser, ReadPersonal, ReadActivities, ReadEvents, ReadPersonalEvents, CreateUser, WriteUser, ChangeUsername,
				ChangeEmail, WritePreferences, SetUserPassword, AssignUserRoles, ChangeStatus, DeleteUser, RecordActivities,
				WritePersonal, ReadOrganization, ReadMembers, ChangeMembers, GrantOrganizationRoles, ReadWorkspaces, ReadGroups, ChangeGroups,
			},
			self: []Action{
				EndOwnSession, WakeUp, ReadKeys, CreateKeys, UpdateKeys, DeleteKeys, ReadParameters, RecordParameters,
				ReadSkills, CreateSkills, UpdateSkills, DeleteSkills, CreateWorkspaces, UpdateWorkspaces, DeleteWorkspaces,
			},
		},
		{
			name: "auditor", role: events.RoleAuditor, scopes: all,
			others: []Action{ListUsers, ReadUser, ReadActivities, ReadEvents, ReadOrganization, ReadMembers, ReadWorkspaces, ReadGroups},
			self: []Action{
				ReadPersonal, ReadKeys, ReadPersonalEvents, WriteUser, ChangeEmail, WritePreferences, SetUserPassword, CreateKeys, UpdateKeys, DeleteKeys, EndOwnSession, RecordActivities,
				WakeUp, WritePersonal, ReadParameters, RecordParameters, ReadSkills, CreateSkills, UpdateSkills, DeleteSkills, CreateWorkspaces, UpdateWorkspaces, DeleteWorkspaces,
			},
		},
		{
			name: "member", scopes: all,
			self: []Action{
				ReadUser, ReadPersonal, ReadKeys, ReadActivities, ReadEvents, ReadPersonalEvents, WriteUser, ChangeEmail, WritePreferences,
				SetUserPassword, CreateKeys, UpdateKeys, DeleteKeys, EndOwnSession, RecordActivities,
				WakeUp, WritePersonal, ReadParameters, RecordParameters, ReadSkills, CreateSkills, UpdateSkills, DeleteSkills,
				ReadMembers, CreateWorkspaces, ReadWorkspaces, UpdateWorkspaces, DeleteWorkspaces,
			},
		},
		{name: "owner's key that reads users", role: events.RoleOwner, scopes: []string{ScopeUsersRead}, others: []Action{ListUsers, ReadUser, ReadPersonal, ReadKeys, ReadParameters, ReadGroups}, self: []Action{EndOwnSession, WakeUp}},
		{name: "owner's key that writes users", role: events.RoleOwner, scopes: []string{ScopeUsersWrite}, others: []Action{CreateUser, WriteUser, WritePersonal, ChangeUsername, ChangeEmail, WritePreferences, ChangeStatus, DeleteUser, ChangeGroups}, self: []Action{EndOwnSession, WakeUp}},
		{name: "owner's key that records", role: events.RoleOwner, scopes: []string{ScopeActivitiesRecord}, others: []Action{RecordActivities, RecordParameters}, self: []Action{EndOwnSession, WakeUp}},
		{name: "member's key that records", scopes: []string{ScopeActivitiesRecord}, self: []Action{RecordActivities, RecordParameters, EndOwnSession, WakeUp}},
		{name: "owner's key without scopes", role: events.RoleOwner, self: []Action{EndOwnSession, WakeUp}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			actor := Actor{UserID: "me", Scopes: test.scopes}
			if test.role != "" {
				actor.Roles = []events.Role{test.role}
			}
			var self, others []Action
			for action := range policy {
				if Allowed(actor, action, "you") {
					others = append(others, action)
				} else if Allowed(actor, action, "me") {
					self = append(self, action)
				}
				require.Equal(t, Allowed(actor, action, "you"), Allowed(actor, action, ""))
			}
			require.ElementsMatch(t, test.others, others)
			require.ElementsMatch(t, test.self, self)
		})
	}
}

func TestNobodyMayAnything(t *testing.T) {
	t.Parallel()
	for action := range policy {
		require.False(t, Allowed(Actor{Scopes: []string{ScopeAll}, Roles: []events.Role{events.RoleOwner}}, action, ""), action)
		require.True(t, Allowed(Actor{UserID: SystemActor}, action, "you"), action)
	}
	require.False(t, Allowed(owner, "no-such-action", "root"))
}

func TestScopesOnlyTakeAway(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		scopes := rapid.SliceOf(rapid.SampledFrom(Scopes())).Draw(t, "scopes")
		roles := rapid.SliceOf(rapid.SampledFrom(SiteRoles())).Draw(t, "roles")
		target := rapid.SampledFrom([]string{"me", "you"}).Draw(t, "target")
		limited, full := Actor{UserID: "me", Roles: roles, Scopes: scopes}, Actor{UserID: "me", Roles: roles, Scopes: []string{ScopeAll}}
		for action := range policy {
			if Allowed(limited, action, target) {
				require.True(t, Allowed(full, action, target))
			}
		}
		normal, unknown := normaliseScopes(scopes)
		require.Empty(t, unknown)
		require.True(t, covers([]string{ScopeAll}, normal))
		if len(scopes) > 0 {
			require.True(t, covers(scopes, normal))
		}
	})
	_, unknown := normaliseScopes([]string{"users:read", "x"})
	require.Equal(t, "x", unknown)
}
