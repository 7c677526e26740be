package commands

import (
	"slices"

	"github.com/rosterhq/roster/events"
)

// Action is something that an actor may or may not do to a user's data.
type Action string

// The actions on users and what is theirs.
const (
	ListUsers          Action = "list-users" // to see others in lists; everybody sees themselves
	ReadUser           Action = "read-user"
	ReadPersonal       Action = "read-personal" // preferences, identities, roles view, SSH key
	ReadKeys           Action = "read-keys"
	ReadActivities     Action = "read-activities"
	ReadEvents         Action = "read-events"
	ReadPersonalEvents Action = "read-personal-events" // with the sealed part opened
	ReadOwnData        Action = "read-own-data"        // everything that is held about oneself
	ReadLog            Action = "read-log"             // all messages of the log, sealed, and wrapped keys
	ReadParameters     Action = "read-parameters"
	ManageProjections  Action = "manage-projections" // look after read models
	RotateMasterKey    Action = "rotate-master-key"  // wrap all keys under another one
	CreateUser         Action = "create-user"
	WriteUser          Action = "write-user"     // profile members
	WritePersonal      Action = "write-personal" // SSH key
	ChangeUsername     Action = "change-username"
	ChangeEmail        Action = "change-email"
	WritePreferences   Action = "write-preferences"
	SetUserPassword    Action = "set-password"
	AssignUserRoles    Action = "assign-roles"
	ChangeStatus       Action = "change-status" // suspend and activate
	WakeUp             Action = "wake-up"       // by one's own use, when dormant
	LetSleep           Action = "let-sleep"     // the installation's own act
	SweepKeys          Action = "sweep-keys"    // the installation's own act, too
	ImportUsers        Action = "import-users"  // with ids, hashes and keys from elsewhere
	DeleteUser         Action = "delete-user"
	EraseUser          Action = "erase-user"
	DeleteSelf         Action = "delete-self" // one's own account
	CreateKeys         Action = "create-keys"
	UpdateKeys         Action = "update-keys" // expire and regenerate
	DeleteKeys         Action = "delete-keys"
	EndOwnSession      Action = "end-own-session" // the very credential that asks
	RecordActivities   Action = "record-activities"
	RecordParameters   Action = "record-parameters"
	ReadSkills         Action = "read-skills"
	CreateSkills       Action = "create-skills"
	UpdateSkills       Action = "update-skills"
	DeleteSkills       Action = "delete-skills"
)

// The actions on organizations and workspaces.
const (
	CreateOrganizations    Action = "create-organizations"
	ReadOrganization       Action = "read-organization"
	UpdateOrganizations    Action = "update-organizations"
	DeleteOrganizations    Action = "delete-organizations"
	ReadMembers            Action = "read-members"
	ChangeMembers          Action = "change-members" // add and remove
	GrantOrganizationRoles Action = "assign-organization-roles"
	CreateWorkspaces       Action = "create-workspaces"
	ReadWorkspaces         Action = "read-workspaces"
	DeleteWorkspaces       Action = "delete-workspaces"
	UpdateWorkspaces       Action = "update-workspaces" // members and permissions
	ReadGroups             Action = "read-groups"
	ChangeGroups           Action = "change-groups"
)

// rule says who may do an action. A key's scopes and its allow list only ever
// take away from what its user may do.
type rule struct {
	resource string        // the type by which allow lists name what it is done to
	self     bool          // everybody, to what is their own
	others   []events.Role // these roles, to anybody's
	// within lists roles in an organization: they may do it in theirs, or, where the
	// action is about a user, to anybody. Member stands for every member.
	within []string
	scopes []string // one of them must be held, beside "all"; "*" is any
}

// The types by which allow lists name things.
const (
	userResource         = "user"
	keyResource          = "api_key"
	skillResource        = "user_skill"
	organizationResource = "organization"
	memberResource       = "organization_member"
	workspaceResource    = "workspace"
	groupResource        = "group"
	anyResource          = "*" // nothing that an allow list could leave out
)

var (
	owners     = []events.Role{events.RoleOwner}
	admins     = []events.Role{events.RoleOwner, events.RoleUserAdmin}
	readers    = []events.Role{events.RoleOwner, events.RoleUserAdmin, events.RoleTemplateAdmin, events.RoleAuditor}
	auditors   = []events.Role{events.RoleOwner, events.RoleAuditor}
	nobody     []events.Role
	orgAdmins  = []string{events.OrganizationAdmin, events.OrganizationUserAdmin}
	orgOwners  = []string{events.OrganizationAdmin}
	orgReaders = []string{events.OrganizationAdmin, events.OrganizationUserAdmin, events.OrganizationAuditor, events.OrganizationTemplateAdmin}
	orgMembers = []string{events.OrganizationMember}
	outside    []string
)

