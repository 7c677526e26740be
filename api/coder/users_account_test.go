package coder_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/commands"
)

func TestDelete(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.Commands.CreateWorkspace(t.Context(), commands.Request{Actor: commands.Actor{UserID: commands.SystemActor}},
		commands.CreateWorkspace{Name: "analytical", Owner: w.linus.ID})
	require.NoError(t, err)
	workspaces := says("You cannot delete a user that has workspaces. Delete their workspaces and try again!")
	deleted := says("User has been deleted!")
	before := w.head()
	w.check([]line{
		{"3.12 self", w.owner, "DELETE", path("me", ""), nil, 403, says("You cannot delete yourself!")},
		{"3.12 self without the right", w.ada, "DELETE", path(w.ada.ID, ""), nil, 403, says("You cannot delete yourself!")},
		{"3.12 workspaces", w.owner, "DELETE", path("linus", ""), nil, 417, workspaces},
		{"3.12 workspaces in front of the right", w.auditor, "DELETE", path("linus", ""), nil, 417, workspaces},
		{"3.12 may read but not delete", w.auditor, "DELETE", path("ada", ""), nil, 403, forbidden},
		{"3.12 may read but not delete, template-admin", w.builder, "DELETE", path("ada", ""), nil, 403, forbidden},
		{"3.12 may not read", w.ada, "DELETE", path("linus", ""), nil, 404, missing},
		{"3.12 unknown", w.owner, "DELETE", path("nobody", ""), nil, 404, missing},
		{"3.12 nobody", nil, "DELETE", path("ada", ""), nil, 401, nil},
	})
	require.Equal(t, before, w.head())
	w.check([]line{
		{"3.12 user-admin deletes", w.admin, "DELETE", path("ada", ""), nil, 200, deleted},
		{"3.12 the deleted are out at once", w.ada, "GET", path("me", ""), nil, 401, nil},
		{"1.5 the deleted by name", w.owner, "GET", path("ada", ""), nil, 404, missing},
		{"1.5 the deleted by id", w.owner, "GET", path(w.ada.ID, ""), nil, 200, nil},
		{"3.12 again by id", w.owner, "DELETE", path(w.ada.ID, ""), nil, 200, deleted},
		{"3.12 again by name", w.owner, "DELETE", path("ada", ""), nil, 404, missing},
		{"a deleted user takes no change", w.owner, "PUT", path(w.ada.ID, "/profile"), object{"username": "ada"}, 404, missing},
		{"a deleted user is not activated", w.owner, "PUT", path(w.ada.ID, "/status/activate"), nil, 404, missing},
	})
	t.Run("3.12 names are free at once, twice", func(t *testing.T) {
		again := w.make("ada", nil)
		require.NotEqual(t, w.ada.ID, again["id"])
		require.Equal(t, 200, w.owner.Do("DELETE", path("ada", ""), nil, nil).Status)
		w.make("ADA", nil)
	})
	t.Run("3.12 an owner is deleted by an owner", func(t *testing.T) {
		second := w.make("second", object{"roles": []string{"owner"}, "user_status": "active"})
		require.Equal(t, 200, w.admin.Do("DELETE", path(second["id"].(string), ""), nil, nil).Status)
		require.Equal(t, 409, w.admin.Do("DELETE", path("owner", ""), nil, nil).Status, "but the last one")
	})
	t.Run("3.12 without workspaces", func(t *testing.T) {
		found, err := w.Queries.User(t.Context(), userNamed("linus"))
		require.NoError(t, err)
		require.Equal(t, w.linus.ID, found.ID)
	})
}

