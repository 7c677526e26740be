package coder

import "net/http"

// noContent answers a change that leaves nothing to say.
func noContent(w http.ResponseWriter) {
	w.Header().Set("X-Coder-Build-Version", buildVersion)
	w.WriteHeader(http.StatusNoContent)
}