// policy is the one table of rights, for every dialect. Passwords and roles ask
// for scope "all" and no allow list: with either, a limited key could make itself
// an unlimited one.
var policy = map[Action]rule{
	//                    resource   self   others   within     scopes
	ListUsers:          {userResource, false, readers, orgAdmins, []string{ScopeUsersRead, "user:read"}},
	ReadUser:           {userResource, true, readers, orgAdmins, []string{ScopeUsersRead, "user:read"}},
	ReadPersonal:       {userResource, true, admins, outside, []string{ScopeUsersRead, "user:read_personal"}},
	ReadActivities:     {userResource, true, readers, outside, []string{ScopeActivitiesRead}},
	ReadEvents:         {userResource, true, auditors, outside, []string{ScopeEventsRead, ScopeEventsPersonal}},
	ReadPersonalEvents: {userResource, true, auditors, outside, []string{ScopeEventsPersonal}},
	ReadOwnData:        {userResource, true, nobody, outside, nil},
	ReadLog:            {userResource, false, owners, outside, []string{ScopeLogRead}},
	ManageProjections:  {userResource, false, owners, outside, nil},
	RotateMasterKey:    {userResource, false, owners, outside, nil},
	ReadParameters:     {userResource, true, owners, outside, []string{ScopeUsersRead, "user:read_personal"}},
	CreateUser:         {userResource, false, admins, outside, []string{ScopeUsersWrite, "user:*"}},
	WriteUser:          {userResource, true, admins, outside, []string{ScopeUsersWrite, "user:update_personal"}},
	WritePersonal:      {userResource, true, admins, outside, []string{ScopeUsersWrite, "user:update_personal"}},
	ChangeUsername:     {userResource, false, admins, outside, []string{ScopeUsersWrite, "user:*"}},
	ChangeEmail:        {userResource, true, admins, outside, []string{ScopeUsersWrite, "user:*"}},
	WritePreferences:   {userResource, true, admins, outside, []string{ScopeUsersWrite, "user:update_personal"}},
	SetUserPassword:    {userResource, true, admins, outside, nil},
	AssignUserRoles:    {userResource, false, admins, outside, nil},
	ChangeStatus:       {userResource, false, admins, outside, []string{ScopeUsersWrite, "user:*"}},
	WakeUp:             {anyResource, true, nobody, outside, []string{"*"}},
	LetSleep:           {userResource, false, nobody, outside, nil},
	ImportUsers:        {userResource, false, owners, outside, nil},
	DeleteUser:         {userResource, false, admins, outside, []string{ScopeUsersWrite, "user:*"}},
	EraseUser:          {userResource, false, owners, outside, nil},
	DeleteSelf:         {userResource, true, nobody, outside, []string{ScopeUsersWrite, "user:*"}},
	RecordActivities:   {userResource, true, admins, outside, []string{ScopeActivitiesRecord}},
	RecordParameters:   {userResource, true, owners, outside, []string{ScopeActivitiesRecord}},
	EndOwnSession:      {anyResource, true, nobody, outside, []string{"*"}},

	ReadKeys:   {keyResource, true, owners, outside, []string{ScopeUsersRead, ScopeKeysWrite, "api_key:read"}},
	CreateKeys: {keyResource, true, owners, outside, []string{ScopeKeysWrite, "api_key:create"}},
	UpdateKeys: {keyResource, true, owners, outside, []string{ScopeKeysWrite, "api_key:update"}},
	SweepKeys:  {keyResource, false, nobody, outside, nil},
	DeleteKeys: {keyResource, true, owners, outside, []string{ScopeKeysWrite, "api_key:delete"}},

	ReadSkills:   {skillResource, true, owners, outside, []string{"user_skill:read"}},
	CreateSkills: {skillResource, true, nobody, outside, []string{"user_skill:create"}},
	UpdateSkills: {skillResource, true, nobody, outside, []string{"user_skill:update"}},
	DeleteSkills: {skillResource, true, owners, outside, []string{"user_skill:delete"}},

	CreateOrganizations:    {organizationResource, false, owners, outside, []string{"organization:*"}},
	ReadOrganization:       {organizationResource, false, readers, orgMembers, []string{"organization:read"}},
	UpdateOrganizations:    {organizationResource, false, owners, orgOwners, []string{"organization:update"}},
	DeleteOrganizations:    {organizationResource, false, owners, orgOwners, []string{"organization:delete"}},
	ReadMembers:            {memberResource, true, readers, orgReaders, []string{"organization:read"}},
	ChangeMembers:          {memberResource, false, admins, orgAdmins, []string{"organization:update"}},
	GrantOrganizationRoles: {memberResource, false, admins, orgAdmins, nil},

	CreateWorkspaces: {workspaceResource, true, owners, outside, []string{"workspace:create"}},
	ReadWorkspaces:   {workspaceResource, true, readers, outside, []string{"workspace:read"}},
	UpdateWorkspaces: {workspaceResource, true, owners, outside, []string{"workspace:update"}},
	ReadGroups:       {groupResource, false, readers, outside, []string{ScopeUsersRead, "user:read"}},
	ChangeGroups:     {groupResource, false, admins, outside, []string{ScopeUsersWrite, "user:*"}},
	DeleteWorkspaces: {workspaceResource, true, owners, outside, []string{"workspace:delete"}},
}

