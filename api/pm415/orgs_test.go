package pm415_test

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
)

const iso = `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`

func TestListOfOrganizations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.person("ada")
	bar := ada.found("Bar")
	a := ada.ok("GET", "/api/org", nil)
	orgs := a["organizations"].(list)
	require.Len(t, orgs, 2)
	require.Equal(t, orgs[0], a["current"])
	o := orgs[1].(object)
	require.Regexp(t, iso, o["createdAt"])
	require.Equal(t, object{
		"id": bar, "name": "Bar", "createdAt": o["createdAt"], "updatedAt": o["updatedAt"],
		"roles": list{object{"id": 1.0, "role": "Admin", "createdAt": o["createdAt"], "updatedAt": o["updatedAt"]}},
	}, o)
	w.refused("GET", "/api/org", nil, http.StatusUnauthorized, "Authentication required")
}

func TestFoundingAnOrganization(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, bob := w.person("ada"), w.person("bob")
	a := ada.ok("POST", "/api/org", object{"name": "Bar & Söhne"})
	o := a["organization"].(object)
	require.Equal(t, "Bar & Söhne", o["name"])
	require.Equal(t, object{"id": o["id"], "name": o["name"], "createdAt": o["createdAt"], "updatedAt": o["updatedAt"]}, o)
	require.Equal(t, ada.me()["user"], a["user"])
	require.Equal(t, "Admin", ada.ok("GET", "/api/user/orgs", nil)["organizations"].(list)[1].(object)["role"])

	for _, name := range []string{"Bar & Söhne", "BAR & SÖHNE", "  Bar & Söhne "} {
		bob.refused("POST", "/api/org", object{"name": name}, http.StatusConflict,
			"Organization with name "+strings.TrimSpace(name)+" already exists")
	}
	for body, message := range map[string]string{
		`{}`: `"Name" is required`, `{"name":""}`: `"Name" is not allowed to be empty`, `{"name":1}`: `"Name" must be a string`,
		`{"name":"B"}`: `"Name" length must be at least 2 characters long`, `{"name":"Bar","x":1}`: `"x" is not allowed`,
		`{"name":"` + strings.Repeat("n", 65) + `"}`: `"Name" length must be less than or equal to 64 characters long`,
		`{"name":"` + strings.Repeat("ü", 33) + `"}`: `"Name" length must be less than or equal to 64 characters long`,
		`{"name":"   "}`: `"Name" is not allowed to be empty`, `{"name":"a\nb"}`: `"Name" must not have outer white space or line breaks`,
	} {
		bob.refused("POST", "/api/org", body, http.StatusBadRequest, message)
	}
	for _, name := range []string{"Мир", "Война", "default", "new", "&&", strings.Repeat("long ", 12)} { // any name will do
		bob.found(name)
	}
}

func TestSwitching(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, bob := w.person("ada"), w.person("bob")
	bar := ada.found("Bar")
	a := ada.ok("POST", "/api/org/switch"+orgPath(bar, "")[len("/api/org"):], nil)
	require.Equal(t, ada.ok("GET", "/api/org", nil)["organizations"].(list)[1], a["organization"])
	there := &member{w: w, token: a["token"].(string)}
	require.Equal(t, "Bar", there.me()["organization"].(object)["name"])
	require.Equal(t, "Coder", ada.me()["organization"].(object)["name"], "the old token is as it was")
	require.Equal(t, a["organization"], there.ok("GET", "/api/org", nil)["current"])

	for id, shown := range map[string]string{
		"9999": "9999", "x": "NaN", "0": "0", "-1": "-1", "99999999999999999999": "99999999999999999999", "9999abc": "9999",
	} {
		ada.refused("POST", "/api/org/switch/"+id, nil, http.StatusNotFound, "Organization with ID "+shown+" not found.")
	}
	bob.refused("POST", "/api/org/switch"+orgPath(bar, "")[len("/api/org"):], nil, http.StatusNotFound,
		"Organization with ID "+orgPath(bar, "")[len("/api/org/"):]+" not found.")

	// The token stands for the session: signing out ends both. A key's has its own.
	key := &member{w: w, token: ada.ok("POST", "/api/user/apikey", nil)["apikey"].(string)}
	byKey := &member{w: w, token: key.ok("POST", "/api/org/switch"+orgPath(bar, "")[len("/api/org"):], nil)["token"].(string)}
	require.Equal(t, "Bar", byKey.me()["organization"].(object)["name"])
	out := w.Do("POST", "/api/v2/users/logout", bearer(there.token), nil)
	require.Equal(t, http.StatusOK, out.Status, "%s", out.Body)
	ada.refused("GET", "/api/user", nil, http.StatusUnauthorized, "Authentication required")
	there.refused("GET", "/api/user", nil, http.StatusUnauthorized, "Authentication required")
	byKey.me()
}

