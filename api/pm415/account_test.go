package pm415_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
)

const loginPath = "/api/account/login"

func TestLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.person("ada")
	ada.ok("PUT", "/api/user", object{"email": ada.email, "firstName": "Ada"})
	bar := ada.found("Bar")
	for _, email := range []string{"ada@example.com", "ADA@Example.COM"} {
		a := w.ask("POST", loginPath, object{"email": email, "password": ada.password}, http.StatusOK)
		token := a["token"].(string)
		require.Equal(t, object{
			"token": token, "success": true,
			"user": object{
				"id": ada.number, "email": "ada@example.com", "firstName": "Ada", "lastName": nil,
				"organizations": list{object{"id": 1.0, "name": "Coder"}, object{"id": bar, "name": "Bar"}},
			},
		}, a)

		var claims jwt.MapClaims
		parsed, _, err := jwt.NewParser().ParseUnverified(token, &claims)
		require.NoError(t, err)
		require.Equal(t, "HS256", parsed.Header["alg"])
		require.Equal(t, ada.number, claims["userId"])
		require.EqualValues(t, 1, claims["orgId"], "the first organization")
		issued, _ := claims.GetIssuedAt()
		expires, _ := claims.GetExpirationTime()
		require.InDelta(t, (7 * 24 * time.Hour).Seconds(), expires.Sub(issued.Time).Seconds(), 1)
	}
}

func TestLoginsOfWhoHasNoOrganization(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.person("ada")
	w.v1("DELETE", "/v1/organizations/coder/members/"+w.idOf(ada.email), nil, http.StatusNoContent)
	var claims jwt.MapClaims
	_, _, err := jwt.NewParser().ParseUnverified(w.login(ada.email, ada.password).token, &claims)
	require.NoError(t, err)
	require.NotContains(t, claims, "orgId")
}

// One case for each line of the table of refused logins, in its order.
func TestRefusedLogins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, bob := w.person("ada"), w.person("bob")
	good := object{"email": ada.email, "password": ada.password}
	w.refused("POST", loginPath, without(good, "email"), http.StatusBadRequest, `"Email" is required`)
	w.refused("POST", loginPath, without(good, "password"), http.StatusBadRequest, `"Password" is required`)
	w.refused("POST", loginPath, object{}, http.StatusBadRequest, `"Email" is required`)
	w.refused("POST", loginPath, with(good, object{"remember": true}), http.StatusBadRequest, `"remember" is not allowed`)
	w.refused("POST", loginPath, with(good, object{"token": 1}), http.StatusBadRequest, `"token" must be a string`)
	for _, email := range []string{"nobody@example.com", "no address", strings.Repeat("x", 5000)} {
		w.refused("POST", loginPath, with(good, object{"email": email}), http.StatusNotFound, "User with email "+email+" not found.")
	}

	w.suspend(bob.email)
	for _, password := range []string{bob.password, "wrong"} { // before the password
		w.refused("POST", loginPath, object{"email": bob.email, "password": password}, http.StatusForbidden, "User not confirmed or inactive")
	}
	w.registered("new@example.com")
	w.refused("POST", loginPath, object{"email": "new@example.com", "password": "1111"}, http.StatusForbidden, "User not confirmed or inactive")

	for _, password := range []string{"wrong", strings.Repeat("x", 2000)} {
		w.refused("POST", loginPath, with(good, object{"password": password}), http.StatusUnauthorized, "Unable to login user")
	}
	w.robot()
	w.refused("POST", loginPath, object{"email": "robot@example.com", "password": "x"}, http.StatusUnauthorized, "Unable to login user")
}

