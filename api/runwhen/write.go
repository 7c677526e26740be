package runwhen

import (
	"net/http"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// putUser answers PUT: username and e-mail must be there, names that are not become
// empty, and what can only be read is passed over, so that a body that was read can
// be sent back.
func (h *Handler) putUser(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	return h.update(w, r, c, (*change).replace)
}

// patchUser answers PATCH: what is absent stays.
func (h *Handler) patchUser(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	return h.update(w, r, c, (*change).merge)
}

func (h *Handler) update(w http.ResponseWriter, r *http.Request, c gate.Caller, read func(*change)) error {
	b, err := readBody(w, r, false)
	if err != nil {
		return err
	}
	u, found, err := h.userNamed(r, &b.problems)
	if err != nil {
		return err
	}
	wanted := change{body: b, user: u, command: commands.UpdateUser{UserID: u.ID}}
	read(&wanted)
	switch {
	case b.err() != nil:
		return b.err()
	case !found:
		return errNoUser
	}
	if err := h.mayWrite(r, c, u); err != nil {
		return err
	}
	res, err := h.Commands.UpdateUser(r.Context(), gate.Request(r, c, Name), wanted.command)
	if err != nil {
		return err
	}
	if wanted.command.Active != nil {
		h.Gate.WroteCredentials(w, r, res)
	} else {
		h.Gate.Wrote(w, r, res)
	}
	a, err := h.written(r.Context(), res.User)
	if err != nil {
		return err
	}
	return succeed(w, http.StatusOK, a)
}

// mayWrite refuses who is neither the user nor staff: with 404 who may not even see
// the user.
func (h *Handler) mayWrite(r *http.Request, c gate.Caller, u query.User) error {
	if c.Is(u.ID) || staff(c.Actor.Roles) {
		return nil // the rest is the policy's
	}
	if err := h.seen(r.Context(), c, u, commands.ReadUser, errNoUser); err != nil {
		return err
	}
	return errForbidden
}

// change is what a write asks for.
type change struct {
	*body
	user    query.User // as it is
	command commands.UpdateUser
}

// replace reads a PUT.
func (c *change) replace() {
	if m := c.need("username"); m.given {
		c.setUsername(m)
	}
	switch m := c.emailMember("email", "primaryEmail", "primary_email"); {
	case m.given:
		c.setEmail(m)
	default:
		c.need("email")
	}
	c.command.FirstName, c.command.LastName = new(string), new(string)
	c.rest()
}

// merge reads a PATCH.
func (c *change) merge() {
	if m := c.member("username"); m.present() {
		c.setUsername(m)
	}
	if m := c.emailMember("primaryEmail", "primary_email", "email"); m.given {
		c.setEmail(m)
	}
	c.rest()
}

func (c *change) setUsername(m member) {
	if s, ok := c.username(m, c.user.Username); ok {
		c.command.Username = &s
	}
}

// emailMember finds the address under its names. Of several, one that says something
// new counts: a body that was read has the old one under each of them.
func (c *change) emailMember(names ...string) member {
	var first member
	for _, name := range names {
		m := c.member(name)
		if !m.given {
			continue
		}
		if !first.given {
			first = m
		}
		if string(m.raw) != string(quoted(c.user.Email)) && (c.user.Email != "" || !m.null()) {
			return m
		}
	}
	return first
}

func (c *change) setEmail(m member) {
	if m.null() {
		c.command.Email = new(string)
		return
	}
	if s, ok := c.email(m); ok {
		c.command.Email = &s
	}
}

// rest reads the members that both writes treat alike. null empties what can be
// null, and changes nothing else.
func (c *change) rest() {
	for _, name := range []struct {
		names []string
		into  **string
	}{
		{[]string{"firstName", "first_name"}, &c.command.FirstName},
		{[]string{"lastName", "last_name"}, &c.command.LastName},
	} {
		if m := c.member(name.names...); m.present() {
			if s, ok := c.text(m, 0, mostName); ok {
				*name.into = &s
			}
		}
	}
	if m := c.member("avatarUrl", "avatar_url"); m.given {
		c.setAvatar(m)
	}
	c.extra()
	if m := c.member("isActive", "is_active"); m.present() {
		c.setActive(m)
	}
}

func (c *change) setAvatar(m member) {
	if m.null() {
		c.command.Avatar = new(string)
		return
	}
	if s, ok := c.url(m); ok {
		c.command.Avatar = &s
	}
}

// extra reads what only this dialect knows of a user.
func (c *change) extra() {
	changes := map[string]any{}
	if m := c.member("escalationMessage", "escalation_message"); m.present() {
		if s, ok := c.text(m, 0, mostMessage); ok {
			changes["escalationMessage"] = s
		}
	} else if m.given {
		changes["escalationMessage"] = nil
	}
	if m := c.member("optOutPublicGroup", "opt_out_public_group"); m.present() {
		if value, ok := c.truth(m); ok {
			changes["optOutPublicGroup"] = value
		}
	}
	if len(changes) > 0 {
		c.command.Preferences = []commands.UpdatePreferences{{Dialect: Name, Changes: changes}}
	}
}

// setActive leaves out what is so already: others than staff may say it.
func (c *change) setActive(m member) {
	active, ok := c.truth(m)
	if ok && active != (c.user.Status != events.StatusSuspended) {
		c.command.Active = &active
	}
}

// deleteUser answers DELETE.
func (h *Handler) deleteUser(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	u, err := h.existing(r)
	if err != nil {
		return err
	}
	if err := h.mayWrite(r, c, u); err != nil {
		return err
	}
	var res commands.Result
	request := gate.Request(r, c, Name)
	if c.Is(u.ID) {
		res, err = h.Commands.DeleteSelf(r.Context(), request)
	} else {
		res, err = h.Commands.Delete(r.Context(), request, u.ID)
	}
	if err != nil {
		return err
	}
	h.Gate.WroteCredentials(w, r, res)
	return noContent(w)
}