func TestRenamingAnOrganization(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, bob := w.person("ada"), w.person("bob")
	bar, taken := ada.found("Bar"), ada.found("Taken")
	w.join(bob, ada.invite(bar, bob.email))
	ada.ok("PUT", orgPath(bar, "/admin/revoke"), object{"usersId": list{bob.number}})
	o := ada.ok("PUT", orgPath(bar, ""), object{"name": "Bar Two"})["organization"].(object)
	require.Equal(t, []any{bar, "Bar Two"}, []any{o["id"], o["name"]})
	require.Len(t, o, 4)
	require.Equal(t, "Bar Two", ada.ok("GET", "/api/user/orgs", nil)["organizations"].(list)[1].(object)["name"])
	require.NotZero(t, taken)
	ada.refused("PUT", orgPath(bar, ""), object{"name": "TAKEN"}, http.StatusConflict, "Organization with name TAKEN already exists")
	ada.refused("PUT", orgPath(bar, ""), object{}, http.StatusBadRequest, `"Name" is required`)
	bob.refused("PUT", orgPath(bar, ""), object{"name": "Mine"}, http.StatusForbidden, "Organization admin privileges required")
}

func TestDeletingAnOrganization(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, bob := w.person("ada"), w.person("bob")
	bar := ada.found("Bar")
	bob.refused("DELETE", orgPath(bar, ""), nil, http.StatusForbidden, "Organization admin privileges required")
	require.Equal(t, object{"success": true}, ada.ok("DELETE", orgPath(bar, ""), nil))
	ada.refused("DELETE", orgPath(bar, ""), nil, http.StatusForbidden, "Organization admin privileges required")
	require.Len(t, ada.me()["user"].(object)["organizations"], 1)
	require.NotEqual(t, bar, bob.found("Bar"), "the name is free, the number is not used again")
	owner := w.login(w.owner.Email, apitest.Password)
	owner.refused("DELETE", "/api/org/1", nil, http.StatusConflict, "the default organization can not be deleted")
}

// Nobody learns by their number which organizations there are; who may do
// everything is told that there is none.
func TestUnknownOrganizations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, owner := w.person("ada"), w.login(w.owner.Email, apitest.Password)
	body := object{"usersId": list{1}}
	for _, c := range []struct {
		method, rest string
		body         any
		message      string
	}{
		{"PUT", "", object{"name": "Bar"}, "Organization admin privileges required"},
		{"DELETE", "", nil, "Organization admin privileges required"},
		{"GET", "/users", nil, "Organization membership required"},
		{"POST", "/users/remove", body, "Organization admin privileges required"},
		{"POST", "/invitelink", object{"email": "x@example.com"}, "Organization membership required"},
		{"PUT", "/admin/grant", body, "Organization admin privileges required"},
		{"PUT", "/admin/revoke", body, "Organization admin privileges required"},
		{"PUT", "/admin/resetpassword", body, "Organization admin privileges required"},
	} {
		for _, id := range []string{"9999", "x", "0", "-1", "1.5", "99999999999999999999", "%00"} {
			path := "/api/org/" + id + c.rest
			w.refused(c.method, path, c.body, http.StatusUnauthorized, "Authentication required")
			ada.refused(c.method, path, c.body, http.StatusForbidden, c.message)
			owner.refused(c.method, path, c.body, http.StatusNotFound, "Organization not found.")
		}
	}
}

