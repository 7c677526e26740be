// Package signintest runs providers of identities for tests: one of OpenID
// Connect, true to its Core and Discovery and to RFC 7636, and one that answers
// as GitHub documents it. Both keep their own secrets, codes and keys, check
// whatever a real one checks, and fail on demand.
package signintest

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func oauthError(w http.ResponseWriter, status int, code, description string) {
	write(w, status, map[string]string{"error": code, "error_description": description})
}

// back sends a browser back to the client.
func back(w http.ResponseWriter, r *http.Request, query url.Values) {
	q := r.URL.Query()
	query.Set("state", q.Get("state"))
	w.Header().Set("Location", q.Get("redirect_uri")+"?"+query.Encode())
	w.WriteHeader(http.StatusFound)
}

func secret(kind string) string { return kind + "-" + strings.ToLower(rand.Text()) }

// counter counts calls by path.
type counter map[string]int
