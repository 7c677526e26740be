package coder

import (
	"net/http"

	"go.uber.org/zap"

	"github.com/rosterhq/roster/signin"
)

// gitHubDevice begins a sign-in that is confirmed on another device.
func (h *Handler) gitHubDevice(w http.ResponseWriter, r *http.Request) error {
	if h.SignIn.GitHub == nil {
		return refuse(http.StatusBadRequest, "Github OAuth2 is not enabled.", "")
	}
	if !h.SignIn.GitHub.DeviceFlow() {
		return refuse(http.StatusBadRequest, "Device flow is not enabled for Github OAuth2.", "")
	}
	if err := h.Gate.AllowLogin(r, ""); err != nil {
		return err
	}
	device, err := h.SignIn.GitHub.BeginDevice(r.Context())
	if e, ok := signin.AsError(err); ok {
		h.Logger.Warn("a sign-in by device can not begin", zap.Error(e))
		return refuse(http.StatusInternalServerError, "Failed to authorize device.", e.Code)
	}
	if err != nil {
		return err
	}
	write(w, http.StatusOK, device)
	return nil
}