// One case for each line of the table that is about invitations.
func TestLoginsWithAnInvitation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, bob := w.person("ada"), w.person("bob")
	bar := ada.found("Bar")
	invitation := ada.invite(bar, "BOB@example.com")
	login := object{"email": bob.email, "password": bob.password, "token": invitation}

	w.refused("POST", loginPath, with(login, object{"password": "wrong", "token": "x"}), http.StatusUnauthorized, "Unable to login user")
	w.refused("POST", loginPath, with(login, object{"token": "x"}), http.StatusUnprocessableEntity, "Bad data")
	w.refused("POST", loginPath, with(login, object{"token": ada.token}), http.StatusUnprocessableEntity, "Bad data")
	w.refused("POST", loginPath, object{"email": ada.email, "password": ada.password, "token": invitation},
		http.StatusUnprocessableEntity, "Invitation email mismatch")

	w.join(bob, invitation)
	require.Equal(t, "Pending", bob.ok("GET", "/api/user/orgs", nil)["organizations"].(list)[1].(object)["role"])
	w.refused("POST", loginPath, login, http.StatusConflict, "Invitation already accepted")

	gone := ada.found("Gone")
	late := ada.invite(gone, bob.email)
	ada.ok("DELETE", orgPath(gone, ""), nil)
	w.refused("POST", loginPath, with(login, object{"token": late}), http.StatusNotFound, "Invitation organization incorrect")

	w.clock.advance(24*time.Hour + time.Minute)
	w.refused("POST", loginPath, login, http.StatusUnprocessableEntity, "Bad data")
}

func TestTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.person("ada")
	for name, header := range map[string]string{
		"none": "", "another scheme": "Basic " + ada.token, "no token": "Bearer ", "nonsense": "Bearer x",
		"unknown": "Bearer 50ca9ba0f7b1444fa55d5", "an unknown key": "Bearer " + strings.Repeat("a", 64),
		"changed": "Bearer " + ada.token + "x", "of a mail": "Bearer " + ada.invite(ada.found("Bar"), "x@example.com"),
	} {
		a := w.askWith("GET", "/api/user", map[string]string{"Authorization": header}, nil, http.StatusUnauthorized)
		require.Equal(t, object{
			"statusCode": 401.0, "error": "Unauthorized", "message": "Authentication required", "success": false,
		}, a, name)
	}
	for _, header := range []string{"Bearer " + ada.token, "bearer " + ada.token, "BEARER  " + ada.token} {
		w.askWith("GET", "/api/user", map[string]string{"Authorization": header}, nil, http.StatusOK)
	}
	w.refused("GET", "/api/user?access_token="+ada.token, nil, http.StatusUnauthorized, "Authentication required")
	stale := map[string]string{"Authorization": "Bearer " + ada.token, "Cookie": "coder_session_token=stale"}
	w.askWith("GET", "/api/user", stale, nil, http.StatusOK)

	other := w.login(ada.email, ada.password)
	w.clock.advance(7*24*time.Hour - time.Minute)
	other.me()
	w.clock.advance(2 * time.Minute)
	other.refused("GET", "/api/user", nil, http.StatusUnauthorized, "Authentication required")
}

// All five calls need a known, active user, and nothing more.
func TestWhoMayAskTheFiveCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, eve := w.person("ada"), w.person("eve")
	key := &member{w: w, token: eve.ok("POST", "/api/user/apikey", nil)["apikey"].(string)}
	w.v1("DELETE", "/v1/organizations/coder/members/"+w.idOf(eve.email), nil, http.StatusNoContent)
	w.join(eve, ada.invite(ada.found("Bar"), eve.email))
	calls := []struct{ method, path string }{
		{"GET", "/api/user"}, {"PUT", "/api/user"}, {"GET", "/api/user/apikey"}, {"POST", "/api/user/apikey"}, {"GET", "/api/user/orgs"},
	}
	body := object{"email": eve.email}
	for _, c := range calls {
		w.refused(c.method, c.path, body, http.StatusUnauthorized, "Authentication required")
		eve.ok(c.method, c.path, body) // who is only pending somewhere
	}
	key.token = eve.ok("GET", "/api/user/apikey", nil)["apikey"].(string)
	w.suspend(eve.email)
	for _, c := range calls {
		for _, m := range []*member{eve, key} {
			m.refused(c.method, c.path, body, http.StatusForbidden, "User not confirmed or inactive")
		}
	}
	w.v1("DELETE", "/v1/users/"+w.idOf(eve.email), nil, http.StatusNoContent)
	for _, c := range calls {
		for _, m := range []*member{eve, key} {
			m.refused(c.method, c.path, body, http.StatusUnauthorized, "Authentication required")
		}
	}
	w.refused("POST", loginPath, object{"email": eve.email, "password": eve.password}, http.StatusNotFound,
		"User with email "+eve.email+" not found.")
}

