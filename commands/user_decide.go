package commands

import (
	"time"

	"github.com/rosterhq/roster/events"
)

// userCommand is a command whose form is in order and to which everything
// impure was added: ids, hashes, the number. It is decided by decideUser.
type userCommand interface {
	// actions are what the policy table must allow.
	actions(facts) []Action
	// claims are the claims that the decision asks about.
	claims(User) []events.Claim
}

// within is what a command on a user's place in an organization has beside: it
// needs rights in that organization.
type within interface{ within() string }

// authorized asks the policy table about a command on a user.
func authorized(actor Actor, c userCommand, userID string) *Error {
	for _, action := range c.actions(facts{actor: actor}) {
		allowed := Allowed(actor, action, userID)
		if w, ok := c.(within); ok {
			allowed = AllowedIn(actor, action, w.within())
		}
		if !allowed {
			return forbidden(action)
		}
	}
	return nil
}

// facts are what a decision may know beside the state and the command.
type facts struct {
	now    time.Time
	actor  Actor
	claims map[events.Claim]events.ClaimState
}

// decision is what a command leads to. Without events nothing is to be stored.
type decision struct {
	events []events.Payload
	claims []events.ClaimChange
	key    Key // the session or key concerned
	swept  int // how many sessions and keys went
	// sealedFor is the user under whose key the private parts lie, where the
	// aggregate is no user.
	sealedFor string
}

func decided(payloads ...events.Payload) (decision, *Error) { return decision{events: payloads}, nil }

// decideUser is the list of what can happen to a user.
func decideUser(u User, command userCommand, f facts) (decision, *Error) {
	if c, ok := command.(registerUser); ok {
		return decideRegister(u, c, f)
	}
	if c, ok := command.(importUser); ok {
		return decideImport(u, c, f)
	}
	if _, ok := command.(eraseUser); ok {
		return decideErase(u, f)
	}
	if !u.exists() {
		return decision{}, errNoUser()
	}
	switch c := command.(type) {
	case updateUser:
		return decideUpdate(u, c, f)
	case updatePreferences:
		return decidePreferences(u, c)
	case setPassword:
		return decidePassword(u, c, f)
	case assignRoles:
		return decideRoles(u, c, f)
	case addMember:
		return decideAddMember(u, c, f)
	case removeMember:
		return decideRemoveMember(u, c, f)
	case assignOrganizationRoles:
		return decideOrganizationRoles(u, c, f)
	case rehashPassword:
		return decideRehash(u, c), nil
	case wakeUser:
		return decideWake(u)
	case putToSleep:
		return decidePutToSleep(u, c)
	case suspendUser:
		return decideSuspend(u, f)
	case activateUser:
		return decideActivate(u, f)
	case deleteUser:
		return decideDelete(u, f)
	case openSession:
		return decideOpenSession(u, c, f)
	case closeSession:
		return decideCloseSession(u, c)
	case createKey:
		return decideCreateKey(u, c, f)
	case regenerateKey:
		return decideRegenerateKey(u, c, f)
	case expireKey:
		return decideExpireKey(u, c, f)
	case deleteKey:
		return decideDeleteKey(u, c)
	case sweepKeys:
		return decideSweep(u, c)
	}
	return decidePossession(u, command, f)
}

// decidePossession is the part of that list about what a user has and signs in by.
func decidePossession(u User, command userCommand, f facts) (decision, *Error) {
	switch c := command.(type) {
	case confirmUser:
		return decideConfirm(u)
	case refreshSession:
		return decideRefresh(u, c, f)
	case setReadableKey:
		return decideReadableKey(u, c, f)
	case generateSSHKey:
		return decideSSHKey(u, c)
	case recordParameter:
		return decideParameter(c)
	case requestPasscode:
		return decideRequestPasscode(u, c, f)
	case usePasscode:
		return decideUsePasscode(u, c, f)
	case resetPassword:
		return decideResetPassword(u, c, f)
	case signInWith:
		return decideSignInWith(u, c, f)
	case renewTokens:
		return decideRenewTokens(u, c)
	}
	panic("commands: no decision for this command") // a mistake of the programmer
}

func errNoUser() *Error {
	return &Error{Code: NotFound, Reason: "user", Message: "there is no such user"}
}

// errDecideAgain says that what a command was built from is no longer so. It never
// leaves the package.
var errDecideAgain = &Error{Code: Conflict, Reason: "race", Message: "this command was executed meanwhile"}
