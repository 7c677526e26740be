package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/rosterhq/roster/api/crowd"
	"github.com/rosterhq/roster/api/gate"
)

// bodyPatience is how long a client may take to send a body of usual size.
const bodyPatience = 30 * time.Second

// admit gives each request a place among those that are worked at, and refuses what
// is too much in the form of the path's dialect.
func (s *surface) admit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		gate.Patience(w, bodyPatience)
		if always(r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		in, place, err := s.crowd.Enter(r)
		if err != nil {
			s.tooMany(w, r)
			return
		}
		defer place.Leave()
		if seen, ok := w.(*writer); ok {
			seen.place = place
		}
		next.ServeHTTP(w, in)
	})
}

// always lists what is answered however busy it is, since it tells of that.
func always(path string) bool {
	return path == "/healthz" || path == "/readyz" || path == "/metrics"
}

func (s *surface) tooMany(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Retry-After", strconv.Itoa(int(crowd.RetryAfter.Seconds())))
	s.refuse(w, r, gate.Refusal{
		Status: http.StatusServiceUnavailable, Code: "unavailable", RetryAfter: crowd.RetryAfter,
		Message: "too many requests at once, try again",
	})
}