// A key of another dialect with few scopes reaches as little here.
func TestLimitedKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.person("ada")
	made := w.Do("POST", "/v1/users/me/keys", bearer(ada.token), object{"name": "reader", "scopes": list{commands.ScopeUsersRead}})
	require.Equal(t, http.StatusCreated, made.Status, "%s", made.Body)
	key := &member{w: w, token: made.Map(w.System)["token"].(string)}
	require.Equal(t, ada.number, key.me()["user"].(object)["id"])
	key.ok("GET", "/api/user/orgs", nil)
	for _, c := range []struct{ method, path string }{
		{"GET", "/api/user/apikey"}, {"POST", "/api/user/apikey"}, {"POST", "/api/org/switch/1"},
	} {
		key.refused(c.method, c.path, nil, http.StatusForbidden, "This key is not allowed to do this")
	}
	key.ask("PUT", "/api/user", object{"email": "x@example.com"}, http.StatusForbidden)
	key.ask("POST", "/api/org", object{"name": "Mine"}, http.StatusForbidden)
	key.ask("POST", "/api/org/1/users/remove", object{"usersId": list{ada.number}}, http.StatusForbidden)
	key.ask("POST", "/api/org/1/invitelink", object{"email": "x@example.com"}, http.StatusForbidden)
}

var registration = object{
	"email": "matt@example.com", "password": "1111", "confirmation": "1111", "firstName": "Matt", "lastName": "Reider",
	"tosAccepted": "Y", "organization": "Bar",
}

func (w *world) registered(email string) float64 {
	w.t.Helper()
	a := w.ask("POST", "/api/account/register", with(registration, object{"email": email, "organization": "Of " + email}), http.StatusOK)
	return a["userId"].(float64)
}

func verifyPath(token string) string {
	return "/api/account/verify?" + url.Values{"token": {token}}.Encode()
}

func TestRegistration(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.ask("POST", "/api/account/register", registration, http.StatusOK)
	number := a["userId"].(float64)
	require.Equal(t, object{"userId": number, "success": true}, a)
	w.refused("POST", loginPath, object{"email": "matt@example.com", "password": "1111"}, http.StatusForbidden, "User not confirmed or inactive")
	refused := w.Do("POST", "/api/v2/users/login", nil, object{"email": "matt@example.com", "password": "1111"})
	require.Equal(t, http.StatusUnauthorized, refused.Status, "in no other dialect either")
	token := w.post.token(t, "matt@example.com")
	for range 2 { // also by the mail program that looked first
		require.Equal(t, object{"userId": number, "success": true, "message": "Account verified"},
			w.ask("GET", verifyPath(token), nil, http.StatusOK))
	}
	matt := w.login("matt@example.com", "1111")
	me := matt.me()
	require.Equal(t, "Bar", me["organization"].(object)["name"])
	require.Equal(t, list{object{"id": 1.0, "role": "Admin"}}, me["organization"].(object)["roles"])
	require.Len(t, me["user"].(object)["organizations"], 1)
}

