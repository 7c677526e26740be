package api

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/gorilla/mux"

	"github.com/rosterhq/roster/api/gate"
	v1 "github.com/rosterhq/roster/api/v1"
)

// owner names the dialect that a path belongs to.
func owner(path string) string {
	switch {
	case under(path, "/api/auth"), strings.HasPrefix(path, "/api/user/") && !ofPM415(path):
		return codimirName
	case under(path, "/api/v2"), under(path, "/api/experimental"):
		return coderName
	case under(path, "/api/v1"):
		return abfName
	case under(path, "/api/v3"):
		return runwhenName
	case under(path, "/api"):
		return pm415Name
	default:
		return v1.Name
	}
}

// ofPM415 says that a path below /api/user/ is another dialect's than the rest.
func ofPM415(path string) bool {
	return under(path, "/api/user/apikey") || under(path, "/api/user/orgs")
}

func under(path, root string) bool {
	rest, ok := strings.CutPrefix(path, root)
	return ok && (rest == "" || rest[0] == '/')
}

// refuse answers in the form of the path's dialect.
func (s *surface) refuse(w http.ResponseWriter, r *http.Request, f gate.Refusal) {
	if d, ok := s.dialects[owner(r.URL.Path)]; ok {
		d.Refuse(w, r, f)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.Status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": f.Message})
}

func (s *surface) notFound(w http.ResponseWriter, r *http.Request) {
	s.refuse(w, r, gate.Refusal{Status: http.StatusNotFound, Code: "not-found", Message: "there is nothing at this path"})
}

var methods = []string{
	http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
}

func (s *surface) methodNotAllowed(router *mux.Router) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		allow := offered(router, r)
		if len(allow) == 0 {
			s.notFound(w, r)
			return
		}
		w.Header().Set("Allow", strings.Join(allow, ", "))
		s.refuse(w, r, gate.Refusal{
			Status: http.StatusMethodNotAllowed, Code: "method-not-allowed", Allow: allow,
			Message: "this path does not offer the method",
		})
	})
}

// offered lists the methods of a path.
func offered(router *mux.Router, r *http.Request) []string {
	var allow []string
	for _, method := range methods {
		probe := *r
		probe.Method = method
		var match mux.RouteMatch
		if !router.Match(&probe, &match) || match.MatchErr != nil || match.Route == nil {
			continue
		}
		allow = append(allow, method)
		if method == http.MethodGet {
			allow = append(allow, http.MethodHead)
		}
	}
	return allow
}