func TestMembersOfAnOrganization(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, bob, eve := w.person("ada"), w.person("bob"), w.person("eve")
	bar := ada.found("Bar")
	ada.ok("PUT", "/api/user", object{"email": ada.email, "firstName": "Ada", "lastName": "L"})
	w.join(eve, ada.invite(bar, eve.email))
	w.join(bob, ada.invite(bar, bob.email))
	eve.refused("GET", orgPath(bar, "/users"), nil, http.StatusForbidden, "Organization membership required") // only pending
	ada.ok("PUT", orgPath(bar, "/admin/revoke"), object{"usersId": list{eve.number}})
	w.suspend(bob.email)
	want := object{"success": true, "users": list{
		object{"userId": ada.number, "email": ada.email, "firstName": "Ada", "lastName": "L", "isActive": 1.0, "role": "Admin"},
		object{"userId": bob.number, "email": bob.email, "firstName": nil, "lastName": nil, "isActive": 0.0, "role": "Pending"},
		object{"userId": eve.number, "email": eve.email, "firstName": nil, "lastName": nil, "isActive": 1.0, "role": "Member"},
	}}
	for _, m := range []*member{ada, eve, w.login(w.owner.Email, apitest.Password)} {
		require.Equal(t, want, m.ok("GET", orgPath(bar, "/users"), nil))
	}
	w.person("mallory").refused("GET", orgPath(bar, "/users"), nil, http.StatusForbidden, "Organization membership required")
}

func TestInvitations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, bob, eve := w.person("ada"), w.person("bob"), w.person("eve")
	bar := ada.found("Bar")
	a := ada.ok("POST", orgPath(bar, "/invitelink"), object{"email": "new@example.com", "send": true})
	token := w.post.token(t, "new@example.com")
	require.Equal(t, object{"success": true, "confirmUrl": w.URL + "/account/invite/?token=" + token}, a)
	require.Equal(t, object{"success": true, "email": "new@example.com", "organization": "Bar"},
		w.ask("GET", "/api/org/invite?token="+token, nil, http.StatusOK))
	w.refused("GET", "/api/org/invite?token=x", nil, http.StatusUnprocessableEntity, "Bad data")
	w.refused("GET", "/api/org/invite", nil, http.StatusUnprocessableEntity, "Bad data")

	ada.refused("POST", orgPath(bar, "/invitelink"), object{"email": "ADA@example.com"}, http.StatusConflict,
		"User ADA@example.com already have access to organization Bar")
	ada.refused("POST", orgPath(bar, "/invitelink"), object{"email": "x"}, http.StatusBadRequest, `"Email" must be a valid email`)
	ada.refused("POST", orgPath(bar, "/invitelink"), object{}, http.StatusBadRequest, `"Email" is required`)
	eve.refused("POST", orgPath(bar, "/invitelink"), object{"email": "x@example.com"}, http.StatusForbidden, "Organization membership required")
	w.join(bob, ada.invite(bar, bob.email))
	bob.refused("POST", orgPath(bar, "/invitelink"), object{"email": "x@example.com"}, http.StatusForbidden, "Organization membership required")
	ada.ok("PUT", orgPath(bar, "/admin/revoke"), object{"usersId": list{bob.number}})
	bob.invite(bar, "x@example.com")

	w.post.broken = true
	ada.ok("POST", orgPath(bar, "/invitelink"), object{"email": "y@example.com"}) // the answer has the link
	ada.ok("DELETE", orgPath(bar, ""), nil)
	w.refused("GET", "/api/org/invite?token="+token, nil, http.StatusUnprocessableEntity, "Invitation token invalid or expired")
}

