package coder

import (
	"net/http"
	"slices"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

func (h *Handler) setPassword(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	if err := h.Gate.AllowLogin(r, ""); err != nil { // an old password could be guessed here
		return err
	}
	u, err := h.userFor(r, c, commands.SetUserPassword, errNotFound)
	if err != nil {
		return err
	}
	if !c.Is(u.ID) && slices.Contains(u.Roles, events.RoleOwner) && !c.HasRole(events.RoleOwner) {
		return errOwnerPassword
	}
	command, err := readPassword(w, r, c, u)
	if err != nil {
		return err
	}
	res, err := h.Commands.SetPassword(r.Context(), gate.Request(r, c, Name), command)
	if err != nil {
		return refusedPassword(err)
	}
	h.Gate.WroteCredentials(w, r, res)
	noContent(w)
	return nil
}

var (
	errOwnerPassword = refuse(http.StatusBadRequest, "Only owners can change the password of an owner.", "")
	errNoPassword    = refuse(http.StatusBadRequest, "Users without password login type cannot change their password.", "")
	errOldRequired   = refuse(http.StatusBadRequest, "Old password is required.", "")
	errOldWrong      = refuse(http.StatusBadRequest, "Old password is incorrect.", "",
		validation{Field: "old_password", Detail: "Old password is incorrect."})
	errSamePassword = refuse(http.StatusBadRequest, "New password cannot match old password.", "")
)

func readPassword(w http.ResponseWriter, r *http.Request, c gate.Caller, u query.User) (commands.SetPassword, error) {
	b, err := readBody(w, r)
	if err != nil {
		return commands.SetPassword{}, err
	}
	command := commands.SetPassword{UserID: u.ID, Old: b.text("old_password"), New: b.text("password"), Revoke: true, Different: true}
	b.check("password", command.New, required)
	if err := b.err(); err != nil {
		return commands.SetPassword{}, err
	}
	switch {
	case u.LoginType != events.LoginPassword:
		return commands.SetPassword{}, errNoPassword
	case c.Is(u.ID) && command.Old == "":
		return commands.SetPassword{}, errOldRequired
	}
	if weak := commands.CheckStrength(command.New, minEntropy); weak != nil {
		return commands.SetPassword{}, invalidPassword(weak)
	}
	return command, nil
}

func invalidPassword(e *commands.Error) *answer {
	return refuse(http.StatusBadRequest, "Invalid password.", "", validation{Field: "password", Detail: e.Fields[0].Detail})
}

func refusedPassword(err error) error {
	e, ok := commands.AsError(err)
	if !ok {
		return err
	}
	switch {
	case e.Reason == "owner-password":
		return errOwnerPassword
	case e.Reason == "login-type":
		return errNoPassword
	case e.Reason == "same-password":
		return errSamePassword
	case e.Code == commands.Invalid && len(e.Fields) > 0 && e.Fields[0].Field == "oldPassword":
		if e.Fields[0].Rule == "required" {
			return errOldRequired
		}
		return errOldWrong
	case e.Code == commands.Invalid && len(e.Fields) > 0:
		return invalidPassword(e)
	case e.Code == commands.Forbidden:
		return errNotFound
	}
	return err
}

// passwordVerdict says whether a password would be accepted.
type passwordVerdict struct {
	Valid   bool   `json:"valid"`
	Details string `json:"details"`
}

func (h *Handler) validatePassword(w http.ResponseWriter, r *http.Request) error {
	if err := h.Gate.AllowLogin(r, ""); err != nil {
		return err
	}
	b, err := readBody(w, r)
	if err != nil {
		return err
	}
	password := b.text("password")
	b.check("password", password, required)
	if err := b.err(); err != nil {
		return err
	}
	verdict := passwordVerdict{Valid: true}
	if weak := commands.CheckStrength(password, minEntropy); weak != nil {
		verdict = passwordVerdict{Details: weak.Fields[0].Detail}
	}
	write(w, http.StatusOK, verdict)
	return nil
}
