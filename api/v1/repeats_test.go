package v1_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
)

func TestRepeats(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	target := owner.NewUser("target")
	for _, c := range []struct {
		method, path string
		body, other  any
		status       int
	}{
		{"POST", "/v1/users", object{"username": "one", "password": apitest.Password}, object{"username": "two"}, 201},
		{"PATCH", "/v1/users/target", object{"name": "A"}, object{"name": "B"}, 200},
		{"PUT", "/v1/users/target/roles", object{"roles": []string{"auditor"}}, object{"roles": []string{}}, 200},
		{"PATCH", "/v1/users/target/preferences/codimir", object{"theme": "dark"}, object{"theme": "light"}, 200},
		{"POST", "/v1/users/target/keys", object{"name": "k"}, object{"name": "l"}, 201},
		{"PUT", "/v1/users/target/password", object{"password": "a new staple for it 7"}, object{"password": "a new staple for it 8"}, 204},
		{"POST", "/v1/users/target/suspend", nil, "{}", 200},
		{"POST", "/v1/users/target/activate", nil, "{}", 200},
	} {
		key := map[string]string{"Idempotency-Key": c.method + c.path}
		first := owner.Do(c.method, c.path, key, c.body)
		require.Equal(t, c.status, first.Status, "%s %s %s", c.method, c.path, first.Body)
		head := headOf(t, s)
		again := owner.Do(c.method, c.path, key, c.body)
		require.Equal(t, c.status, again.Status, "%s %s %s", c.method, c.path, again.Body)
		require.Equal(t, first.Header.Get("Roster-Position"), again.Header.Get("Roster-Position"), c.path)
		misuse := owner.Do(c.method, c.path, key, c.other)
		require.Equal(t, http.StatusUnprocessableEntity, misuse.Status, "%s %s %s", c.method, c.path, misuse.Body)
		require.Equal(t, "idempotency-key-reused", misuse.Map(s)["code"])
		require.Equal(t, head, headOf(t, s), "%s %s", c.method, c.path)
		if c.path == "/v1/users/target/keys" {
			require.NotEmpty(t, first.Map(s)["token"])
			require.NotContains(t, again.Map(s), "token")
			require.Equal(t, true, again.Map(s)["repeated"])
			require.Equal(t, first.Map(s)["id"], again.Map(s)["id"])
		}
	}
	key := map[string]string{"Idempotency-Key": "gone"}
	require.Equal(t, http.StatusNoContent, owner.Do("DELETE", "/v1/users/"+target.ID, key, nil).Status)
	require.Equal(t, http.StatusNoContent, owner.Do("DELETE", "/v1/users/"+target.ID, key, nil).Status)
}
