package commands

import (
	"slices"

	"github.com/rosterhq/roster/events"
)

// Action is something that an actor may or may not do to a user's data.
type Action string

// The actions of the policy table.
const (
	ListUsers          Action = "list-users" // to see others in lists; everybody sees themselves
	ReadUser           Action = "read-user"
	ReadPersonal       Action = "read-personal" // preferences, identities, roles view
	ReadKeys           Action = "read-keys"
	ReadActivities     Action = "read-activities"
	ReadEvents         Action = "read-events"
	ReadPersonalEvents Action = "read-personal-events" // with the sealed part opened
	CreateUser         Action = "create-user"
	WriteUser          Action = "write-user" // profile members
	ChangeUsername     Action = "change-username"
	ChangeEmail        Action = "change-email"
	WritePreferences   Action = "write-preferences"
	SetUserPassword    Action = "set-password"
	AssignUserRoles    Action = "assign-roles"
	ChangeStatus       Action = "change-status" // suspend and activate
	DeleteUser         Action = "delete-user"
	WriteKeys          Action = "write-keys"
	EndOwnSession      Action = "end-own-session" // the very credential that asks
	RecordActivities   Action = "record-activities"
)

// rule says who may do an action. A key's scopes only ever take away from what
// its user may do.
type rule struct {
	self   bool          // everybody, to themselves
	others []events.Role // these roles, to anybody
	scopes []string      // one of them must be held, beside "all"; "*" is any
}

var (
	owners  = []events.Role{events.RoleOwner}
	admins  = []events.Role{events.RoleOwner, events.RoleUserAdmin}
	readers = []events.Role{events.RoleOwner, events.RoleUserAdmin, events.RoleTemplateAdmin, events.RoleAuditor}
	nobody  []events.Role
)

// policy is the one table of rights, for every dialect. Passwords and roles ask
// for scope "all": with either, a limited key could make itself an unlimited one.
var policy = map[Action]rule{
	//                    self   others   scopes
	ListUsers:          {false, readers, []string{ScopeUsersRead}},
	ReadUser:           {true, readers, []string{ScopeUsersRead}},
	ReadPersonal:       {true, admins, []string{ScopeUsersRead}},
	ReadKeys:           {true, owners, []string{ScopeUsersRead, ScopeKeysWrite}},
	ReadActivities:     {true, readers, []string{ScopeActivitiesRead}},
	ReadEvents:         {true, readers, []string{ScopeEventsRead, ScopeEventsPersonal}},
	ReadPersonalEvents: {true, admins, []string{ScopeEventsPersonal}},
	CreateUser:         {false, admins, []string{ScopeUsersWrite}},
	WriteUser:          {true, admins, []string{ScopeUsersWrite}},
	ChangeUsername:     {false, admins, []string{ScopeUsersWrite}},
	ChangeEmail:        {true, admins, []string{ScopeUsersWrite}},
	WritePreferences:   {true, admins, []string{ScopeUsersWrite}},
	SetUserPassword:    {true, admins, nil},
	AssignUserRoles:    {false, admins, nil},
	ChangeStatus:       {false, admins, []string{ScopeUsersWrite}},
	DeleteUser:         {false, admins, []string{ScopeUsersWrite}},
	WriteKeys:          {true, owners, []string{ScopeKeysWrite}},
	EndOwnSession:      {true, nobody, []string{"*"}},
	RecordActivities:   {true, admins, []string{ScopeActivitiesRecord}},
}

// Allowed says whether the actor may do the action to data of the user ownerID
// ("" for nobody's in particular). Three rights depend on more than that and
// are decided with the command: an owner's password is for owners alone, each
// role granted or taken is checked for itself, and a key can not make a key of
// wider scope.
func Allowed(actor Actor, action Action, ownerID string) bool {
	if actor.UserID == SystemActor {
		return true
	}
	r, ok := policy[action]
	if !ok || actor.UserID == "" || !scopeAllows(actor.Scopes, r.scopes) {
		return false
	}
	if r.self && actor.UserID == ownerID {
		return true
	}
	return slices.ContainsFunc(r.others, func(role events.Role) bool { return actor.has(role) })
}

// Grantable says whether the actor may give or take a site role: of the listed
// roles a user-admin may touch none.
func Grantable(actor Actor, _ events.Role) bool {
	return actor.UserID == SystemActor || actor.has(events.RoleOwner)
}

func (a Actor) has(role events.Role) bool { return slices.Contains(a.Roles, role) }

func scopeAllows(held, wanted []string) bool {
	if slices.Contains(held, ScopeAll) || slices.Contains(wanted, "*") {
		return true
	}
	return slices.ContainsFunc(held, func(s string) bool { return slices.Contains(wanted, s) })
}

func forbidden(action Action) *Error {
	return &Error{Code: Forbidden, Reason: string(action), Message: "you are not allowed to do this"}
}
