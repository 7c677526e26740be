package coder_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
)

func firstUser(changes object) object {
	body := object{"email": "Root@example.com", "username": "Root", "password": strong}
	for k, v := range changes {
		if body[k] = v; v == nil {
			delete(body, k)
		}
	}
	return body
}

func TestFirstUser(t *testing.T) {
	t.Parallel()
	w := world{System: apitest.New(t), t: t}
	before := w.head()
	post := func(name string, status int, want, changes object) line {
		return line{name, nil, "POST", first, firstUser(changes), status, want}
	}
	w.check([]line{
		{"3.4 nobody yet", nil, "GET", first, nil, 404, says("The initial user has not been created!")},
		post("3.5 no e-mail", 400, invalid("email", tag("required", "")), object{"email": nil}),
		post("3.5 bad e-mail", 400, invalid("email", tag("email", "Root <root@example.com>")), object{"email": "Root <root@example.com>"}),
		post("3.5 bad username", 400, invalid("username", tag("username", "no_good")), object{"username": "no_good"}),
		post("3.5 no password", 400, invalid("password", tag("required", "")), object{"password": nil}),
		post("3.5 bad name", 400, invalid("name", tag("user_real_name", "x ")), object{"name": "x "}),
		post("3.5 wrong type", 400, badBody(`field "trial" must be of type bool`), object{"trial": "yes"}),
		post("3.5 wrong type of what is not used", 400, badBody(`field "onboarding_info" must be of type object`), object{"onboarding_info": 7}),
		{"3.5 no body", nil, "POST", first, "", 400, badBody("the body is empty")},
		post("3.5 weak password", 400, weak("Password is invalid", onlyLower), object{"password": "password"}),
	})
	require.Equal(t, before, w.head())
	w.check([]line{
		post("3.5 made, with all that clients send", 201, nil, object{
			"name": "The Root", "trial": true, "trial_info": object{"company_name": "Example"}, "onboarding_info": object{"newsletter_marketing": true},
		}),
		{"3.4 there is one", nil, "GET", first, nil, 200, says("The initial user has already been created!")},
		post("3.5 a second one, in front of weak", 409, says("The initial user has already been created."), object{"password": "password"}),
		post("3.5 a second one, behind validation", 400, invalid("email", tag("email", "root")), object{"email": "root"}),
	})
	root := w.Login("root@example.com", strong)
	me := w.get(root, path("me", ""))
	for k, v := range (object{
		"username": "Root", "email": "Root@example.com", "name": "The Root", "status": "active", "login_type": "password",
		"roles": []any{object{"name": "owner", "display_name": "Owner"}}, "organization_ids": []any{w.Commands.DefaultOrganization()},
	}) {
		require.Equal(t, v, me[k], "3.5 %s", k)
	}
	require.Equal(t, []any{}, w.get(root, path("me", "/roles"))["organization_roles"].(object)[w.Commands.DefaultOrganization()])
	head := w.head()
	require.Contains(t, w.get(root, path("me", "/gitsshkey"))["public_key"], "ssh-ed25519 ")
	require.Equal(t, head, w.head(), "3.16 the key was made with the user")
}

// TestBrokenUserRequests sends every write what none can take.
func TestBrokenUserRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.head()
	for _, at := range []struct{ method, path string }{
		{"POST", users},
		{"POST", users + "/validate-password"},
		{"PUT", path("ada", "/profile")},
		{"PUT", path("ada", "/password")},
		{"PUT", path("ada", "/roles")},
		{"PUT", path("ada", "/preferences")},
		{"PUT", path("ada", "/appearance")},
	} {
		for name, body := range map[string]string{
			"malformed": `{"username":`, "trailing": `{} {}`, "text": `"x"`, "number": `17`, "null": `null`, "array": `[]`,
			"not UTF-8": "{\"username\":\"\xff\"}", "NUL": `{"username":"a\u0000"}`, "twice": `{"a":1,"a":2}`,
		} {
			a := w.owner.Do(at.method, at.path, nil, body)
			require.Equal(t, http.StatusBadRequest, a.Status, "%s %s %s: %s", at.method, at.path, name, a.Body)
			require.Equal(t, "Request body must be valid JSON.", a.Map(w.System)["message"])
		}
		large := w.owner.Do(at.method, at.path, nil, `{"a":"`+string(make([]byte, 2<<20))+`"}`)
		require.Equal(t, http.StatusRequestEntityTooLarge, large.Status)
	}
	require.Equal(t, before, w.head())
}
