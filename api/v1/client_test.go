package v1_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/api/v1/client"
)

// The generated client is what others build on: it must reach the real server.
func TestGeneratedClient(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	c, err := client.NewClientWithResponses(s.URL, client.WithRequestEditorFn(client.Bearer(owner.Token)))
	require.NoError(t, err)

	made, err := c.CreateUserWithResponse(t.Context(), &client.CreateUserParams{}, client.NewUser{Username: "grace"})
	require.NoError(t, err)
	require.Equal(t, http.StatusCreated, made.StatusCode(), "%s", made.Body)
	require.NotNil(t, made.JSON201)
	got, err := c.GetUserWithResponse(t.Context(), "grace", nil)
	require.NoError(t, err)
	require.NotNil(t, got.JSON200)
	require.Equal(t, made.JSON201, got.JSON200)

	again, err := c.CreateUserWithResponse(t.Context(), &client.CreateUserParams{}, client.NewUser{Username: "Grace"})
	require.NoError(t, err)
	require.Equal(t, http.StatusConflict, again.StatusCode())
	page, err := c.ListUsersWithResponse(t.Context(), &client.ListUsersParams{})
	require.NoError(t, err)
	require.NotNil(t, page.JSON200, "%s", page.Body)
	require.Len(t, page.JSON200.Items, 2)
	http.DefaultClient.CloseIdleConnections()
}
