package commands

import (
	"reflect"

	"github.com/rosterhq/roster/events"
)

// updateUser is a checked UpdateUser.
type updateUser struct {
	UpdateUser
	password string // the hash of the new one; "" where it stays
}

func (c updateUser) actions(facts) []Action {
	var out []Action
	if c.Name != nil || c.FirstName != nil || c.LastName != nil || c.Avatar != nil || c.Language != nil {
		out = append(out, WriteUser)
	}
	if c.Email != nil {
		out = append(out, ChangeEmail)
	}
	if len(c.Preferences) > 0 {
		out = append(out, WritePreferences)
	}
	if c.Active != nil {
		out = append(out, ChangeStatus)
	}
	if c.Password != nil {
		out = append(out, SetUserPassword)
	}
	if len(out) == 0 && c.Username == nil {
		out = append(out, WriteUser)
	}
	return out // whether the username changes is known with the state: see decideUpdate
}

func (c updateUser) claims(u User) []events.Claim {
	var out []events.Claim
	if c.Username != nil && fold(*c.Username) != fold(u.Username) {
		out = append(out, usernameClaim(u.Username), usernameClaim(*c.Username))
	}
	if c.Email != nil && fold(*c.Email) != fold(u.Email) {
		if u.Email != "" {
			out = append(out, emailClaim(u.Email))
		}
		if *c.Email != "" {
			out = append(out, emailClaim(*c.Email))
		}
	}
	if c.Active != nil {
		out = append(out, registerOf(u)...)
	}
	return out
}

func decideUpdate(u User, c updateUser, f facts) (decision, *Error) {
	if err := c.renaming(u, f); err != nil {
		return decision{}, err
	}
	if err := c.taken(u, f); err != nil {
		return decision{}, err
	}
	var d decision
	if p := changedProfile(u, c.UpdateUser); p != nil {
		d.events = append(d.events, p)
	}
	if c.Username != nil && *c.Username != u.Username {
		d.events = append(d.events, &events.UserUsernameChanged{
			Sealed: events.Seal(events.UserUsernameChangedPrivate{Username: *c.Username}),
		})
		d.claims = append(d.claims, f.moveName(usernameClaim(u.Username), usernameClaim(*c.Username), u.ID)...)
	}
	if c.Email != nil && *c.Email != u.Email {
		if err := ownersAddress(u, f); err != nil {
			return decision{}, err
		}
		d.events = append(d.events, &events.UserEmailChanged{
			Sealed: events.Seal(events.UserEmailChangedPrivate{Email: *c.Email}),
		})
		d.claims = append(d.claims, f.moveName(emailClaim(u.Email), emailClaim(*c.Email), u.ID)...)
	}
	for _, preferences := range c.Preferences {
		if p := changedPreferences(u, preferences); p != nil {
			d.events = append(d.events, p)
		}
	}
	if c.password != "" {
		if err := passwordSettable(u, f); err != nil {
			return decision{}, err
		}
		d.events = append(d.events, passwordDecided(u, c.password, false, f).events...)
	}
	if c.Active == nil {
		return d, nil
	}
	status, err := c.status(u, f)
	d.events, d.claims = append(d.events, status.events...), append(d.claims, status.claims...)
	return d, err
}

// ownersAddress leaves the address of an owner to owners: whoever reads its mail
// sets the password by it.
func ownersAddress(u User, f facts) *Error {
	if forOwnersAlone(u, f.actor) {
		return &Error{Code: Forbidden, Reason: "owner-email", Message: "only owners can change the e-mail address of an owner"}
	}
	return nil
}

// status is the part of an update that suspends or activates. Who sleeps is active
// enough.
func (c updateUser) status(u User, f facts) (decision, *Error) {
	switch {
	case !*c.Active:
		return decideSuspend(u, f)
	case u.Status == events.StatusSuspended:
		return decideActivate(u, f)
	}
	return decision{}, nil
}

// renaming refuses another username to who may not change it; sending the one
// that is there needs the right to write alone.
func (c updateUser) renaming(u User, f facts) *Error {
	if c.Username == nil || Allowed(f.actor, ChangeUsername, u.ID) {
		return nil
	}
	if *c.Username == u.Username && Allowed(f.actor, WriteUser, u.ID) {
		return nil
	}
	return forbidden(ChangeUsername)
}

func (c updateUser) taken(u User, f facts) *Error {
	var p problems
	if c.Username != nil && f.takenByOther(usernameClaim(*c.Username), u.ID) {
		p.add("username", "taken", "this username is already in use")
	}
	if c.Email != nil && *c.Email != "" && f.takenByOther(emailClaim(*c.Email), u.ID) {
		p.add("email", "taken", "this e-mail address is already in use")
	}
	return p.conflict()
}

// moveName releases one name and claims another. A change of case alone keeps
// the claim; an empty name has none.
func (f facts) moveName(from, to events.Claim, id string) []events.ClaimChange {
	if from == to {
		return nil
	}
	var out []events.ClaimChange
	if from.Value != "" {
		out = append(out, f.release(from, id)...)
	}
	if to.Value != "" {
		out = append(out, f.take(to, id))
	}
	return out
}

// changedProfile returns the event for the members that differ, or nil.
func changedProfile(u User, c UpdateUser) *events.UserProfileUpdated {
	var p events.UserProfileUpdated
	differs := func(field, is string, wanted *string) *string {
		if wanted == nil || *wanted == is {
			return nil
		}
		p.Fields = append(p.Fields, field)
		return wanted
	}
	p.Private.Name = differs("name", u.Name, c.Name)
	p.Private.FirstName = differs("firstName", u.FirstName, c.FirstName)
	p.Private.LastName = differs("lastName", u.LastName, c.LastName)
	p.Private.Avatar = differs("avatar", u.Avatar, c.Avatar)
	p.Private.Language = differs("language", u.Language, c.Language)
	if len(p.Fields) == 0 {
		return nil
	}
	return &p
}

// updatePreferences is a checked UpdatePreferences.
type updatePreferences struct{ UpdatePreferences }

func (c updatePreferences) actions(facts) []Action     { return []Action{WritePreferences} }
func (c updatePreferences) claims(User) []events.Claim { return nil }

func decidePreferences(u User, c updatePreferences) (decision, *Error) {
	if p := changedPreferences(u, c.UpdatePreferences); p != nil {
		return decided(p)
	}
	return decision{}, nil
}

// changedPreferences returns the event for the preferences that differ, or nil.
func changedPreferences(u User, c UpdatePreferences) *events.UserPreferencesUpdated {
	p := events.UserPreferencesUpdated{Dialect: c.Dialect}
	values := u.Preferences[c.Dialect].Values
	for name, value := range c.Changes {
		old, set := values[name]
		if (value == nil && !set) || (set && reflect.DeepEqual(old, value)) {
			continue
		}
		if p.Private.Changes == nil {
			p.Private.Changes = map[string]any{}
		}
		p.Private.Changes[name] = value
	}
	if c.Language != nil && *c.Language != u.Language {
		p.Private.Language = c.Language
	}
	// The first command makes the record, whatever it says.
	if _, known := u.Preferences[c.Dialect]; known && p.Private.Changes == nil && p.Private.Language == nil {
		return nil
	}
	return &p
}
