package coder

import (
	"net/http"

	"github.com/rosterhq/roster/api/gate"
)

func (h *Handler) getLoginType(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	u, err := h.user(r, c)
	if err != nil {
		return err
	}
	if !c.Is(u.ID) {
		return refuse(http.StatusForbidden, "You are not authorized to view this user's login type.", "")
	}
	write(w, http.StatusOK, map[string]string{"login_type": string(u.LoginType)})
	return nil
}