func TestRegistrationByInvitation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.person("ada")
	bar := ada.found("Bar")
	invitation := ada.invite(bar, "matt@example.com")
	body := with(without(registration, "organization"), object{"token": invitation})
	path := "/api/account/register"
	w.refused("POST", path, with(body, object{"token": "x"}), http.StatusUnprocessableEntity, "Invitation token invalid or expired")
	w.refused("POST", path, with(body, object{"token": ada.token}), http.StatusUnprocessableEntity, "Invitation token invalid or expired")
	w.refused("POST", path, with(body, object{"email": "other@example.com"}), http.StatusUnprocessableEntity, "Email is incorrect")
	gone := ada.found("Gone")
	late := ada.invite(gone, "matt@example.com")
	ada.ok("DELETE", orgPath(gone, ""), nil)
	w.refused("POST", path, with(body, object{"token": late}), http.StatusNotFound, "Organization not found")

	w.ask("POST", path, body, http.StatusOK)
	w.ask("GET", verifyPath(w.post.token(t, "matt@example.com")), nil, http.StatusOK)
	me := w.login("matt@example.com", "1111").me()
	require.Equal(t, list{object{"id": 3.0, "role": "Pending"}}, me["organization"].(object)["roles"])
	w.refused("POST", path, body, http.StatusConflict, "User with email matt@example.com already exists")
}

func TestRefusedRegistrations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.person("ada")
	ada.found("Taken Name")
	mails := w.post.count()
	for _, c := range []struct {
		change  object
		drop    string
		message string
	}{
		{nil, "email", `"Email" is required`},
		{object{"email": "x"}, "", `"Email" must be a valid email`},
		{object{"email": "A <a@b.example>"}, "", `"Email" must be a valid email`},
		{nil, "password", `"Password" is required`},
		{object{"password": "111"}, "", `"Password" length must be at least 4 characters long`},
		{nil, "firstName", `"First Name" is required`},
		{nil, "lastName", `"Last Name" is required`},
		{object{"firstName": ""}, "", `"First Name" is not allowed to be empty`},
		{nil, "confirmation", `"Confirmation" is required`},
		{object{"confirmation": "2222"}, "", `"Confirmation" must match password`},
		{nil, "tosAccepted", `"Terms of Service" is required`},
		{object{"tosAccepted": true}, "", `"Terms of Service" must be accepted`},
		{object{"tosAccepted": "false"}, "", `"Terms of Service" must be accepted`},
		{object{"tosAccepted": "yes"}, "", `"Terms of Service" must be a boolean`},
		{object{"tosAccepted": 1}, "", `"Terms of Service" must be a boolean`},
		{object{"tosAccepted": nil}, "", `"Terms of Service" must be a boolean`},
		{nil, "organization", `"Organization" is required`},
		{object{"organization": ""}, "", `"Organization" is not allowed to be empty`},
		{object{"organization": "  "}, "", `"Organization" is not allowed to be empty`},
		{object{"organization": strings.Repeat("ü", 40)}, "", `"Organization" length must be less than or equal to 64 characters long`},
		{object{"role": "Admin"}, "", `"role" is not allowed`},
	} {
		body := with(registration, c.change)
		if c.drop != "" {
			body = without(body, c.drop)
		}
		w.refused("POST", "/api/account/register", body, http.StatusBadRequest, c.message)
	}
	w.refused("POST", "/api/account/register", with(registration, object{"email": "ADA@example.com"}), http.StatusConflict,
		"User with email ADA@example.com already exists")
	for _, name := range []string{"Taken Name", "taken  name", "Taken-Name", "coder"} {
		w.refused("POST", "/api/account/register", with(registration, object{"organization": name}), http.StatusConflict,
			"Organization "+name+" already exists.")
	}
	require.Equal(t, mails, w.post.count())
	w.ask("POST", "/api/account/register", registration, http.StatusOK) // nothing is in the way
}

func TestRegistrationIsClosedUnlessItIsOpened(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apitest.WithSettings(func(s *gate.Settings) { s.SignUp = false }))
	for _, body := range []any{registration, object{}, "x"} {
		w.refused("POST", "/api/account/register", body, http.StatusForbidden, "Registration is closed")
	}
	ada := w.person("ada")
	ada.refused("POST", "/api/org", object{"name": "Bar"}, http.StatusForbidden, "Organizations are created by administrators")
	owner := w.login(w.owner.Email, apitest.Password)
	owner.found("Bar")
}

