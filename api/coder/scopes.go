package coder

import (
	"net/http"

	"github.com/rosterhq/roster/commands"
)

// publicScopes lists the scopes that tokens can have.
func (h *Handler) publicScopes(w http.ResponseWriter, _ *http.Request) error {
	write(w, http.StatusOK, map[string][]string{"external": commands.CoderScopes()})
	return nil
}
