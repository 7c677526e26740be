package coder

import (
	"net/http"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

func (h *Handler) updateProfile(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	u, err := h.userFor(r, c, commands.WriteUser, errNotFound)
	if err != nil {
		return err
	}
	command, err := readProfile(w, r, u)
	if err != nil {
		return err
	}
	if *command.Username != u.Username && !may(c, commands.ChangeUsername, u.ID) {
		return errNotFound
	}
	res, err := h.Commands.UpdateUser(r.Context(), gate.Request(r, c, Name), command)
	if err != nil {
		return refusedProfile(err)
	}
	h.Gate.Wrote(w, r, res)
	write(w, http.StatusOK, changedUser(u, res.User))
	return nil
}

// readProfile reads a replacement: a name left out is cleared. The avatar is
// newer than many clients, so that one left out stays, and providers keep theirs.
func readProfile(w http.ResponseWriter, r *http.Request, u query.User) (commands.UpdateUser, error) {
	b, err := readBody(w, r)
	if err != nil {
		return commands.UpdateUser{}, err
	}
	wanted, name := b.text("username"), b.text("name")
	avatar := b.optional("avatar_url")
	b.check("username", wanted, required, username)
	b.check("name", name, realName)
	if u.LoginType != events.LoginPassword && u.LoginType != events.LoginNone {
		avatar = nil
	}
	return commands.UpdateUser{UserID: u.ID, Username: &wanted, Name: &name, Avatar: avatar}, b.err()
}

func refusedProfile(err error) error {
	e, ok := commands.AsError(err)
	if !ok {
		return err
	}
	switch {
	case e.Code == commands.Conflict && e.Reason == "taken":
		return refuse(http.StatusConflict, "A user with this username already exists.", "",
			validation{Field: "username", Detail: "This username is already in use."})
	case e.Code == commands.Forbidden:
		return errNotFound
	case e.Code == commands.Invalid && len(e.Fields) > 0 && e.Fields[0].Field == "avatar":
		return refuse(http.StatusBadRequest, "Validation failed.", "", validation{Field: "avatar_url", Detail: e.Fields[0].Detail})
	}
	return err
}
