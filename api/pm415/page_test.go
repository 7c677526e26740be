package pm415_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The tables of the pages, line by line, as far as a call's own test does not have them.

// authenticated are all calls that ask who it is, with a good enough path.
var authenticated = []struct{ method, path string }{
	{"GET", "/api/user"},
	{"PUT", "/api/user"},
	{"GET", "/api/user/apikey"},
	{"POST", "/api/user/apikey"},
	{"GET", "/api/user/orgs"},
	{"GET", "/api/org"},
	{"POST", "/api/org"},
	{"POST", "/api/org/switch/1"},
	{"PUT", "/api/org/1"},
	{"DELETE", "/api/org/1"},
	{"GET", "/api/org/1/users"},
	{"POST", "/api/org/1/invitelink"},
	{"POST", "/api/org/1/users/remove"},
	{"PUT", "/api/org/1/admin/grant"},
	{"PUT", "/api/org/1/admin/revoke"},
	{"PUT", "/api/org/1/admin/resetpassword"},
}

// TestWhoIsRefusedEverywhere: 401 and 403 have one message each, and no call looks at
// anything else before.
func TestWhoIsRefusedEverywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.person("ada")
	w.suspend(ada.email)
	for _, c := range authenticated {
		for _, slash := range []string{"", "/"} {
			if c.path+slash == "/api/user/" { // another dialect's
				continue
			}
			for _, body := range []any{nil, object{"email": "x@example.com"}} {
				w.refused(c.method, c.path+slash, body, http.StatusUnauthorized, "Authentication required")
				ada.refused(c.method, c.path+slash, body, http.StatusForbidden, "User not confirmed or inactive")
			}
		}
	}
}

// TestMessagesOfLogins: a line for each rule of the body.
func TestMessagesOfLogins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.person("ada")
	good := object{"email": ada.email, "password": ada.password}
	for _, line := range []struct {
		body    object
		message string
	}{
		{without(good, "email"), `"Email" is required`},
		{with(good, object{"email": ""}), `"Email" is not allowed to be empty`},
		{with(good, object{"email": nil}), `"Email" must be a string`},
		{with(good, object{"email": 1}), `"Email" must be a string`},
		{without(good, "password"), `"Password" is required`},
		{with(good, object{"password": ""}), `"Password" is not allowed to be empty`},
		{with(good, object{"password": list{}}), `"Password" must be a string`},
		{with(good, object{"token": object{}}), `"token" must be a string`},
		{with(good, object{"foo": 1}), `"foo" is not allowed`},
		{object{"foo": 1, "password": 1}, `"Email" is required`},
		{object{"foo": 1, "email": "x"}, `"Password" is required`},
	} {
		w.refused("POST", loginPath, line.body, http.StatusBadRequest, line.message)
	}
}

// TestMessagesOfRegistrations: each member that must be there must be a text.
func TestMessagesOfRegistrations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for member, label := range map[string]string{
		"email": "Email", "password": "Password", "confirmation": "Confirmation", "firstName": "First Name", "lastName": "Last Name",
	} {
		for _, line := range []struct {
			value   any
			message string
		}{{"", " is not allowed to be empty"}, {nil, " must be a string"}, {5, " must be a string"}, {list{"a"}, " must be a string"}} {
			w.refused("POST", "/api/account/register", with(registration, object{member: line.value}), http.StatusBadRequest,
				`"`+label+`"`+line.message)
		}
		w.refused("POST", "/api/account/register", without(registration, member), http.StatusBadRequest, `"`+label+`" is required`)
	}
}

// TestInvitationsGoBeforeNewOrganizations: with a token, no organization is founded.
func TestInvitationsGoBeforeNewOrganizations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.person("ada")
	invitation := ada.invite(ada.found("Bar"), "matt@example.com")
	w.ask("POST", "/api/account/register", with(registration, object{"token": invitation, "organization": "Mine"}), http.StatusOK)
	w.ask("GET", verifyPath(w.post.token(t, "matt@example.com")), nil, http.StatusOK)
	matt := w.login("matt@example.com", "1111")
	require.Equal(t, "Bar", matt.me()["organization"].(object)["name"])
	matt.found("Mine") // it is free
}

// TestTokensElsewhere: no token counts but that of the header.
func TestTokensElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.person("ada")
	body := object{"email": ada.email, "access_token": ada.token}
	w.refused("PUT", "/api/user", body, http.StatusUnauthorized, "Authentication required")
	ada.refused("PUT", "/api/user", body, http.StatusBadRequest, `"access_token" is not allowed`)
	for _, c := range authenticated {
		w.refused(c.method, c.path+"?access_token="+ada.token, nil, http.StatusUnauthorized, "Authentication required")
	}
}

