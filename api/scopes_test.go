package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
)

// TestKeysAreLimitedInEveryDialect: a token's scopes and its allow list take away
// from what its user may do, whichever dialect it is used in.
func TestKeysAreLimitedInEveryDialect(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	ada, linus := owner.NewUser("ada"), owner.NewUser("linus")
	token := func(by *apitest.Session, body map[string]any) *apitest.Session {
		a := by.Do("POST", "/api/v2/users/me/keys/tokens", nil, body)
		require.Equal(t, http.StatusCreated, a.Status, "%s", a.Body)
		limited := *by
		limited.Token = a.Map(s)["key"].(string)
		return &limited
	}
	all := token(ada, map[string]any{})
	reader := token(ada, map[string]any{"scopes": []string{"user:read"}})
	keeper := token(ada, map[string]any{"scopes": []string{"coder:apikeys.manage_self"}})
	elsewhere := token(ada, map[string]any{"allow_list": []string{"user:" + linus.ID}})
	typed := token(ada, map[string]any{"allow_list": []string{"user:*"}})
	admin := token(owner, map[string]any{"allow_list": []string{"user:" + ada.ID}})

	profile := map[string]any{"username": "ada", "name": "Ada"}
	name := map[string]any{"name": "Ada"}
	dark := map[string]any{"theme": "dark"}
	type call struct {
		method, path string
		body         any
	}
	var (
		coderRead    = call{"GET", "/api/v2/users/me", nil}
		coderWrite   = call{"PUT", "/api/v2/users/me/profile", profile}
		coderKeys    = call{"GET", "/api/v2/users/me/keys/tokens/some", nil}
		coderKey     = call{"POST", "/api/v2/users/me/keys", nil}
		v1Read       = call{"GET", "/v1/users/me", nil}
		v1Write      = call{"PATCH", "/v1/users/me", name}
		v1Keys       = call{"GET", "/v1/users/me/keys", nil}
		codimirRead  = call{"GET", "/api/user/profile", nil}
		codimirWrite = call{"PUT", "/api/user/preferences", dark}
	)
	a := ada.Do("POST", "/api/v2/users/me/keys/tokens", nil, map[string]any{"token_name": "some"})
	require.Equal(t, http.StatusCreated, a.Status)
	for _, c := range []struct {
		name    string
		by      *apitest.Session
		allowed []call
		refused []call
	}{
		{"everything", all, []call{coderRead, coderWrite, coderKeys, coderKey, v1Read, v1Write, v1Keys, codimirRead, codimirWrite}, nil},
		{"user:read", reader, []call{coderRead, v1Read, codimirRead}, []call{coderWrite, coderKeys, coderKey, v1Write, v1Keys, codimirWrite}},
		{"coder:apikeys.manage_self", keeper, []call{coderKeys, v1Keys}, []call{coderRead, coderWrite, coderKey, v1Read, v1Write, codimirRead, codimirWrite}},
		{"another user alone", elsewhere, nil, []call{coderRead, coderWrite, coderKeys, coderKey, v1Read, v1Write, v1Keys, codimirRead, codimirWrite}},
		{"users alone", typed, []call{coderRead, coderWrite, v1Read, v1Write, codimirRead, codimirWrite}, []call{coderKeys, coderKey, v1Keys}},
		{"an owner's, for one user", admin, []call{
			{"GET", "/api/v2/users/ada", nil},
			{"PUT", "/api/v2/users/ada/profile", profile},
			{"GET", "/v1/users/ada", nil},
			{"PATCH", "/v1/users/ada", name},
		}, []call{
			{"GET", "/api/v2/users/linus", nil},
			{"PUT", "/api/v2/users/linus/profile", map[string]any{"username": "linus"}},
			{"GET", "/v1/users/linus", nil},
			{"PATCH", "/v1/users/linus", name},
			coderRead, codimirWrite,
		}},
	} {
		for _, call := range c.allowed {
			a := c.by.Do(call.method, call.path, nil, call.body)
			require.Less(t, a.Status, 300, "%s: %s %s: %s", c.name, call.method, call.path, a.Body)
		}
		for _, call := range c.refused {
			a := c.by.Do(call.method, call.path, nil, call.body)
			require.Contains(t, []int{http.StatusForbidden, http.StatusNotFound}, a.Status, "%s: %s %s: %s", c.name, call.method, call.path, a.Body)
		}
	}
}
