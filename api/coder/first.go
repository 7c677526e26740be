package coder

import (
	"net/http"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
)

// minEntropy is how strong a password must be, in bits.
const minEntropy = 52

var errFirstExists = refuse(http.StatusConflict, "The initial user has already been created.", "")

func (h *Handler) firstUser(w http.ResponseWriter, r *http.Request) error {
	exists, err := h.Commands.FirstUserExists(r.Context())
	if err != nil {
		return err
	}
	if !exists {
		return refuse(http.StatusNotFound, "The initial user has not been created!", "")
	}
	write(w, http.StatusOK, envelope{Message: "The initial user has already been created!"})
	return nil
}

func (h *Handler) createFirstUser(w http.ResponseWriter, r *http.Request) error {
	if err := h.Gate.AllowLogin(r, ""); err != nil {
		return err
	}
	b, err := readBody(w, r)
	if err != nil {
		return err
	}
	command := readFirstUser(b)
	if err := b.err(); err != nil {
		return err
	}
	request := gate.Request(r, gate.Caller{}, Name)
	if err := h.acceptable(r, request, command.Password); err != nil {
		return err
	}
	res, err := h.Commands.RegisterFirst(r.Context(), request, command)
	if err != nil {
		return refusedFirst(err)
	}
	h.Gate.Wrote(w, r, res)
	write(w, http.StatusCreated, map[string]string{
		"user_id":         res.User.ID,
		"organization_id": h.Commands.DefaultOrganization(),
	})
	return nil
}

func readFirstUser(b *body) commands.Register {
	command := commands.Register{
		Email: b.text("email"), Username: b.text("username"), Password: b.text("password"), Name: b.text("name"), SSHKey: true,
	}
	b.check("email", command.Email, required, email)
	b.check("username", command.Username, required, username)
	b.check("name", command.Name, realName)
	b.check("password", command.Password, required)
	// What is asked for a trial and for news is read and forgotten: there is neither.
	var asked map[string]any
	b.flag("trial")
	b.member("trial_info", "object", &asked)
	b.member("onboarding_info", "object", &asked)
	return command
}

// acceptable says that there is a first user before it says that a password is
// weak. A repeat under an Idempotency-Key goes through to its first answer.
func (h *Handler) acceptable(r *http.Request, request commands.Request, password string) error {
	exists, err := h.Commands.FirstUserExists(r.Context())
	if err != nil {
		return err
	}
	if exists && request.IdempotencyKey == "" {
		return errFirstExists
	}
	if exists {
		return nil
	}
	if weak := commands.CheckStrength(password, minEntropy); weak != nil {
		return weakPassword(weak)
	}
	return nil
}

func weakPassword(e *commands.Error) *answer {
	return refuse(http.StatusBadRequest, "Password is invalid", "", validation{Field: "password", Detail: e.Fields[0].Detail})
}

func refusedFirst(err error) error {
	e, ok := commands.AsError(err)
	if !ok {
		return err
	}
	if e.Code == commands.Conflict && e.Reason == "first-user-exists" {
		return errFirstExists
	}
	for _, f := range e.Fields {
		if e.Code == commands.Invalid && f.Field == "password" {
			return weakPassword(&commands.Error{Fields: []commands.FieldError{f}})
		}
	}
	return err
}
