package pm415_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/commands"
)

func refOf(email string) commands.UserRef { return commands.UserRef{Email: email} }

// The example of the original page for GET /api/user, member for member.
func TestCurrentUserIsThePagesExample(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	matt := w.person("mattreider")
	matt.ok("PUT", "/api/user", object{"email": "mattreider@tmnail.com", "firstName": "Matthew", "lastName": "Reider"})
	w.v1("DELETE", "/v1/organizations/coder/members/"+w.idOf("mattreider@tmnail.com"), nil, http.StatusNoContent)
	bar := matt.found("Bar")
	matt = w.login("mattreider@tmnail.com", apitest.Password)
	place := object{"id": bar, "name": "Bar", "roles": list{object{"id": 1.0, "role": "Admin"}}}
	require.Equal(t, object{
		"success": true,
		"user": object{
			"id": matt.number, "email": "mattreider@tmnail.com", "firstName": "Matthew", "lastName": "Reider",
			"organizations": list{place},
		},
		"organization": place,
	}, matt.me())
	require.Equal(t, object{"success": true, "organizations": list{object{"orgId": bar, "name": "Bar", "role": "Admin"}}},
		matt.ok("GET", "/api/user/orgs", nil))
}

func TestNamesThatAreNotSetAreNull(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.person("ada").me()["user"].(object)
	require.Len(t, u, 5)
	require.Nil(t, u["firstName"])
	require.Nil(t, u["lastName"])
}

func TestAUserWithoutOrganizations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.person("ada")
	require.Contains(t, ada.me(), "organization")
	w.v1("DELETE", "/v1/organizations/coder/members/"+w.idOf(ada.email), nil, http.StatusNoContent)
	for _, m := range []*member{ada, w.login(ada.email, ada.password)} {
		me := m.me()
		require.NotContains(t, me, "organization", "absent, not null")
		require.Equal(t, list{}, me["user"].(object)["organizations"])
		require.Equal(t, list{}, m.ok("GET", "/api/user/orgs", nil)["organizations"])
		require.NotContains(t, m.ok("GET", "/api/org", nil), "current")
	}
}

func TestOrganizationsComeByNumber(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.person("ada")
	for _, name := range []string{"Zeta", "Alpha", "Mitte"} {
		ada.found(name)
	}
	var names []string
	last := 0.0
	for _, o := range ada.me()["user"].(object)["organizations"].(list) {
		names = append(names, o.(object)["name"].(string))
		require.Greater(t, o.(object)["id"], last)
		last = o.(object)["id"].(float64)
	}
	require.Equal(t, []string{"Coder", "Zeta", "Alpha", "Mitte"}, names)
}

func TestEachRoleIsShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, bob := w.person("ada"), w.person("bob")
	bar := ada.found("Bar")
	role := func() any {
		orgs := bob.ok("GET", "/api/user/orgs", nil)["organizations"].(list)
		return orgs[len(orgs)-1].(object)["role"]
	}
	w.join(bob, ada.invite(bar, bob.email))
	require.Equal(t, "Pending", role())
	orgs := bob.me()["user"].(object)["organizations"].(list)
	require.Equal(t, list{object{"id": 3.0, "role": "Pending"}}, orgs[1].(object)["roles"])
	ada.ok("PUT", orgPath(bar, "/admin/revoke"), object{"usersId": list{bob.number}})
	require.Equal(t, "Member", role())
	ada.ok("PUT", orgPath(bar, "/admin/grant"), object{"usersId": list{bob.number}})
	require.Equal(t, "Admin", role())
}

// Nothing secret is in any answer about users, at any depth.
func TestNothingInternalIsShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.person("ada")
	key := ada.ok("POST", "/api/user/apikey", nil)["apikey"].(string)
	for _, ask := range []struct {
		method, path string
		body         any
	}{
		{"GET", "/api/user", nil}, {"GET", "/api/user/orgs", nil}, {"PUT", "/api/user", object{"email": ada.email}},
	} {
		raw, err := json.Marshal(ada.ok(ask.method, ask.path, ask.body))
		require.NoError(t, err)
		for _, member := range []string{"password", "apiKey", "apikey", "isActive", "confirmedAt", "createdAt", "updatedAt", key, "argon2"} {
			require.NotContains(t, string(raw), member)
		}
	}
}

func TestKeysAreReadAgainAndReplaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.person("ada")
	require.Equal(t, object{"success": true, "apikey": nil}, ada.ok("GET", "/api/user/apikey", nil), "null while none was made")
	made := ada.ok("POST", "/api/user/apikey", "anything at all")
	first := made["apikey"].(string)
	require.Regexp(t, "^[0-9a-f]{64}$", first)
	require.Equal(t, object{"success": true, "apikey": first, "apiKey": first}, made, "for clients of the page and of the server")
	for range 2 {
		require.Equal(t, object{"success": true, "apikey": first}, ada.ok("GET", "/api/user/apikey", nil))
	}
	byKey := &member{w: w, token: first}
	require.Equal(t, ada.number, byKey.me()["user"].(object)["id"])

	second := byKey.ok("POST", "/api/user/apikey", nil)["apiKey"].(string)
	require.NotEqual(t, first, second)
	byKey.refused("GET", "/api/user", nil, http.StatusUnauthorized, "Authentication required")
	byKey.token = second
	require.Equal(t, second, byKey.ok("GET", "/api/user/apikey", nil)["apikey"])
	ada.me()
}

