package commands

import (
	"slices"
	"time"

	"github.com/rosterhq/roster/events"
)

// The commands on roles and on the state of an account.
type (
	assignRoles struct {
		roles []events.Role // sorted, each once
		// ruled are the users whose roles are their provider's to change; "" for none.
		ruled events.LoginType
	}
	suspendUser  struct{}
	activateUser struct{}
	deleteUser   struct{ own bool } // own: by the user
	// eraseUser ends an account, if it lives, and says that the person is forgotten.
	eraseUser struct{}
	// wakeUser is the use of a dormant account by its user.
	wakeUser struct{}
	// putToSleep is what becomes of an account that nobody used for long.
	putToSleep struct{ lastSeen time.Time }
)

func (wakeUser) actions(facts) []Action   { return []Action{WakeUp} }
func (putToSleep) actions(facts) []Action { return []Action{LetSleep} }

func (wakeUser) claims(User) []events.Claim   { return nil }
func (putToSleep) claims(User) []events.Claim { return nil }

func (assignRoles) actions(facts) []Action  { return []Action{AssignUserRoles} }
func (suspendUser) actions(facts) []Action  { return []Action{ChangeStatus} }
func (activateUser) actions(facts) []Action { return []Action{ChangeStatus} }

func (c deleteUser) actions(facts) []Action {
	if c.own {
		return []Action{DeleteSelf}
	}
	return []Action{DeleteUser}
}

func (c assignRoles) claims(u User) []events.Claim {
	if activeOwner(u.Status, u.Roles) == activeOwner(u.Status, c.roles) {
		return nil
	}
	return []events.Claim{ownersClaim()}
}

func (suspendUser) claims(u User) []events.Claim  { return registerOf(u) }
func (activateUser) claims(u User) []events.Claim { return registerOf(u) }

func (deleteUser) claims(u User) []events.Claim {
	return append(append(heldClaims(u), registerOf(u)...), skillsOfClaim(u.ID), workspacesOfClaim(u.ID))
}

func (eraseUser) actions(facts) []Action { return []Action{EraseUser} }

func (eraseUser) claims(u User) []events.Claim {
	if !u.exists() {
		return nil // its end released them
	}
	return deleteUser{}.claims(u)
}

func registerOf(u User) []events.Claim {
	if slices.Contains(u.Roles, events.RoleOwner) {
		return []events.Claim{ownersClaim()}
	}
	return nil
}

func decideRoles(u User, c assignRoles, f facts) (decision, *Error) {
	added, removed := without(c.roles, u.Roles), without(u.Roles, c.roles)
	if len(added)+len(removed) == 0 {
		return decision{}, nil
	}
	if c.ruled != "" && u.LoginType == c.ruled {
		return decision{}, &Error{
			Code: Precondition, Reason: "role-sync", Message: "the roles of this user come from the provider of identities, and are changed there",
		}
	}
	if err := grantable(f.actor, slices.Concat(added, removed)); err != nil {
		return decision{}, err
	}
	claims, err := f.moveOwner(u.ID, activeOwner(u.Status, u.Roles), activeOwner(u.Status, c.roles))
	if err != nil {
		return decision{}, err
	}
	return decision{
		events: []events.Payload{&events.UserRolesAssigned{Roles: c.roles, Added: added, Removed: removed}},
		claims: claims,
	}, nil
}

func decideSuspend(u User, f facts) (decision, *Error) {
	if u.Status == events.StatusSuspended {
		return decision{}, nil
	}
	claims, err := f.moveOwner(u.ID, activeOwner(u.Status, u.Roles), false)
	if err != nil {
		return decision{}, err
	}
	return decision{events: []events.Payload{&events.UserSuspended{}}, claims: claims}, nil
}

func decideActivate(u User, f facts) (decision, *Error) {
	if u.Status == events.StatusActive {
		return decision{}, nil
	}
	claims, err := f.moveOwner(u.ID, activeOwner(u.Status, u.Roles), activeOwner(events.StatusActive, u.Roles))
	if err != nil {
		return decision{}, err
	}
	return decision{events: []events.Payload{&events.UserActivated{}}, claims: claims}, nil
}

// decideWake: whoever is suspended stays so, whatever they use.
func decideWake(u User) (decision, *Error) {
	if u.Status != events.StatusDormant {
		return decision{}, nil
	}
	return decided(&events.UserActivated{})
}

func decidePutToSleep(u User, c putToSleep) (decision, *Error) {
	if u.Status != events.StatusActive {
		return decision{}, nil
	}
	return decided(&events.UserBecameDormant{LastSeenAt: c.lastSeen})
}

func decideDelete(u User, f facts) (decision, *Error) {
	workspaces := workspacesOfClaim(u.ID)
	if f.owned(workspaces) > 0 {
		return decision{}, &Error{Code: Precondition, Reason: "workspaces", Message: "a user who owns workspaces can not be deleted"}
	}
	claims, err := f.moveOwner(u.ID, activeOwner(u.Status, u.Roles), false)
	if err != nil {
		return decision{}, err
	}
	for _, name := range heldClaims(u) {
		claims = append(claims, f.release(name, u.ID)...)
	}
	claims = append(claims,
		f.take(skillsOfClaim(u.ID), ownerDeleted), // so that no skill comes after it
		f.take(workspaces, ownerDeleted))
	return decision{events: []events.Payload{&events.UserDeleted{}}, claims: claims}, nil
}

func decideErase(u User, f facts) (decision, *Error) {
	switch {
	case u.ID == "":
		return decision{}, errNoUser()
	case u.Erased:
		return decision{}, nil
	case !u.exists():
		return decided(&events.UserErased{})
	}
	d, err := decideDelete(u, f)
	if err != nil {
		return decision{}, err
	}
	d.events = append(d.events, &events.UserErased{})
	return d, nil
}