func TestRemovingMembers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, bob, eve := w.person("ada"), w.person("bob"), w.person("eve")
	bar := ada.found("Bar")
	for _, m := range []*member{bob, eve} {
		w.join(m, ada.invite(bar, m.email))
	}
	path := orgPath(bar, "/users/remove")
	last := "At least one admin must remains in"
	ada.refused("POST", path, object{"usersId": list{ada.number}}, http.StatusConflict, last)
	ada.refused("POST", path, object{"usersId": list{bob.number, ada.number}}, http.StatusConflict, last)
	bob.refused("POST", path, object{"usersId": list{eve.number}}, http.StatusForbidden, "Organization admin privileges required")
	bob.refused("POST", path, object{"usersId": list{bob.number, eve.number}}, http.StatusForbidden, "Organization admin privileges required")
	require.Equal(t, object{"success": true}, bob.ok("POST", path, object{"usersId": list{bob.number}}))
	bob.refused("POST", path, object{"usersId": list{bob.number}}, http.StatusForbidden, "Organization admin privileges required")
	ada.ok("POST", path, object{"usersId": list{eve.number, bob.number, 99999}}) // others are passed over
	require.Len(t, ada.ok("GET", orgPath(bar, "/users"), nil)["users"], 1)
	require.Len(t, eve.me()["user"].(object)["organizations"], 1)

	w.join(bob, ada.invite(bar, bob.email))
	ada.ok("PUT", orgPath(bar, "/admin/grant"), object{"usersId": list{bob.number}})
	ada.ok("POST", path, object{"usersId": list{ada.number}}) // another admin stays
	require.Equal(t, "Admin", bob.ok("GET", "/api/user/orgs", nil)["organizations"].(list)[1].(object)["role"])
	require.Len(t, ada.me()["user"].(object)["organizations"], 1)
}

func TestGrantingAndRevoking(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, bob, eve := w.person("ada"), w.person("bob"), w.person("eve")
	bar := ada.found("Bar")
	for _, m := range []*member{bob, eve} {
		w.join(m, ada.invite(bar, m.email))
	}
	both := object{"usersId": list{bob.number, eve.number, 99999}}
	require.Equal(t, object{"success": true, "users": 2.0}, ada.ok("PUT", orgPath(bar, "/admin/grant"), both))
	require.Equal(t, object{"success": true, "users": 1.0}, bob.ok("PUT", orgPath(bar, "/admin/grant"), object{"usersId": list{bob.number}}))
	bob.refused("PUT", orgPath(bar, "/admin/revoke"), object{"usersId": list{eve.number, bob.number}}, http.StatusConflict, "You can not change your own role")
	require.Equal(t, object{"success": true, "users": 2.0, "message": "Now users are members"}, ada.ok("PUT", orgPath(bar, "/admin/revoke"), both))
	bob.refused("PUT", orgPath(bar, "/admin/grant"), both, http.StatusForbidden, "Organization admin privileges required")
	owner := &member{w: w, token: w.owner.Token}
	owner.refused("PUT", orgPath(bar, "/admin/revoke"), object{"usersId": list{ada.number}}, http.StatusConflict, "At least one admin must remains in")
	owner.ok("PUT", orgPath(bar, "/admin/revoke"), both)
	for _, u := range ada.ok("GET", orgPath(bar, "/users"), nil)["users"].(list)[1:] {
		require.Equal(t, "Member", u.(object)["role"])
	}
	for body, message := range map[string]string{
		`{}`: `"usersId" is required`, `{"usersId":1}`: `"usersId" must be an array`, `{"usersId":null}`: `"usersId" must be an array`,
		`{"usersId":["x"]}`: `"0" must be a number`, `{"usersId":[1,2.5]}`: `"1" must be a number`, `{"usersId":[1e99]}`: `"0" must be a number`,
		`{"usersId":[],"x":1}`: `"x" is not allowed`, `{"usersId":[` + strings.Repeat("1,", 500) + `1]}`: `"usersId" must contain less than or equal to 500 items`,
	} {
		for _, call := range []string{"/admin/grant", "/admin/revoke", "/admin/resetpassword"} {
			ada.refused("PUT", orgPath(bar, call), body, http.StatusBadRequest, message)
		}
		ada.refused("POST", orgPath(bar, "/users/remove"), body, http.StatusBadRequest, message)
	}
	form := bearer(ada.token)
	form["Content-Type"] = "application/x-www-form-urlencoded"
	for _, body := range []string{"usersId=2", "usersId[]=2", "usersId[0]=2&usersId[1]=3", "usersId=2&usersId=3"} {
		w.askWith("PUT", orgPath(bar, "/admin/grant"), form, body, http.StatusOK)
	}
}