// Allowed says whether the actor may do the action to what belongs to the user
// ownerID ("" for nobody in particular: an allow list must then hold the whole
// type). Three rights depend on more than that and are decided with the command:
// an owner's password and address are for owners alone, each role granted or taken
// is checked for itself, and a key can not make a key of wider reach.
func Allowed(actor Actor, action Action, ownerID string) bool {
	if actor.UserID == SystemActor {
		return true
	}
	r, ok := policy[action]
	if !ok || actor.UserID == "" || !scopeAllows(actor.Scopes, r.scopes) || !r.listed(actor.AllowList, ownerID) {
		return false
	}
	if r.self && actor.UserID == ownerID {
		return true
	}
	return actor.hasAny(r.others) || slices.ContainsFunc(actor.Memberships, func(m events.Membership) bool { return r.grantedBy(m) })
}

// AllowedIn says whether the actor may do the action to an organization, or to
// its members.
func AllowedIn(actor Actor, action Action, organizationID string) bool {
	if actor.UserID == SystemActor {
		return true
	}
	r, ok := policy[action]
	if !ok || actor.UserID == "" || !scopeAllows(actor.Scopes, r.scopes) || !r.listed(actor.AllowList, organizationID) {
		return false
	}
	return actor.hasAny(r.others) || slices.ContainsFunc(actor.Memberships, func(m events.Membership) bool {
		return m.Organization == organizationID && r.grantedBy(m)
	})
}

// listed says whether an allow list holds what an action is done to. Things
// whose id the list can not name are in it by their type alone.
func (r rule) listed(list []events.Resource, id string) bool {
	if len(list) == 0 || r.resource == anyResource {
		return true
	}
	if len(r.scopes) == 0 { // what asks for scope "all" asks for a key without a list, too
		return false
	}
	named := r.resource == userResource || r.resource == organizationResource
	return slices.ContainsFunc(list, func(e events.Resource) bool {
		if e.Type != r.resource && e.Type != "*" {
			return false
		}
		return e.ID == "*" || named && id != "" && e.ID == id
	})
}

// grantedBy says whether a place in an organization gives the right. Who is only
// invited has none there.
func (r rule) grantedBy(m events.Membership) bool {
	if slices.Contains(m.Roles, events.OrganizationInvitationPending) {
		return false
	}
	return slices.ContainsFunc(r.within, func(role string) bool {
		return role == events.OrganizationMember || slices.Contains(m.Roles, role)
	})
}

// Grantable says whether the actor may give or take a site role: of the listed
// roles a user-admin may touch none.
func Grantable(actor Actor, _ events.Role) bool {
	return actor.UserID == SystemActor || actor.has(events.RoleOwner)
}

// GrantableIn says whether the actor may give or take a role in an organization.
func GrantableIn(actor Actor, organizationID, role string) bool {
	if actor.UserID == SystemActor || actor.has(events.RoleOwner) {
		return true
	}
	modest := role == events.OrganizationMember || role == events.OrganizationWorkspaceAccess
	if modest && actor.has(events.RoleUserAdmin) {
		return true
	}
	return slices.ContainsFunc(actor.Memberships, func(m events.Membership) bool {
		return m.Organization == organizationID && (slices.Contains(m.Roles, events.OrganizationAdmin) ||
			modest && slices.Contains(m.Roles, events.OrganizationUserAdmin))
	})
}

func (a Actor) has(role events.Role) bool { return slices.Contains(a.Roles, role) }

func (a Actor) hasAny(roles []events.Role) bool {
	return slices.ContainsFunc(roles, func(role events.Role) bool { return a.has(role) })
}

// scopeAllows says whether one of the scopes held is one of those wanted, by
// itself, as a part of a composite, or as "type:*".
func scopeAllows(held, wanted []string) bool {
	if slices.Contains(wanted, "*") {
		return true
	}
	return slices.ContainsFunc(held, func(s string) bool {
		return s == ScopeAll || slices.ContainsFunc(wanted, func(w string) bool { return grants(s, w) })
	})
}

func forbidden(action Action) *Error {
	return &Error{Code: Forbidden, Reason: string(action), Message: "you are not allowed to do this"}
}