// TestIDsOfAnotherKind: a user's UUID, a number with something behind, one that no
// organization can have.
func TestIDsOfAnotherKind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.person("ada")
	bar := ada.found("Bar")
	uuid := w.idOf(ada.email)
	for _, id := range []string{uuid, "Bar", "NaN", "null", "1e0", "%31%00", "%EF%BF%BD", "%FF", strings.Repeat("9", 400), "0x1", "%D9%A1"} {
		ada.ask("PUT", "/api/org/"+id, object{"name": "Other"}, http.StatusForbidden)
		ada.ask("GET", "/api/org/"+id+"/users", nil, http.StatusForbidden)
	}
	for _, id := range []any{uuid, "", nil, true, list{}, object{}, 1.5, 1e300, "\x00", "１"} {
		ada.ask("PUT", orgPath(bar, "/admin/grant"), object{"usersId": list{id}}, http.StatusBadRequest)
		ada.ask("POST", orgPath(bar, "/users/remove"), object{"usersId": list{id}}, http.StatusBadRequest)
	}
	for _, id := range []any{-1, 0, 999999, int64(1) << 52} { // numbers that nobody has
		require.Equal(t, object{"success": true, "users": 0.0}, ada.ok("PUT", orgPath(bar, "/admin/grant"), object{"usersId": list{id}}))
	}
	for _, token := range []string{"%00", "%FF", "%zz", "a;b", strings.Repeat("x", 20_000)} {
		require.Equal(t, object{"success": false, "message": "Token is invalid or expired."},
			w.ask("GET", "/api/account/verify?token="+token, nil, http.StatusOK))
		w.refused("GET", "/api/org/invite?token="+token, nil, http.StatusUnprocessableEntity, "Bad data")
	}
	require.Equal(t, "Bar", ada.ok("GET", "/api/user/orgs", nil)["organizations"].(list)[1].(object)["name"])
}

// TestContentTypes: whatever is said to come, what is no form is read as JSON.
func TestContentTypes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.person("ada")
	for _, kind := range []string{"", "application/json", "application/json; charset=utf-8", "text/plain", "nonsense;;", "multipart/form-data"} {
		headers := with2(bearer(ada.token), "Content-Type", kind)
		w.askWith("PUT", "/api/user", headers, object{"email": ada.email}, http.StatusOK)
		w.askWith("PUT", "/api/user", headers, "email=x", http.StatusBadRequest)
	}
}

// TestOrganizationsByAnInvitedUser: who is pending alone does nothing in the
// organization, whichever call of its admins it is.
func TestOrganizationsByAnInvitedUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, bob := w.person("ada"), w.person("bob")
	bar := ada.found("Bar")
	w.join(bob, ada.invite(bar, bob.email))
	about := object{"usersId": list{ada.number}}
	for _, line := range []struct {
		method, rest string
		body         any
	}{
		{"PUT", "", object{"name": "Mine"}},
		{"DELETE", "", nil},
		{"POST", "/users/remove", about},
		{"PUT", "/admin/grant", about},
		{"PUT", "/admin/revoke", about},
		{"PUT", "/admin/resetpassword", about},
	} {
		bob.refused(line.method, orgPath(bar, line.rest), line.body, http.StatusForbidden, "Organization admin privileges required")
		ada.ok("PUT", orgPath(bar, "/admin/revoke"), object{"usersId": list{bob.number}}) // a member now
		bob.refused(line.method, orgPath(bar, line.rest), line.body, http.StatusForbidden, "Organization admin privileges required")
	}
}

// TestPasswordsOfThePage: four characters are enough here, in each place that takes one.
func TestPasswordsOfThePage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.person("ada")
	for _, line := range []struct{ method, path, label string }{
		{"PUT", "/api/user", "password"},
		{"POST", "/api/account/register", "Password"},
		{"POST", "/api/account/changepassword", "Password"},
	} {
		for password, message := range map[string]string{
			"":                       `"` + line.label + `" is not allowed to be empty`,
			"111":                    `"` + line.label + `" length must be at least 4 characters long`,
			"яяя":                    `"` + line.label + `" length must be at least 4 characters long`,
			strings.Repeat("1", 251): `"` + line.label + `" length must be less than or equal to 250 characters long`,
		} {
			body := with(registration, object{"password": password, "confirmation": password})
			switch line.path {
			case "/api/user":
				body = object{"email": ada.email, "password": password, "confirmation": password}
			case "/api/account/changepassword":
				body = object{"token": "x", "password": password, "confirmation": password}
			}
			ada.refused(line.method, line.path, body, http.StatusBadRequest, message)
		}
	}
	for _, password := range []string{"1111", "яяяя", strings.Repeat("1", 250)} {
		ada.ok("PUT", "/api/user", object{"email": ada.email, "password": password, "confirmation": password})
		w.login(ada.email, password)
	}
}
