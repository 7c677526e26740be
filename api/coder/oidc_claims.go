package coder

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

const failedLink = "Failed to get user link."

// oidcClaims shows callers what their provider said of them at the last sign-in.
func (h *Handler) oidcClaims(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	u, err := h.Queries.User(r.Context(), query.UserRef{ID: c.UserID()})
	if err != nil {
		return err
	}
	if u.LoginType != events.LoginOIDC {
		return refuse(http.StatusBadRequest, "User is not an OIDC user.", "")
	}
	if !tiedTo(u, events.LoginOIDC) {
		return refuse(http.StatusInternalServerError, failedLink, "")
	}
	claims, err := h.Queries.ProviderClaims(r.Context(), u.ID)
	if errors.Is(err, query.ErrNotFound) || err == nil && len(claims) == 0 {
		claims, err = json.RawMessage("{}"), nil
	}
	if err != nil {
		return broken(err, failedLink)
	}
	write(w, http.StatusOK, map[string]json.RawMessage{"claims": claims})
	return nil
}

func tiedTo(u query.User, t events.LoginType) bool {
	for _, identity := range u.Identities {
		if identity.Provider == string(t) {
			return true
		}
	}
	return false
}
