package v1_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
)

// TestAMasterKeyOfTheSettingsIsNotTheServersToChange; how it changes one of its own is
// tested with a whole installation.
func TestAMasterKeyOfTheSettingsIsNotTheServersToChange(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	const path = "/v1/admin/master-key/rotate"
	require.Equal(t, http.StatusConflict, owner.Do(http.MethodPost, path, nil, nil).Status)
	require.Equal(t, http.StatusForbidden, withScopes(s, owner, "log:read").Do(http.MethodPost, path, nil, nil).Status)
	require.Equal(t, http.StatusForbidden, owner.NewUser("ada").Do(http.MethodPost, path, nil, nil).Status)
}
