package v1

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/api/v1/client"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

// rotateMasterKey changes the master key of an installation that keeps it itself.
func (h *Handler) rotateMasterKey(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	switch {
	case !commands.Allowed(c.Actor, commands.RotateMasterKey, ""):
		return refuse(http.StatusForbidden, string(commands.Forbidden), "this is for owners, by a session or a key with scope all")
	case h.Master == nil:
		return refuse(http.StatusConflict, string(commands.Precondition),
			"the master key of this installation is a setting: give the servers both, as docs/operations.md says, and run roster keys rotate")
	}
	// It takes a write and an overwrite for each user.
	if err := http.NewResponseController(w).SetWriteDeadline(time.Time{}); err != nil {
		return fmt.Errorf("rotate the master key: %w", err)
	}
	done, err := h.Master.Rotate(r.Context())
	if errors.Is(err, events.ErrConflict) {
		return refuse(http.StatusConflict, string(commands.Conflict), "the master key is being changed already")
	}
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, client.MasterKeyRotation{
		MasterKey: done.MasterKey, Wrapped: int64(done.Wrapped), Destroyed: int64(done.Destroyed), Unreadable: append([]string{}, done.Unreadable...),
	})
}
