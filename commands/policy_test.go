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
				ListUsers, ReadUser, ReadPersonal, ReadKeys, ReadActivities, ReadEvents, ReadPersonalEvents, ReadLog, ManageProjections, RotateMasterKey, CreateUser, WriteUser, ChangeUsername,
				ChangeEmail, WritePreferences, SetUserPassword, AssignUserRoles, ChangeStatus, DeleteUser, EraseUser, ImportUsers, CreateKeys, UpdateKeys, DeleteKeys, RecordActivities,
				WritePersonal, ReadParameters, RecordParameters, ReadSkills, DeleteSkills,
				CreateOrganizations, ReadOrganization, UpdateOrganizations, DeleteOrganizations, ReadMembers, ChangeMembers, GrantOrganizationRoles,
				CreateWorkspaces, ReadWorkspaces, UpdateWorkspaces, DeleteWorkspaces, ReadGroups, ChangeGroups,
			},
			self: []Action{EndOwnSession, DeleteSelf, WakeUp, CreateSkills, UpdateSkills, ReadOwnData},
		},
		{
			name: "user-admin", role: events.RoleUserAdmin, scopes: all,
			others: []Action{
				ListUsers, ReadUser, ReadPersonal, ReadActivities, CreateUser, WriteUser, ChangeUsername,
				ChangeEmail, WritePreferences, SetUserPassword, AssignUserRoles, ChangeStatus, DeleteUser, RecordActivities,
				WritePersonal, ReadOrganization, ReadMembers, ChangeMembers, GrantOrganizationRoles, ReadWorkspaces, ReadGroups, ChangeGroups,
			},
			self: []Action{
				EndOwnSession, DeleteSelf, WakeUp, ReadEvents, ReadPersonalEvents, ReadKeys, CreateKeys, UpdateKeys, DeleteKeys, ReadParameters, RecordParameters,
				ReadSkills, CreateSkills, UpdateSkills, DeleteSkills, CreateWorkspaces, UpdateWorkspaces, DeleteWorkspaces, ReadOwnData,
			},
		},
		{
			name: "auditor", role: events.RoleAuditor, scopes: all,
			others: []Action{ListUsers, ReadUser, ReadActivities, ReadEvents, ReadPersonalEvents, ReadOrganization, ReadMembers, ReadWorkspaces, ReadGroups},
			self: []Action{
				ReadPersonal, ReadKeys, WriteUser, ChangeEmail, WritePreferences, SetUserPassword, CreateKeys, UpdateKeys, DeleteKeys, EndOwnSession, DeleteSelf, RecordActivities,
				WakeUp, WritePersonal, ReadParameters, RecordParameters, ReadSkills, CreateSkills, UpdateSkills, DeleteSkills, CreateWorkspaces, UpdateWorkspaces, DeleteWorkspaces, ReadOwnData,
			},
		},
		{
			name: "member", scopes: all,
			self: []Action{
				ReadUser, ReadPersonal, ReadKeys, ReadActivities, ReadEvents, ReadPersonalEvents, WriteUser, ChangeEmail, WritePreferences,
				SetUserPassword, CreateKeys, UpdateKeys, DeleteKeys, EndOwnSession, DeleteSelf, RecordActivities,
				WakeUp, WritePersonal, ReadParameters, RecordParameters, ReadSkills, CreateSkills, UpdateSkills, DeleteSkills,
				ReadMembers, CreateWorkspaces, ReadWorkspaces, UpdateWorkspaces, DeleteWorkspaces, ReadOwnData,
			},
		},
		{name: "owner's key that reads users", role: events.RoleOwner, scopes: []string{ScopeUsersRead}, others: []Action{ListUsers, ReadUser, ReadPersonal, ReadKeys, ReadParameters, ReadGroups}, self: []Action{EndOwnSession, WakeUp}},
		{name: "owner's key that writes users", role: events.RoleOwner, scopes: []string{ScopeUsersWrite}, others: []Action{CreateUser, WriteUser, WritePersonal, ChangeUsername, ChangeEmail, WritePreferences, ChangeStatus, DeleteUser, ChangeGroups}, self: []Action{EndOwnSession, DeleteSelf, WakeUp}},
		{name: "owner's key that records", role: events.RoleOwner, scopes: []string{ScopeActivitiesRecord}, others: []Action{RecordActivities, RecordParameters}, self: []Action{EndOwnSession, WakeUp}},
		{name: "member's key that records", scopes: []string{ScopeActivitiesRecord}, self: []Action{RecordActivities, RecordParameters, EndOwnSession, WakeUp}},
		{name: "owner's key that reads the log", role: events.RoleOwner, scopes: []string{ScopeLogRead}, others: []Action{ReadLog}, self: []Action{EndOwnSession, WakeUp}},
		{name: "auditor's key that reads the log", role: events.RoleAuditor, scopes: []string{ScopeLogRead}, self: []Action{EndOwnSession, WakeUp}},
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