// An admin's reset mails each member what sets a new password: the old one holds
// until then.
func TestPasswordResetsByAdmins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, bob, eve := w.person("ada"), w.person("bob"), w.person("eve")
	bar := ada.found("Bar")
	w.join(bob, ada.invite(bar, bob.email))
	path := orgPath(bar, "/admin/resetpassword")
	a := ada.ok("PUT", path, object{"usersId": list{bob.number, eve.number}})
	require.Equal(t, list{object{"id": bob.number, "email": bob.email, "firstName": nil, "lastName": nil}}, a["users"], "members alone")
	bob.me()
	change := object{"token": w.post.token(t, bob.email), "password": "2222", "confirmation": "2222"}
	w.ask("POST", "/api/account/changepassword", change, http.StatusOK)
	w.login(bob.email, "2222")
	bob.refused("PUT", path, object{"usersId": list{ada.number}}, http.StatusForbidden, "Organization admin privileges required")
	w.suspend(bob.email)
	require.Equal(t, list{}, ada.ok("PUT", path, object{"usersId": list{bob.number}})["users"])
}

// A write with an Idempotency-Key may be sent again.
func TestRepeats(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, bob := w.person("ada"), w.person("bob")
	as := func(m *member) map[string]string { return with2(bearer(m.token), "Idempotency-Key", "1") }
	body := object{"name": "Bar"}
	first := w.askWith("POST", "/api/org", as(ada), body, http.StatusOK)
	require.Equal(t, first["organization"], w.askWith("POST", "/api/org", as(ada), body, http.StatusOK)["organization"])
	w.askWith("POST", "/api/org", as(ada), object{"name": "Other"}, http.StatusUnprocessableEntity)
	w.askWith("POST", "/api/org", as(bob), body, http.StatusConflict)
}

func with2(headers map[string]string, name, value string) map[string]string {
	headers[name] = value
	return headers
}

// TestAdminsLeaveAtOnce: the last two admins leave, or demote each other, in the same
// moment. One remains, who is told why.
func TestAdminsLeaveAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, bob := w.person("ada"), w.person("bob")
	for round := range 10 {
		org := ada.found("Bar " + strconv.Itoa(round))
		w.join(bob, ada.invite(org, bob.email))
		ada.ok("PUT", orgPath(org, "/admin/grant"), object{"usersId": list{bob.number}})
		ada.ok("GET", orgPath(org, "/users"), nil)
		method, path, about := "POST", orgPath(org, "/users/remove"), []*member{ada, bob}
		if round%2 == 1 {
			method, path, about = "PUT", orgPath(org, "/admin/revoke"), []*member{bob, ada}
		}
		answers := make([]apitest.Answer, 2)
		errs := make([]error, 2)
		var wg sync.WaitGroup
		for i, m := range []*member{ada, bob} {
			wg.Go(func() {
				answers[i], errs[i] = w.Try(method, path, bearer(m.token), object{"usersId": list{about[i].number}})
			})
		}
		wg.Wait()
		require.NoError(t, errors.Join(errs...))
		lost := 0
		if answers[1].Status != http.StatusOK {
			lost = 1
		}
		require.Equal(t, http.StatusOK, answers[1-lost].Status, "%s", answers[1-lost].Body)
		message := answers[lost].Map(w.System)["message"]
		if method == "PUT" && answers[lost].Status == http.StatusForbidden { // demoted before the call came to decide
			require.Equal(t, "Organization admin privileges required", message)
			continue
		}
		require.Equal(t, http.StatusConflict, answers[lost].Status, "%s", answers[lost].Body)
		require.Equal(t, "At least one admin must remains in", message)
	}
}
