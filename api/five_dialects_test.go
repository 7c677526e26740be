package api_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
)

// TestDialectsInTurn changes one user through each dialect in turn, where the next one
// finds what the one before left, and reads it through all of them after each step.
func TestDialectsInTurn(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	organization := s.Commands.DefaultOrganization()
	l := &life{System: s, t: t, email: "ada@example.com", password: "SomeSecurePassword!"}
	made := owner.Do("POST", "/api/v2/users", nil, object{
		"email": l.email, "username": "ada", "password": l.password, "organization_ids": []any{organization},
	})
	require.Equal(t, http.StatusCreated, made.Status, "%s", made.Body)
	l.signIn("registration")
	l.check("registration")
	number := l.do("GET", "/api/user", nil)["user"].(object)["id"]

	l.name = "Ada of Coder"
	l.do("PUT", "/api/v2/users/me/profile", object{"username": "ada", "name": l.name})
	l.check("name by Coder")
	l.name = "Ada of Codimir"
	l.do("PUT", "/api/user/profile", object{"name": l.name})
	l.check("name by Codimir")
	l.name = "Ada of ABF"
	l.do("PUT", "/api/v1/user.json", object{"user": object{"name": l.name}})
	l.check("name by ABF")
	l.first, l.last = "Ada", "of PM415"
	l.do("PUT", "/api/user", object{"email": l.email, "firstName": l.first, "lastName": l.last})
	l.check("names by PM415")
	l.name = ""
	l.do("PUT", "/api/v1/user.json", object{"user": object{"name": nil}})
	l.check("no name by ABF: the two others stand in")
	l.first, l.last = "Augusta", "of RunWhen"
	l.do("PATCH", runWhenPath(number), object{"firstName": l.first, "last_name": l.last})
	l.check("names by RunWhen")

	l.email = "pm415@example.com"
	l.do("PUT", "/api/user", object{"email": l.email})
	l.check("address by PM415")
	l.email = "runwhen@example.com"
	l.do("PATCH", runWhenPath(number), object{"primaryEmail": l.email})
	l.check("address by RunWhen")
	l.email = "abf@example.com"
	l.do("PUT", "/api/v1/user.json", object{"user": object{"email": l.email}})
	l.check("address by ABF")

	l.password = "4444"
	l.do("PUT", "/api/user", object{"email": l.email, "password": l.password, "confirmation": l.password})
	l.check("password by PM415, which ends no session")
	l.signIn("password by PM415")
	before := l.token
	old := l.password
	l.password = "MySecurePassword!"
	l.do("PUT", "/api/v2/users/me/password", object{"old_password": old, "password": l.password})
	for _, path := range ownPaths {
		a := l.Do("GET", path, map[string]string{"Authorization": "Bearer " + before}, nil)
		require.Equal(t, http.StatusUnauthorized, a.Status, "%s: a password set through Coder ends every session", path)
	}
	l.signIn("password by Coder")
	l.check("password by Coder")

	require.Equal(t, http.StatusNoContent, owner.Do("DELETE", runWhenPath(number), nil, nil).Status)
	for _, path := range ownPaths {
		a := l.Do("GET", path, map[string]string{"Authorization": "Bearer " + l.token}, nil)
		require.Equal(t, http.StatusUnauthorized, a.Status, "%s after the end", path)
	}
	again := owner.Do("POST", "/v1/users", nil, object{"username": "ada", "email": l.email})
	require.Equal(t, http.StatusCreated, again.Status, "the names are free: %s", again.Body)
}

func runWhenPath(number any) string {
	return fmt.Sprintf("/api/v3/users/%.0f", number)
}
