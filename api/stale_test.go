package api_test

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/events"
)

// TestStaleReads: while its model is behind, a read answers with what is there,
// and says by how many positions that is old.
func TestStaleReads(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	fresh := owner.Do("PATCH", "/v1/users/me", nil, map[string]any{"name": "Before"})
	require.Equal(t, http.StatusOK, fresh.Status, "%s", fresh.Body)
	before := owner.Do("GET", "/v1/users/me", nil, nil)
	require.Equal(t, "Before", before.Map(s)["name"])
	require.Empty(t, before.Header.Get(gate.StaleHeader))

	s.StopProjections()
	for _, name := range []string{"After", "Later"} {
		require.Equal(t, http.StatusOK, owner.Do("PATCH", "/v1/users/me", nil, map[string]any{"name": name}).Status, "writes go on")
	}
	head, err := s.Log.Head(t.Context(), events.Roster)
	require.NoError(t, err)
	old := owner.Do("GET", "/v1/users/me", nil, nil)
	require.Equal(t, http.StatusOK, old.Status)
	require.Equal(t, "Before", old.Map(s)["name"], "what is there")
	behind, err := strconv.ParseUint(old.Header.Get(gate.StaleHeader), 10, 64)
	require.NoError(t, err, "%v", old.Header)
	written, err := events.ParsePositions(fresh.Header.Get(gate.PositionHeader))
	require.NoError(t, err)
	require.Equal(t, head-written[0].Sequence, behind)
}
