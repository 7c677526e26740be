package v1_test

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
)

var guideCall = regexp.MustCompile(`(?m)^curl '(http://127\.0\.0\.1:8080)([^']+)' -H "Authorization: Bearer \$TOKEN"`)

// Each call of docs/guides/history.md is made.
func TestTheGuideToTheHistory(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/guides/history.md")
	require.NoError(t, err)
	calls := guideCall.FindAllStringSubmatch(string(text), -1)
	require.Len(t, calls, strings.Count(string(text), "\ncurl "), "each call is understood")
	s := apitest.New(t)
	owner := s.FirstUser()
	owner.NewUser("ada")
	last := owner.Do("PATCH", "/v1/users/ada", nil, object{"name": "Ada"})
	values := strings.NewReplacer("$NOW", time.Now().UTC().Format(time.RFC3339Nano), "$POSITION", last.Header.Get("Roster-Position"))
	for _, call := range calls {
		if _, parameters, ok := strings.Cut(call[2], "/v1/events?"); ok && strings.Contains(parameters, "format=ndjson") {
			require.NotEmpty(t, decodeLines(t, lines(t, owner, parameters, nil).Body), call[2])
			continue
		}
		a := owner.Do("GET", values.Replace(call[2]), nil, nil)
		require.Equal(t, http.StatusOK, a.Status, "%s: %s", call[2], a.Body)
		require.Greater(t, len(a.Body), 10, call[2])
	}
}