func TestPolicyOfOrganizations(t *testing.T) {
	t.Parallel()
	within := []Action{ReadOrganization, UpdateOrganizations, DeleteOrganizations, ReadMembers, ChangeMembers, GrantOrganizationRoles, CreateOrganizations}
	tests := []struct {
		name  string
		actor Actor
		home  []Action // in the organization that the actor is in
		away  []Action
		users []Action // to any user
	}{
		{name: "owner", actor: Actor{Roles: owners}, home: within, away: within, users: []Action{ListUsers, ReadUser, ReadPersonal, WriteUser, DeleteUser}},
		{
			name: "user-admin", actor: Actor{Roles: []events.Role{events.RoleUserAdmin}}, users: []Action{ListUsers, ReadUser, ReadPersonal, WriteUser, DeleteUser},
			home: []Action{ReadOrganization, ReadMembers, ChangeMembers, GrantOrganizationRoles},
			away: []Action{ReadOrganization, ReadMembers, ChangeMembers, GrantOrganizationRoles},
		},
		{
			name: "auditor", actor: Actor{Roles: []events.Role{events.RoleAuditor}}, users: []Action{ListUsers, ReadUser},
			home: []Action{ReadOrganization, ReadMembers}, away: []Action{ReadOrganization, ReadMembers},
		},
		{name: "member", actor: member(), home: []Action{ReadOrganization}},
		{
			name: "admin", actor: member(events.OrganizationAdmin), users: []Action{ListUsers, ReadUser},
			home: []Action{ReadOrganization, UpdateOrganizations, DeleteOrganizations, ReadMembers, ChangeMembers, GrantOrganizationRoles},
		},
		{
			name: "user-admin of an organization", actor: member(events.OrganizationUserAdmin), users: []Action{ListUsers, ReadUser},
			home: []Action{ReadOrganization, ReadMembers, ChangeMembers, GrantOrganizationRoles},
		},
		{name: "auditor of an organization", actor: member(events.OrganizationAuditor), home: []Action{ReadOrganization, ReadMembers}},
		{name: "nobody", actor: Actor{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			actor := test.actor
			actor.UserID, actor.Scopes = "me", []string{ScopeAll}
			var home, away, users []Action
			for _, action := range within {
				if AllowedIn(actor, action, "home") {
					home = append(home, action)
				}
				if AllowedIn(actor, action, "away") {
					away = append(away, action)
				}
			}
			for _, action := range []Action{ListUsers, ReadUser, ReadPersonal, WriteUser, DeleteUser} {
				if Allowed(actor, action, "you") {
					users = append(users, action)
				}
			}
			require.ElementsMatch(t, test.home, home)
			require.ElementsMatch(t, test.away, away)
			require.ElementsMatch(t, test.users, users)
		})
	}
}

func member(roles ...string) Actor {
	return Actor{Memberships: []events.Membership{{Organization: "home", Roles: roles}}}
}

func TestGrantableInOrganizations(t *testing.T) {
	t.Parallel()
	all := append(OrganizationRoles(), events.OrganizationMember)
	modest := []string{events.OrganizationMember, events.OrganizationWorkspaceAccess}
	userAdmin := Actor{Roles: []events.Role{events.RoleUserAdmin}}
	for _, test := range []struct {
		actor      Actor
		home, away []string
	}{
		{owner, all, all},
		{system, all, all},
		{userAdmin, modest, modest},
		{member(events.OrganizationAdmin), all, nil},
		{member(events.OrganizationUserAdmin), modest, nil},
		{member(events.OrganizationAuditor), nil, nil},
		{ann, nil, nil},
	} {
		var home, away []string
		for _, role := range all {
			if GrantableIn(test.actor, "home", role) {
				home = append(home, role)
			}
			if GrantableIn(test.actor, "away", role) {
				away = append(away, role)
			}
		}
		require.ElementsMatch(t, test.home, home)
		require.ElementsMatch(t, test.away, away)
	}
}

func TestAllowListsInThePolicy(t *testing.T) {
	t.Parallel()
	key := func(list ...events.Resource) Actor {
		a := owner
		a.AllowList = list
		return a
	}
	user := key(events.Resource{Type: "user", ID: "ann"})
	require.True(t, Allowed(user, ReadUser, "ann"))
	require.False(t, Allowed(user, ReadUser, "bob"))
	require.False(t, Allowed(user, CreateUser, ""), "nobody in particular is not in a list of one")
	require.False(t, Allowed(user, ReadKeys, "ann"), "keys are another type")
	require.False(t, Allowed(user, SetUserPassword, "ann"), "whoever has the password has everything of hers")
	require.False(t, Allowed(user, AssignUserRoles, "ann"))
	require.True(t, Allowed(user, EndOwnSession, "root"))
	require.True(t, Allowed(user, WakeUp, "root"))
	require.True(t, Allowed(key(events.Resource{Type: "*", ID: "ann"}), ReadUser, "ann"))
	require.True(t, Allowed(key(events.Resource{Type: "api_key", ID: "*"}), ReadKeys, "ann"))
	require.False(t, Allowed(key(events.Resource{Type: "api_key", ID: "ann"}), ReadKeys, "ann"), "an id of that type is no user's")
	team := key(events.Resource{Type: "organization", ID: "team"})
	require.True(t, AllowedIn(team, UpdateOrganizations, "team"))
	require.False(t, AllowedIn(team, UpdateOrganizations, "other"))
	require.False(t, AllowedIn(team, ChangeMembers, "team"), "members are another type")
}
