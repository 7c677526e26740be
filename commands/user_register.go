package commands

import (
	"github.com/rosterhq/roster/events"
)

// registerUser is a checked Register.
type registerUser struct {
	id        string
	commandID string // "" without an idempotency key
	forgotten string // who made this command more than a day ago, as far as is known
	first     bool   // the installation's first user
	number    int64

	username, email            string
	name, firstName, lastName  string
	avatar, language, password string // password is its hash
	loginType                  events.LoginType
	status                     events.Status
	confirmed                  bool
	roles                      []events.Role
	memberships                []events.Membership
	identities                 []events.Identity
	sshKey                     *events.UserSSHKeyPrivate // nil for none
}

func (c registerUser) actions(facts) []Action {
	switch {
	case c.first:
		return nil
	case len(c.roles) > 0:
		return []Action{CreateUser, AssignUserRoles}
	default:
		return []Action{CreateUser}
	}
}

func (c registerUser) claims(User) []events.Claim {
	out := c.names()
	if c.first {
		out = append(out, firstUserClaim())
	}
	if c.commandID != "" { // after the names: who finds those taken by a repeat finds this one, too
		out = append(out, commandClaim(c.commandID))
	}
	if activeOwner(c.status, c.roles) {
		out = append(out, ownersClaim())
	}
	return out
}

func (c registerUser) names() []events.Claim {
	return heldClaims(User{Username: c.username, Email: c.email, Identities: c.identities})
}

func decideRegister(u User, c registerUser, f facts) (decision, *Error) {
	if u.ID != "" {
		return decision{}, &Error{Code: Conflict, Reason: "id", Message: "this id is in use"}
	}
	if c.commandID != "" && f.claims[commandClaim(c.commandID)].Holder != c.forgotten {
		return decision{}, errDecideAgain
	}
	if c.first && f.claims[firstUserClaim()].Holder != "" {
		return decision{}, errFirstUserExists()
	}
	if err := grantable(f.actor, c.roles); err != nil && !c.first {
		return decision{}, err
	}
	if err := c.taken(f); err != nil {
		return decision{}, err
	}
	owners, err := f.moveOwner(c.id, false, activeOwner(c.status, c.roles))
	if err != nil {
		return decision{}, err
	}
	d := decision{events: []events.Payload{c.event()}, claims: owners}
	if c.sshKey != nil {
		d.events = append(d.events, &events.UserSSHKeyGenerated{Sealed: events.Seal(*c.sshKey)})
	}
	for _, name := range c.names() {
		d.claims = append(d.claims, f.take(name, c.id))
	}
	if c.first {
		d.claims = append(d.claims, f.take(firstUserClaim(), c.id))
	}
	if c.commandID != "" {
		d.claims = append(d.claims, f.take(commandClaim(c.commandID), c.id))
	}
	return d, nil
}

func (c registerUser) event() *events.UserRegistered {
	return &events.UserRegistered{
		Sealed: events.Seal(events.UserRegisteredPrivate{
			Username: c.username, Email: c.email, Name: c.name, FirstName: c.firstName, LastName: c.lastName,
			Avatar: c.avatar, Language: c.language, PasswordHash: c.password, Identities: c.identities,
		}),
		Number: c.number, LoginType: c.loginType, Status: c.status, Confirmed: c.confirmed,
		Roles: c.roles, Memberships: c.memberships,
	}
}

func (c registerUser) taken(f facts) *Error {
	var p problems
	if f.takenByOther(usernameClaim(c.username), c.id) {
		p.add("username", "taken", "this username is already in use")
	}
	if c.email != "" && f.takenByOther(emailClaim(c.email), c.id) {
		p.add("email", "taken", "this e-mail address is already in use")
	}
	for _, id := range c.identities {
		if f.takenByOther(identityClaim(id), c.id) {
			p.add("identities", "taken", "this identity belongs to another user")
			break
		}
	}
	return p.conflict()
}

// conflict returns the refusal for names that others hold, or nil.
func (p *problems) conflict() *Error {
	if len(p.fields) == 0 {
		return nil
	}
	return &Error{Code: Conflict, Reason: "taken", Message: "a user with these names exists", Fields: p.fields}
}

func errFirstUserExists() *Error {
	return &Error{Code: Conflict, Reason: "first-user-exists", Message: "the first user exists already"}
}

func errNotGrantable(role string) *Error {
	return &Error{Code: Forbidden, Reason: "role", Message: "you are not allowed to grant or revoke the role " + role}
}

func grantable(actor Actor, roles []events.Role) *Error {
	for _, r := range roles {
		if !Grantable(actor, r) {
			return errNotGrantable(string(r))
		}
	}
	return nil
}
