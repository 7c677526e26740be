package apitest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/stretchr/testify/require"
)

// contract holds the documents of all dialects that are switched on.
type contract struct{ routers []routers.Router }

func newContract(tb testing.TB, s *System) *contract {
	tb.Helper()
	var list []struct{ Name, YAML string }
	require.NoError(tb, json.Unmarshal(get(tb, s, "/docs/documents.json"), &list))
	c := &contract{}
	for _, d := range list {
		document, err := openapi3.NewLoader().LoadFromData(get(tb, s, d.YAML))
		require.NoError(tb, err, d.Name)
		require.NoError(tb, document.Validate(context.Background()), d.Name)
		router, err := gorillamux.NewRouter(document)
		require.NoError(tb, err, d.Name)
		c.routers = append(c.routers, router)
	}
	return c
}

func get(tb testing.TB, s *System, path string) []byte {
	tb.Helper()
	w := httptest.NewRecorder()
	s.Handler.ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), http.MethodGet, path, nil))
	require.Equal(tb, http.StatusOK, w.Code, path)
	return w.Body.Bytes()
}

// check says in which way an answer is not what a document says. Paths and
// methods that no document has must still answer in JSON. A failure of the server
// is none where the document names its status for the endpoint: some dialects
// refuse so.
func (c *contract) check(r *http.Request, a Answer) error {
	if a.Status >= http.StatusInternalServerError && a.Status != http.StatusServiceUnavailable && !c.documented(r, a.Status) {
		return fmt.Errorf("%s %s: %d %s", r.Method, r.URL.Path, a.Status, a.Body)
	}
	if a.Header.Get("X-Request-Id") == "" {
		return fmt.Errorf("%s %s: no X-Request-Id", r.Method, r.URL.Path)
	}
	if r.Method == http.MethodHead {
		return nil
	}
	for _, router := range c.routers {
		route, params, err := router.FindRoute(r)
		if err != nil {
			continue
		}
		return checkRoute(r, route, params, a)
	}
	if a.Status >= http.StatusBadRequest && !json.Valid(a.Body) {
		return fmt.Errorf("%s %s: %d without JSON: %s", r.Method, r.URL.Path, a.Status, a.Body)
	}
	return nil
}

func (c *contract) documented(r *http.Request, status int) bool {
	for _, router := range c.routers {
		if route, _, err := router.FindRoute(r); err == nil {
			return route.Operation.Responses.Status(status) != nil
		}
	}
	return false
}

func checkRoute(r *http.Request, route *routers.Route, params map[string]string, a Answer) error {
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{
			Request: r, PathParams: params, Route: route,
			Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
		},
		Status: a.Status, Header: a.Header,
		Options: &openapi3filter.Options{
			IncludeResponseStatus: true, MultiError: true,
			// What the lines hold is for the test of the endpoint: the validator reads one document.
			ExcludeResponseBody: unreadable(a.Header.Get("Content-Type")),
		},
	}
	input.SetBodyBytes(a.Body)
	if err := openapi3filter.ValidateResponse(context.Background(), input); err != nil {
		return fmt.Errorf("%s %s: %d %s: the document does not know this: %w", r.Method, r.URL.Path, a.Status, a.Body, err)
	}
	return nil
}

// unreadable says that a body is more than one document.
func unreadable(contentType string) bool {
	return strings.HasPrefix(contentType, "application/x-ndjson") || strings.HasPrefix(contentType, "text/event-stream") ||
		contentType == "application/zip"
}
