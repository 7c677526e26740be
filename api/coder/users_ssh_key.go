package coder

import (
	"errors"
	"net/http"
	"time"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/query"
)

// sshKeyAnswer is the public half of a key pair.
type sshKeyAnswer struct {
	UserID    string    `json:"user_id"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	PublicKey string    `json:"public_key"`
}

// errSSHKey is what Coder answers here to who may not read the key.
var errSSHKey = refuse(http.StatusInternalServerError, failedSSHKey, "")

const failedSSHKey = "Internal error fetching user's SSH key."

func (h *Handler) getSSHKey(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	u, err := h.userFor(r, c, commands.ReadPersonal, errSSHKey)
	if err != nil {
		return err
	}
	key, err := h.Queries.SSHKey(r.Context(), u.ID)
	if errors.Is(err, query.ErrNotFound) { // the first use makes it
		res, err := h.Commands.EnsureSSHKey(r.Context(), gate.Request(r, c, Name), u.ID)
		return h.wroteSSHKey(w, r, res, err)
	}
	if err != nil {
		return broken(err, failedSSHKey)
	}
	write(w, http.StatusOK, sshKeyAnswer{u.ID, stamp(key.CreatedAt), stamp(key.UpdatedAt), key.PublicKey})
	return nil
}

func (h *Handler) regenerateSSHKey(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	u, err := h.userFor(r, c, commands.WritePersonal, errSSHKey)
	if err != nil {
		return err
	}
	res, err := h.Commands.RegenerateSSHKey(r.Context(), gate.Request(r, c, Name), u.ID)
	return h.wroteSSHKey(w, r, res, err)
}

func (h *Handler) wroteSSHKey(w http.ResponseWriter, r *http.Request, res commands.Result, err error) error {
	if err != nil {
		return broken(err, failedSSHKey)
	}
	h.Gate.Wrote(w, r, res)
	key := res.User.SSHKey
	write(w, http.StatusOK, sshKeyAnswer{res.User.ID, stamp(key.CreatedAt), stamp(key.UpdatedAt), key.PublicKey})
	return nil
}
