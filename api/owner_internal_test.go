package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/rosterhq/roster/api/crowd"
	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/query"
)

// all is the surface with every dialect, and nothing behind it.
func all(t *testing.T, registry prometheus.Registerer) *surface {
	t.Helper()
	deps := gate.Deps{Logger: zap.NewNop(), Clock: time.Now, Gate: gate.New(gate.Config{Reads: (*query.Queries)(nil)})}
	dialects, err := switchedOn(nil, deps, hubs{})
	require.NoError(t, err)
	m, err := newMeter(registry)
	require.NoError(t, err)
	return &surface{dialects: dialects, logger: zap.NewNop(), meter: m, clock: time.Now, crowd: crowd.New(crowd.Limits{}, time.Now)}
}

// TestRoutesAreReached: a route whose path another dialect owns would never be.
func TestRoutesAreReached(t *testing.T) {
	t.Parallel()
	s := all(t, nil)
	require.Len(t, s.dialects, len(Dialects())+1)
	for name, d := range s.dialects {
		routes := 0
		err := s.router(d.Register).Walk(func(route *mux.Route, _ *mux.Router, _ []*mux.Route) error {
			path, err := route.GetPathTemplate()
			require.NoError(t, err, name)
			require.Equal(t, name, owner(path), path)
			routes++
			return nil
		})
		require.NoError(t, err)
		require.Positive(t, routes, name)
	}
}

// TestNoRouteHidesAnother: a path without variables is served by its own route, not by
// a pattern that was registered before.
func TestNoRouteHidesAnother(t *testing.T) {
	t.Parallel()
	checked := 0
	for name, d := range all(t, nil).dialects {
		router := mux.NewRouter().SkipClean(true)
		d.Register(router)
		err := router.Walk(func(route *mux.Route, _ *mux.Router, _ []*mux.Route) error {
			path, err := route.GetPathTemplate()
			require.NoError(t, err, name)
			methods, _ := route.GetMethods() // none where it takes every method
			if strings.Contains(path, "{") {
				return nil
			}
			for _, method := range methods {
				var found mux.RouteMatch
				require.True(t, router.Match(httptest.NewRequest(method, path, nil), &found), path)
				template, err := found.Route.GetPathTemplate()
				require.NoError(t, err)
				require.Equal(t, path, template, "%s %s", method, path)
				checked++
			}
			return nil
		})
		require.NoError(t, err)
	}
	require.Greater(t, checked, 50)
}

// TestRouteLabels: metrics name the route, of whichever dialect, and never what a
// client writes.
func TestRouteLabels(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	handler := all(t, registry).handler(Config{})
	for _, c := range []struct {
		method, path, allow string
		status              int
	}{
		{"HEAD", "/healthz", "", http.StatusOK},
		{"HEAD", "/v1/users/{user}", "", http.StatusUnauthorized},
		{"GET", "/api/v2/users/{user}", "", http.StatusUnauthorized},
		{"GET", "/api/v1/users/{id}.json", "", http.StatusUnauthorized},
		{"GET", "/api/user/profile", "", http.StatusUnauthorized},
		{"GET", "/api/user", "", http.StatusUnauthorized},
		{"PUT", "/healthz", "GET, HEAD", http.StatusMethodNotAllowed},
		{"PUT", "/api/v2/buildinfo", "GET, HEAD", http.StatusMethodNotAllowed},
		{"BREW", "/api/somewhere", "", http.StatusNotFound},
	} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(c.method, c.path, nil))
		require.Equal(t, c.status, w.Code, "%s %s: %s", c.method, c.path, w.Body)
		require.Equal(t, c.allow, w.Header().Get("Allow"), c.path)
	}
	metrics, err := registry.Gather()
	require.NoError(t, err)
	var seen []string
	for _, family := range metrics {
		for _, m := range family.GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			if family.GetName() == "roster_http_request_duration_seconds" {
				seen = append(seen, labels["method"]+" "+labels["route"]+" "+labels["status"])
			}
		}
	}
	require.ElementsMatch(t, []string{
		"HEAD /healthz 2xx", "HEAD /v1/users/{user} 4xx", "GET /api/v2/users/{user} 4xx", "GET /api/v1/users/{id}.json 4xx",
		"GET /api/user/profile 4xx", "GET /api/user 4xx", "PUT none 4xx", "other none 4xx",
	}, seen)
}
