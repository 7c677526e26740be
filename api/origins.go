package api

import (
	"net/http"

	"github.com/rs/cors"
)

// preflightAge is for how many seconds a browser may remember what is allowed.
const preflightAge = 600

// callsOfPages lets pages of listed origins call with a token of their own.
// Cookies stay out of it: a page of another origin never acts with a session that
// the browser holds.
func callsOfPages(origins []string, next http.Handler) http.Handler {
	if len(origins) == 0 {
		return next
	}
	return cors.New(cors.Options{
		AllowedOrigins: origins,
		AllowedMethods: []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete},
		AllowedHeaders: []string{"*"},
		ExposedHeaders: []string{
			"ETag", "Link", "Location", "Retry-After", "X-Request-Id", "Roster-Position", "Roster-Stale", "Roster-Reason",
			"X-Coder-Build-Version", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset",
		},
		MaxAge: preflightAge,
	}).Handler(next)
}