func TestTheCurrentOrganization(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.person("ada")
	bar := ada.found("Bar")
	name := func(m *member) any { return m.me()["organization"].(object)["name"] }
	require.Equal(t, "Coder", name(ada), "the first at the login")
	ada.token = ada.ok("POST", "/api/org/switch/"+orgPath(bar, "")[len("/api/org/"):], nil)["token"].(string)
	require.Equal(t, "Bar", name(ada), "what the token names")
	key := &member{w: w, token: ada.ok("POST", "/api/user/apikey", nil)["apikey"].(string)}
	require.Equal(t, "Coder", name(key), "a key: the first")
	foreign := w.Do("POST", "/api/v3/token/", nil, object{"email": ada.email, "password": ada.password}).Map(w.System)
	require.Equal(t, "Coder", name(&member{w: w, token: foreign["access"].(string)}), "a signed token of another dialect names none: the first")

	ada.ok("DELETE", orgPath(bar, ""), nil)
	require.NotContains(t, ada.me(), "organization", "the token's is gone")
	require.Equal(t, "Coder", name(key))
}

// PUT /api/user: one case for each line of the table of messages.
func TestProfileMessages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.person("ada")
	base := object{"email": ada.email}
	long := strings.Repeat("x", 101)
	for name, c := range map[string]struct {
		body    any
		message string
	}{
		"email absent":                  {object{}, `"Email" is required`},
		"no body":                       {nil, `"Email" is required`},
		"email empty":                   {object{"email": ""}, `"Email" is not allowed to be empty`},
		"email a number":                {object{"email": 5}, `"Email" must be a string`},
		"email null":                    {object{"email": nil}, `"Email" must be a string`},
		"email an array":                {object{"email": list{"a@b.example"}}, `"Email" must be a string`},
		"email without a domain":        {object{"email": "ada"}, `"Email" must be a valid email`},
		"last name empty":               {with(base, object{"lastName": ""}), `"Lastname" is not allowed to be empty`},
		"last name null":                {with(base, object{"lastName": nil}), `"Lastname" must be a string`},
		"last name long":                {with(base, object{"lastName": long}), `"Lastname" length must be less than or equal to 100 characters long`},
		"first name null":               {with(base, object{"firstName": nil}), `"Firstname" must be a string`},
		"first name a boolean":          {with(base, object{"firstName": true}), `"Firstname" must be a string`},
		"first name an object":          {with(base, object{"firstName": object{}}), `"Firstname" must be a string`},
		"first name long":               {with(base, object{"firstName": long}), `"Firstname" length must be less than or equal to 100 characters long`},
		"password short":                {with(base, object{"password": "111", "confirmation": "111"}), `"password" length must be at least 4 characters long`},
		"password empty":                {with(base, object{"password": ""}), `"password" is not allowed to be empty`},
		"password a number":             {with(base, object{"password": 1111, "confirmation": 1111}), `"password" must be a string`},
		"confirmation differs":          {with(base, object{"password": "1111", "confirmation": "2222"}), `"Confirmation" must match password`},
		"confirmation without password": {with(base, object{"confirmation": "1111"}), `"Confirmation" must match password`},
		"unknown member":                {with(base, object{"foo": 1}), `"foo" is not allowed`},
		"order: names before email":     {object{"firstName": nil, "lastName": ""}, `"Firstname" must be a string`},
		"order: last name before email": {object{"lastName": ""}, `"Lastname" is not allowed to be empty`},
		"order: email before password":  {object{"password": "1"}, `"Email" is required`},
		"order: unknown members last":   {object{"aaa": 1}, `"Email" is required`},
		"order: confirmation, unknown":  {with(base, object{"confirmation": "1", "aaa": 1}), `"Confirmation" must match password`},
		"an array":                      {"[]", `"value" must be an object`},
		"a text":                        {`"x"`, `"value" must be an object`},
	} {
		ada.refused("PUT", "/api/user", c.body, http.StatusBadRequest, c.message)
		_ = name
	}
	ada.refused("PUT", "/api/user", with(base, object{"password": "1111"}), http.StatusUnprocessableEntity, "Confirmation must match password")
	w.login(ada.email, ada.password)
	require.Nil(t, ada.me()["user"].(object)["firstName"], "nothing was written")
}

