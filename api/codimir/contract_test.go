package codimir_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/rosterhq/roster/api/codimir"
	"github.com/rosterhq/roster/api/gate"
)

// contract checks answers against the document of the dialect.
type contract struct {
	document *openapi3.T
	router   routers.Router
}

func newContract(t testing.TB) *contract {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromData(codimir.New(gate.Deps{Logger: zap.NewNop()}).OpenAPI())
	require.NoError(t, err)
	require.NoError(t, document.Validate(context.Background()))
	router, err := gorillamux.NewRouter(document)
	require.NoError(t, err)
	return &contract{document: document, router: router}
}

// check fails the test when an answer is not what the document says.
func (c *contract) check(t testing.TB, r *http.Request, status int, header http.Header, body []byte) {
	t.Helper()
	if r.Method == http.MethodHead {
		require.Empty(t, body)
		return
	}
	require.NotContains(t, string(body), "null", "an unset member is left out")
	route, parameters, err := c.router.FindRoute(r)
	if err != nil { // unknown path or method: any dialect error
		c.checkFailure(t, status, body)
		return
	}
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{
			Request: r, PathParams: parameters, Route: route,
			Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
		},
		Status: status, Header: header,
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	}
	input.SetBodyBytes(body)
	require.NoError(t, openapi3filter.ValidateResponse(r.Context(), input), "%s %s: %d %s", r.Method, r.URL, status, body)
}

func (c *contract) checkFailure(t testing.TB, status int, body []byte) {
	t.Helper()
	require.GreaterOrEqual(t, status, 400)
	var value any
	require.NoError(t, json.Unmarshal(body, &value), string(body))
	require.NoError(t, c.document.Components.Schemas["Failure"].Value.VisitJSON(value), string(body))
}

func TestDocumentNamesEveryRoute(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	for path, item := range c.document.Paths.Map() {
		require.True(t, strings.HasPrefix(path, "/api/user/") || strings.HasPrefix(path, "/api/auth/"), path)
		for method, operation := range item.Operations() {
			require.NotEmpty(t, operation.OperationID, "%s %s", method, path)
			require.NotNil(t, operation.Responses.Default(), "%s %s", method, path)
		}
	}
	require.Len(t, c.document.Paths.Map(), 9)
}
