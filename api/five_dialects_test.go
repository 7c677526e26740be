package api_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
)

type object = map[string]any

// life is one user, seen and changed through five dialects at once.
type life struct {
	*apitest.System
	t     *testing.T
	token string

	// What each dialect must show.
	email, name, first, last, password string
}

// do sends a request as the user.
func (l *life) do(method, path string, body any) object {
	l.t.Helper()
	a := l.Do(method, path, map[string]string{"Authorization": "Bearer " + l.token}, body)
	require.Less(l.t, a.Status, 300, "%s %s: %d %s", method, path, a.Status, a.Body)
	if len(a.Body) == 0 {
		return nil
	}
	return a.Map(l.System)
}

// whole is the name as readers of one name see it.
func (l *life) whole() any {
	switch {
	case l.name != "":
		return l.name
	case l.first+l.last != "":
		return l.first + " " + l.last
	default:
		return nil
	}
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func orEmpty(v any) any {
	if v == nil {
		return ""
	}
	return v
}

// check reads the user in every dialect.
func (l *life) check(step string) {
	l.t.Helper()
	codimir := l.do("GET", "/api/user/profile", nil)["data"].(object)
	require.Equal(l.t, []any{l.email, orEmpty(l.whole())}, []any{codimir["email"], orEmpty(codimir["name"])}, "codimir after %s", step)
	pm415 := l.do("GET", "/api/user", nil)["user"].(object)
	require.Equal(l.t, []any{l.email, orNil(l.first), orNil(l.last)}, []any{pm415["email"], pm415["firstName"], pm415["lastName"]}, "pm415 after %s", step)
	runwhen := l.do("GET", "/api/v3/users/whoami", nil)
	require.Equal(l.t, []any{l.email, l.email, l.first, l.last}, []any{runwhen["email"], runwhen["primaryEmail"], runwhen["firstName"], runwhen["lastName"]}, "runwhen after %s", step)
	coder := l.do("GET", "/api/v2/users/me", nil)
	require.Equal(l.t, []any{l.email, orEmpty(l.whole())}, []any{coder["email"], coder["name"]}, "coder after %s", step)
	abf := l.do("GET", "/api/v1/user.json", nil)["user"].(object)
	require.Equal(l.t, []any{l.email, l.whole()}, []any{abf["email"], abf["name"]}, "abf after %s", step)
	require.Equal(l.t, []any{pm415["id"], pm415["id"]}, []any{runwhen["id"], abf["id"]}, "one number after %s", step)
	require.Equal(l.t, codimir["id"], coder["id"], "one id after %s", step)
}

// signIn signs in through every dialect with the password of now.
func (l *life) signIn(step string) {
	l.t.Helper()
	for path, body := range map[string]object{
		"/api/v2/users/login": {"email": l.email, "password": l.password},
		"/api/account/login":  {"email": l.email, "password": l.password},
		"/api/v3/token/":      {"email": l.email, "password": l.password},
	} {
		a := l.Do("POST", path, nil, body)
		require.Less(l.t, a.Status, 300, "%s after %s: %s", path, step, a.Body)
		body["password"] = "not " + l.password
		require.Equal(l.t, http.StatusUnauthorized, l.Do("POST", path, nil, body).Status, "%s after %s", path, step)
	}
	basic := func(password string) map[string]string {
		return map[string]string{"Authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte(l.email+":"+password))}
	}
	require.Equal(l.t, http.StatusOK, l.Do("GET", "/api/v1/user.json", basic(l.password), nil).Status, step)
	require.Equal(l.t, http.StatusUnauthorized, l.Do("GET", "/api/v1/user.json", basic("not "+l.password), nil).Status, step)
	a := l.Do("POST", "/api/v2/users/login", nil, object{"email": l.email, "password": l.password})
	l.token = a.Map(l.System)["session_token"].(string)
}

// TestOneLifeInFiveDialects changes a user through each dialect and reads it through
// all of them after each step.
func TestOneLifeInFiveDialects(t *testing.T) {
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
	for _, path := range []string{"/api/user/profile", "/api/user", "/api/v3/users/whoami", "/api/v2/users/me", "/api/v1/user.json"} {
		a := l.Do("GET", path, map[string]string{"Authorization": "Bearer " + before}, nil)
		require.Equal(t, http.StatusUnauthorized, a.Status, "%s: a password set through Coder ends every session", path)
	}
	l.signIn("password by Coder")
	l.check("password by Coder")

	require.Equal(t, http.StatusNoContent, owner.Do("DELETE", runWhenPath(number), nil, nil).Status)
	for _, path := range []string{"/api/user/profile", "/api/user", "/api/v3/users/whoami", "/api/v2/users/me", "/api/v1/user.json"} {
		a := l.Do("GET", path, map[string]string{"Authorization": "Bearer " + l.token}, nil)
		require.Equal(t, http.StatusUnauthorized, a.Status, "%s after the end", path)
	}
	again := owner.Do("POST", "/v1/users", nil, object{"username": "ada", "email": l.email})
	require.Equal(t, http.StatusCreated, again.Status, "the names are free: %s", again.Body)
}

func runWhenPath(number any) string {
	return fmt.Sprintf("/api/v3/users/%.0f", number)
}