// The example of the original page for PUT /api/user.
func TestProfileWritesAreThePagesExample(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.person("ada")
	key := &member{w: w, token: ada.ok("POST", "/api/user/apikey", nil)["apikey"].(string)}
	before := ada.me()
	answer := ada.ok("PUT", "/api/user", object{
		"email": "matt@matt.com", "password": "1111", "confirmation": "1111", "firstName": "Matt", "lastName": "Reider",
	})
	require.Equal(t, object{
		"success": true, "doLogout": false, "organization": before["organization"],
		"user": with(before["user"].(object), object{"email": "matt@matt.com", "firstName": "Matt", "lastName": "Reider"}),
	}, answer, "with the new values")
	require.Equal(t, without(answer, "doLogout"), ada.me(), "the token stays valid")
	require.Equal(t, answer["user"], key.me()["user"], "and so does the key")
	w.login("matt@matt.com", "1111")
	w.refused("POST", "/api/account/login", object{"email": "matt@matt.com", "password": ada.password}, http.StatusUnauthorized, "Unable to login user")
}

func TestProfileWritesLeaveWhatTheyDoNotName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.person("ada")
	ada.ok("PUT", "/api/user", object{"email": ada.email, "firstName": "Ada", "lastName": "Lovelace"})
	u := ada.ok("PUT", "/api/user", object{"email": ada.email})["user"].(object)
	require.Equal(t, []any{"Ada", "Lovelace"}, []any{u["firstName"], u["lastName"]}, "absent: unchanged")
	u = ada.ok("PUT", "/api/user", object{"email": "ADA@example.com", "firstName": ""})["user"].(object)
	require.Equal(t, []any{"ADA@example.com", nil, "Lovelace"}, []any{u["email"], u["firstName"], u["lastName"]}, "an empty first name is allowed")
	again := ada.ok("PUT", "/api/user", object{"email": "ADA@example.com"})
	require.Equal(t, u, again["user"])
}

func TestTakenAddresses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, bob := w.person("ada"), w.person("bob")
	for _, email := range []string{bob.email, "BOB@Example.com"} {
		ada.refused("PUT", "/api/user", object{"email": email, "firstName": "X", "password": "1111", "confirmation": "1111"},
			http.StatusConflict, "Email "+email+" already registered")
	}
	require.Nil(t, ada.me()["user"].(object)["firstName"])
	w.login(ada.email, ada.password)
}

func TestFormsAreTakenToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.person("ada")
	form := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	a := w.askWith("POST", "/api/account/login", form, "email=ada%40example.com&password="+strings.ReplaceAll(apitest.Password, " ", "+"), http.StatusOK)
	form["Authorization"] = "Bearer " + a["token"].(string)
	u := w.askWith("PUT", "/api/user", form, "email=ada%40example.com&firstName=Ada&lastName=L", http.StatusOK)["user"].(object)
	require.Equal(t, "Ada", u["firstName"])
	for body, message := range map[string]string{
		"email=a%40b.example&email=c":      `"Email" must be a string`,
		"email[]=a":                        `"Email" must be a string`,
		"firstName=x":                      `"Email" is required`,
		"email=a%40b.example&lastName=":    `"Lastname" is not allowed to be empty`,
		"email=a%40b.example&x=%00":        "The body must be valid UTF-8 without NUL characters",
		"email=a%40b.example&x=%ff":        "The body must be valid UTF-8 without NUL characters",
		"email=%zz":                        "The body is not a valid form",
		"email=a%40b.example&confirmation": `"Confirmation" is not allowed to be empty`,
	} {
		require.Equal(t, message, w.askWith("PUT", "/api/user", form, body, http.StatusBadRequest)["message"], body)
	}
	w.askWith("PUT", "/api/user", form, strings.Repeat("&", 1000), http.StatusRequestEntityTooLarge)
}

// Other dialects see what this one writes, and the other way round.
func TestOneUserForAllDialects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.person("ada")
	ada.ok("PUT", "/api/user", object{"email": "new@example.com", "firstName": "Ada", "lastName": "Lovelace"})
	own := w.Do("GET", "/v1/users/me", bearer(ada.token), nil)
	require.Equal(t, http.StatusOK, own.Status, "%s", own.Body)
	u := own.Map(w.System)
	require.Equal(t, []any{"new@example.com", "Ada", "Lovelace"}, []any{u["email"], u["firstName"], u["lastName"]})
	w.v1("PATCH", "/v1/users/"+w.idOf("new@example.com"), object{"firstName": "Augusta"}, http.StatusOK)
	require.Equal(t, "Augusta", ada.me()["user"].(object)["firstName"])

	w.v1("PATCH", "/v1/users/"+w.idOf("new@example.com"), object{"name": "Ada L.", "firstName": nil, "lastName": nil}, http.StatusOK)
	got := ada.me()["user"].(object)
	require.Nil(t, got["firstName"], "nothing is split")
	found, err := w.Commands.Find(context.Background(), refOf("new@example.com"))
	require.NoError(t, err)
	require.Equal(t, "Ada L.", found.Name)
}
