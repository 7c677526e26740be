package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/events"
)

// TestWhyIsInTheLog shows that who, what, when, from where and why of a change are
// in the log, whatever the dialect.
func TestWhyIsInTheLog(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	ada := owner.NewUser("ada")
	why := map[string]string{"Roster-Reason": "asked by phone"}
	require.Equal(t, http.StatusOK, owner.Do("PUT", "/api/v2/users/ada/status/suspend", why, nil).Status)
	why["Roster-Reason"] = strings.Repeat("x", 500)
	require.Equal(t, http.StatusOK, owner.Do("POST", "/v1/users/ada/activate", why, nil).Status)
	recorded, err := s.Log.Read(t.Context(), events.Aggregate{Kind: events.User, ID: ada.ID}, 1)
	require.NoError(t, err)
	last := recorded[len(recorded)-2:]
	require.Equal(t, events.Type("roster.user.suspended.v1"), last[0].Type)
	require.Equal(t, []string{owner.ID, "coder", "asked by phone"}, []string{last[0].Actor, last[0].Dialect, last[0].Reason})
	require.Equal(t, []string{owner.ID, "v1", strings.Repeat("x", 200)}, []string{last[1].Actor, last[1].Dialect, last[1].Reason})
	require.False(t, last[1].Time.IsZero())
}