func TestVerification(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.registered("new@example.com")
	token := w.post.token(t, "new@example.com")
	bad := object{"success": false, "message": "Token is invalid or expired."}
	for _, wrong := range []string{"", "x", token + "x", w.person("ada").token} {
		require.Equal(t, bad, w.ask("GET", verifyPath(wrong), nil, http.StatusOK))
	}
	require.Equal(t, bad, w.ask("GET", "/api/account/verify", nil, http.StatusOK))
	id := w.idOf("new@example.com")
	w.v1("PATCH", "/v1/users/"+id, object{"email": "newer@example.com"}, http.StatusOK)
	require.Equal(t, bad, w.ask("GET", verifyPath(token), nil, http.StatusOK), "the token proves another address")
	w.v1("PATCH", "/v1/users/"+id, object{"email": "new@example.com"}, http.StatusOK)

	w.v1("DELETE", "/v1/users/"+id, nil, http.StatusNoContent)
	require.Equal(t, object{"success": false, "message": "User not found"}, w.ask("GET", verifyPath(token), nil, http.StatusOK))

	w.registered("late@example.com")
	token = w.post.token(t, "late@example.com")
	w.clock.advance(24*time.Hour + time.Minute)
	require.Equal(t, bad, w.ask("GET", verifyPath(token), nil, http.StatusOK))
}

// Verifying an address does not let back in who was suspended.
func TestVerificationDoesNotActivate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.registered("new@example.com")
	w.suspend("new@example.com")
	w.ask("GET", verifyPath(w.post.token(t, "new@example.com")), nil, http.StatusOK)
	w.refused("POST", loginPath, object{"email": "new@example.com", "password": "1111"}, http.StatusForbidden, "User not confirmed or inactive")
}

func TestForgottenPasswords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.person("ada")
	path := "/api/account/forgotpassword"
	require.Equal(t, object{"message": "A message was sent to the ADA@example.com", "success": true, "userId": ada.number},
		w.ask("POST", path, object{"email": "ADA@example.com"}, http.StatusOK))
	token := w.post.token(t, ada.email)
	w.refused("POST", path, object{"email": "nobody@example.com"}, http.StatusNotFound, "User with email nobody@example.com not found.")
	w.refused("POST", path, object{}, http.StatusBadRequest, `"Email" is required`)
	w.refused("POST", path, object{"email": "ada"}, http.StatusBadRequest, `"Email" must be a valid email`)

	change := object{"token": token, "password": "2222", "confirmation": "2222"}
	refused := func(body object, status int, message string) {
		t.Helper()
		w.refused("POST", "/api/account/changepassword", body, status, message)
	}
	refused(without(change, "token"), http.StatusBadRequest, `"token" is required`)
	refused(without(change, "password"), http.StatusBadRequest, `"Password" is required`)
	refused(without(change, "confirmation"), http.StatusBadRequest, `"Confirmation" is required`)
	refused(with(change, object{"confirmation": "3333"}), http.StatusBadRequest, `"Confirmation" must match password`)
	refused(with(change, object{"password": "1"}), http.StatusBadRequest, `"Password" length must be at least 4 characters long`)
	for _, wrong := range []string{"x", ada.token, token + "x"} {
		refused(with(change, object{"token": wrong}), http.StatusUnprocessableEntity, "Token is invalid or expired.")
	}
	require.Equal(t, object{"userId": ada.number, "success": true, "message": "New password saved"},
		w.ask("POST", "/api/account/changepassword", change, http.StatusOK))
	refused(change, http.StatusUnprocessableEntity, "Token is invalid or expired.") // it is good once
	w.login(ada.email, "2222")
	w.refused("POST", loginPath, object{"email": ada.email, "password": ada.password}, http.StatusUnauthorized, "Unable to login user")
	ada.me() // sessions stay

	w.ask("POST", path, object{"email": ada.email}, http.StatusOK)
	token = w.post.token(t, ada.email)
	w.clock.advance(24*time.Hour + time.Minute)
	refused(with(change, object{"token": token}), http.StatusUnprocessableEntity, "Token is invalid or expired.")

	w.ask("POST", path, object{"email": ada.email}, http.StatusOK)
	token = w.post.token(t, ada.email)
	w.owner = w.Login(w.owner.Email, apitest.Password) // a day is over
	w.v1("DELETE", "/v1/users/"+w.idOf(ada.email), nil, http.StatusNoContent)
	refused(with(change, object{"token": token}), http.StatusNotFound, "User not found")
}

func TestWhoCanNotResetAPassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob := w.person("bob")
	w.robot()
	w.suspend(bob.email)
	w.refused("POST", "/api/account/forgotpassword", object{"email": bob.email}, http.StatusForbidden, "User not confirmed or inactive")
	w.refused("POST", "/api/account/forgotpassword", object{"email": "robot@example.com"}, http.StatusConflict, "User signs in without a password")
	require.Zero(t, w.post.count())
}

// A lost mail of confirmation shuts nobody out: the mail of a reset proves as much.
func TestResettingConfirms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.registered("new@example.com")
	w.ask("POST", "/api/account/forgotpassword", object{"email": "new@example.com"}, http.StatusOK)
	change := object{"token": w.post.token(t, "new@example.com"), "password": "2222", "confirmation": "2222"}
	w.ask("POST", "/api/account/changepassword", change, http.StatusOK)
	w.login("new@example.com", "2222").me()
}

func TestMailThatCanNotBeSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.person("ada")
	w.post.broken = true
	w.refused("POST", "/api/account/forgotpassword", object{"email": ada.email}, http.StatusServiceUnavailable,
		"The message could not be sent, please try again later")
	w.registered("new@example.com") // there is the user all the same

	none := newWorld(t, apitest.WithMail(nil))
	none.person("ada")
	none.refused("POST", "/api/account/forgotpassword", object{"email": "ada@example.com"}, http.StatusServiceUnavailable,
		"The message could not be sent, please try again later")
}

// Links name this installation only as its operator does.
func TestLinksInMail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.registered("new@example.com")
	require.NotContains(t, w.post.mails[0].Text, "http")
	require.Equal(t, "[PM415] confirmation required", w.post.mails[0].Subject)

	named := newWorld(t, apitest.WithSettings(func(s *gate.Settings) { s.SignUp, s.AccessURL = true, "https://roster.example.com" }))
	named.registered("new@example.com")
	token := named.post.token(t, "new@example.com")
	require.Contains(t, named.post.mails[0].Text, "https://roster.example.com/api/account/verify?token="+token)
	named.ask("POST", "/api/account/forgotpassword", object{"email": "new@example.com"}, http.StatusOK)
	require.Contains(t, named.post.mails[1].Text, "https://roster.example.com/account/reset-password/?token="+named.post.token(t, "new@example.com"))
}

func TestLoginsAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apitest.WithRateLimits())
	w.owner.NewUser("ada")
	for range 50 {
		a := w.Do("POST", loginPath, nil, object{"email": "ada@example.com", "password": "wrong"})
		if a.Status == http.StatusTooManyRequests {
			require.NotEmpty(t, a.Header.Get("Retry-After"))
			require.Equal(t, "Too Many Requests", a.Map(w.System)["error"])
			return
		}
		require.Equal(t, http.StatusUnauthorized, a.Status)
	}
	require.Fail(t, "never limited")
}

func TestOtherSitesLogNobodyIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.person("ada")
	headers := map[string]string{"Sec-Fetch-Site": "cross-site"}
	w.askWith("POST", loginPath, headers, object{"email": ada.email, "password": ada.password}, http.StatusForbidden)
}