func TestStatus(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.make("grace", nil)
	before := w.head()
	ownerRole := says(`You cannot suspend a user with the "owner" role. You must remove the role first.`)
	suspend, activate := "/status/suspend", "/status/activate"
	w.check([]line{
		{"3.31 self", w.owner, "PUT", path("me", suspend), nil, 400, says("You cannot suspend yourself.")},
		{"3.31 self in front of the right", w.ada, "PUT", path("ada", suspend), nil, 400, says("You cannot suspend yourself.")},
		{"3.31 an owner", w.admin, "PUT", path("owner", suspend), nil, 400, ownerRole},
		{"3.31 an owner in front of the right", w.auditor, "PUT", path("owner", suspend), nil, 400, ownerRole},
		{"3.31 suspend without the right", w.auditor, "PUT", path("ada", suspend), nil, 403, forbidden},
		{"3.31 activate without the right", w.builder, "PUT", path("ada", activate), nil, 403, forbidden},
		{"3.31 activate oneself", w.ada, "PUT", path("me", activate), nil, 403, forbidden},
		{"3.31 may not read", w.ada, "PUT", path("linus", suspend), nil, 404, missing},
		{"3.31 nobody", nil, "PUT", path("ada", suspend), nil, 401, nil},
	})
	require.Equal(t, before, w.head())
	status := func(rest, of string) any { return w.put(w.admin, path(of, rest), nil)["status"] }
	require.Equal(t, "suspended", status(suspend, "ada"), "2.5 active to suspended")
	w.check([]line{{
		"1.3 suspended", w.ada, "GET", path("me", ""), nil, 401,
		says(`User is not active (status = "suspended"). Contact an admin to reactivate your account.`),
	}})
	a := w.Do("POST", login, nil, object{"email": "ada@example.com", "password": apitestPassword})
	require.Equal(t, http.StatusUnauthorized, a.Status)
	require.Equal(t, "Your account is suspended. Contact an admin to reactivate your account.", a.Map(w.System)["message"])
	require.Equal(t, "suspended", status(suspend, "ada"), "2.5 suspended stays so")
	require.Equal(t, "active", status(activate, "ada"), "2.5 suspended to active")
	require.Equal(t, "active", w.get(w.ada, path("me", ""))["status"], "2.5 keys work again")
	require.Equal(t, "active", status(activate, "ada"), "2.5 active stays so")
	require.Equal(t, "suspended", status(suspend, "grace"), "2.5 dormant to suspended")
	require.Equal(t, "active", status(activate, "grace"))
}

func TestProfile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	taken := object{
		"message":     "A user with this username already exists.",
		"validations": []any{object{"field": "username", "detail": "This username is already in use."}},
	}
	of := func(user string) string { return path(user, "/profile") }
	before := w.head()
	w.check([]line{
		{"3.30 no username", w.ada, "PUT", of("me"), object{"name": "Ada"}, 400, invalid("username", tag("required", ""))},
		{"3.30 bad username", w.owner, "PUT", of("ada"), object{"username": "a b"}, 400, invalid("username", tag("username", "a b"))},
		{"3.30 bad name", w.ada, "PUT", of("me"), object{"username": "ada", "name": "Ada "}, 400, invalid("name", tag("user_real_name", "Ada "))},
		{"3.30 wrong type", w.ada, "PUT", of("me"), object{"username": []string{}}, 400, badBody(`field "username" must be of type string`)},
		{"3.30 no body", w.ada, "PUT", of("me"), "", 400, badBody("the body is empty")},
		{"3.30 another username without the right", w.ada, "PUT", of("me"), object{"username": "countess"}, 404, missing},
		{"3.30 another case without the right", w.ada, "PUT", of("me"), object{"username": "Ada"}, 404, missing},
		{"3.30 a taken username without the right", w.ada, "PUT", of("me"), object{"username": "linus"}, 404, missing},
		{"3.30 taken username", w.owner, "PUT", of("ada"), object{"username": "LINUS"}, 409, taken},
		{"3.30 an auditor", w.auditor, "PUT", of("ada"), object{}, 404, missing},
		{"3.30 may not read", w.ada, "PUT", of("linus"), object{"username": "linus"}, 404, missing},
		{"3.30 nobody", nil, "PUT", of("ada"), object{"username": "ada"}, 401, nil},
	})
	require.Equal(t, before, w.head())
	u := w.put(w.ada, of("me"), object{"username": "ada", "name": "Ada Lovelace"})
	require.Equal(t, "Ada Lovelace", u["name"])
	require.Equal(t, u, w.get(w.owner, path("ada", "")))
	again := w.put(w.ada, of("me"), object{"username": "ada", "name": "Ada Lovelace"})
	require.Equal(t, u, again, "3.30 current values")
	require.Equal(t, "", w.put(w.ada, of("me"), object{"username": "ada"})["name"], "3.30 a name left out is cleared")
	u = w.put(w.admin, of("ada"), object{"username": "Countess", "name": "Ada", "avatar_url": "https://example.com/ada.png"})
	require.Equal(t, "Countess", u["username"])
	require.Equal(t, "https://example.com/ada.png", u["avatar_url"])
	u = w.put(w.owner, of("COUNTESS"), object{"username": "countess", "email": "other@example.com"})
	require.Equal(t, "countess", u["username"], "case may change")
	require.Equal(t, "https://example.com/ada.png", u["avatar_url"], "3.30 an avatar left out stays")
	require.Equal(t, "ada@example.com", u["email"], "3.30 the e-mail does not change here")
	bad := w.ada.Do("PUT", of("me"), nil, object{"username": "countess", "avatar_url": "javascript:alert(1)"})
	require.Equal(t, http.StatusBadRequest, bad.Status, "%s", bad.Body)
	require.JSONEq(t, asJSON(t, invalid("avatar_url", "must be an absolute http or https URL")), string(bad.Body))
}

func TestPassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const other = "MySecurePassword!"
	w.make("octo", object{"login_type": "github", "password": nil})
	of := func(user string) string { return path(user, "/password") }
	change := func(old, password string) object { return object{"old_password": old, "password": password} }
	w.make("chief", object{"roles": []string{"owner"}, "user_status": "active"})
	chief := w.Login("chief@example.com", strong)
	before := w.head()
	oldWrong := object{
		"message":     "Old password is incorrect.",
		"validations": []any{object{"field": "old_password", "detail": "Old password is incorrect."}},
	}
	w.check([]line{
		{"3.28 nobody", nil, "PUT", of("ada"), change("", other), 401, nil},
		{"3.28 an auditor, before the body", w.auditor, "PUT", of("ada"), "", 404, missing},
		{"3.28 a template-admin", w.builder, "PUT", of("ada"), change("", other), 404, missing},
		{"3.28 may not read", w.ada, "PUT", of("linus"), change("", other), 404, missing},
		{"3.28 an owner's, before the body", w.admin, "PUT", of("owner"), "", 400, says("Only owners can change the password of an owner.")},
		{"3.28 no body", w.ada, "PUT", of("me"), "", 400, badBody("the body is empty")},
		{"3.28 no password", w.ada, "PUT", of("me"), object{"old_password": apitestPassword}, 400, invalid("password", tag("required", ""))},
		{"3.28 wrong type", w.ada, "PUT", of("me"), object{"password": true}, 400, badBody(`field "password" must be of type string`)},
		{
			"3.28 another login type", w.admin, "PUT", of("octo"),
			object{"password": other},
			400,
			says("Users without password login type cannot change their password."),
		},
		{"3.28 own without the old one", w.ada, "PUT", of("me"), object{"password": other}, 400, says("Old password is required.")},
		{"3.28 own without the old one, in front of weak", w.ada, "PUT", of("me"), object{"password": "weak"}, 400, says("Old password is required.")},
		{"3.28 an owner's own without the old one", w.owner, "PUT", of("me"), object{"password": other}, 400, says("Old password is required.")},
		{"3.28 weak in front of wrong", w.ada, "PUT", of("me"), change("wrong", "testing"), 400, weak("Invalid password.", onlyLower)},
		{"3.28 wrong old one", w.ada, "PUT", of("me"), change("wrong", other), 400, oldWrong},
		{"3.28 wrong old one by an admin", w.admin, "PUT", of("ada"), change("wrong", other), 400, oldWrong},
		{"3.28 the same again", w.ada, "PUT", of("me"), change(apitestPassword, apitestPassword), 400, says("New password cannot match old password.")},
		{"3.28 the same again by an admin", w.admin, "PUT", of("ada"), object{"password": apitestPassword}, 400, says("New password cannot match old password.")},
	})
	require.Equal(t, before, w.head())
	second := w.Login("ada@example.com", apitestPassword)
	changed := w.ada.Do("PUT", of("me"), nil, change(apitestPassword, other))
	require.Equal(t, http.StatusNoContent, changed.Status, "%s", changed.Body)
	require.Empty(t, changed.Body)
	w.check([]line{
		{"3.28 ends this session", w.ada, "GET", path("me", ""), nil, 401, nil},
		{"3.28 ends the other session", second, "GET", path("me", ""), nil, 401, nil},
	})
	ada := w.Login("ada@example.com", other)
	require.Equal(t, http.StatusNoContent, w.admin.Do("PUT", of("ada"), nil, object{"password": "SomeStrongPassword!"}).Status)
	w.check([]line{{"3.28 ends sessions of the target", ada, "GET", path("me", ""), nil, 401, nil}})
	w.Login("ada@example.com", "SomeStrongPassword!")
	require.Equal(t, http.StatusNoContent, chief.Do("PUT", of("owner"), nil, object{"password": other}).Status, "3.28 an owner's by an owner")
}

func TestValidatePassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := users + "/validate-password"
	w.check([]line{
		{"6 good", nil, "POST", at, object{"password": strong}, 200, object{"valid": true, "details": ""}},
		{"6 another good one", nil, "POST", at, object{"password": "MySecurePassword!"}, 200, object{"valid": true, "details": ""}},
		{"6 weak", nil, "POST", at, object{"password": "testing"}, 200, nil},
		{"6 none", nil, "POST", at, object{}, 400, invalid("password", tag("required", ""))},
		{"6 no body", nil, "POST", at, "", 400, badBody("the body is empty")},
	})
	a := w.Do("POST", at, nil, object{"password": "newpassword"})
	require.Equal(t, false, a.Map(w.System)["valid"])
	require.Contains(t, a.Map(w.System)["details"], "insecure password, try ")
}
