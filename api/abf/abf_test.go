package abf_test

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/events"
)

const (
	userURL      = "/api/v1/user.json"
	notifiersURL = "/api/v1/user/notifiers.json"
	notFound     = `{"status":404,"message":"Error 404. Resource not found!"}`
)

func TestUserObject(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	number := w.number(w.ada)
	a := w.as("GET", userPath(number), nil, http.StatusOK)
	require.Equal(t, "application/json; charset=utf-8", a.Header.Get("Content-Type"))
	u := a.Map(w.System)["user"].(object)
	require.Len(t, u, 16, "every member is there, whatever is set")
	sum := md5.Sum([]byte("ada-love@example.com"))
	for member, want := range (object{
		"id": float64(number), "uname": "ada_love", "email": "ada-love@example.com", "name": nil, "language": "en", "own_projects_count": 0.0,
		"professional_experience": nil, "site": nil, "company": nil, "location": nil, "build_priority": 50.0,
		"avatar_url": "https://secure.gravatar.com/avatar/" + hex.EncodeToString(sum[:]) + "?s=81&r=pg",
		"url":        userPath(number), "html_url": "/ada_love",
	}) {
		require.Equal(t, want, u[member], member)
	}
	require.IsType(t, 0.0, u["created_at"])
	require.GreaterOrEqual(t, u["updated_at"], u["created_at"])

	for _, path := range []string{
		strings.TrimSuffix(userPath(number), ".json"), "/api/v1/users/ada_love.json", "/api/v1/users/ADA_LOVE", "/api/v1/users/Ada_Love.json",
	} {
		require.Equal(t, string(a.Body), string(w.as("GET", path, nil, http.StatusOK).Body), path)
	}
	require.Equal(t, "owner", w.as("GET", "/api/v1/users/owner", nil, http.StatusOK).Map(w.System)["user"].(object)["uname"], "everybody sees everybody")
	for _, path := range []string{
		"/api/v1/users/999.json", "/api/v1/users/nobody.json", "/api/v1/users/0", "/api/v1/users/99999999999999999999", "/api/v1/users/ada-love",
		"/api/v1/users/5.xml", "/api/v1/users/ada_love/", "/api/v1/users", "/api/v1", "/api/v1/", "/api/v1/nonsense.json", "/api/v1/users/%00", "/api/v1/users/%FF",
		"/api/v1/users/" + w.ada.ID, "/api/v1/user.xml", "/api/v1/users/" + strings.Repeat("9", 4000),
	} {
		require.JSONEq(t, notFound, string(w.as("GET", path, nil, http.StatusNotFound).Body), path)
	}
}

func TestSystemUsersAreHidden(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	robot := w.owner.NewUser("robot", "system")
	w.as("GET", "/api/v1/users/robot.json", nil, http.StatusNotFound)
	a := w.Do("GET", userURL, basic("robot", apitest.Password), nil)
	require.Equal(t, "system", a.Map(w.System)["user"].(object)["role"])
	require.Equal(t, http.StatusNotFound, w.Do("GET", notifiersURL, basic("robot", apitest.Password), nil).Status)
	require.Equal(t, http.StatusNotFound, robot.Do("PUT", notifiersURL, nil, object{}).Status)
}

func TestCurrentUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	me := w.me()
	require.Len(t, me, 18)
	require.Equal(t, "", me["role"])
	nested := me["user"].(object)
	require.Len(t, nested, 16)
	for member, value := range nested {
		require.Equal(t, value, me[member], member)
	}
	for name, role := range map[string]string{"tester": "tester", "boss": "owner"} {
		w.owner.NewUser(name, role)
		a := w.Do("GET", "/api/v1/user", basic(name, apitest.Password), nil)
		want := strings.Replace(role, "owner", "admin", 1)
		require.Equal(t, want, a.Map(w.System)["user"].(object)["role"])
	}
}

func TestTagsAndCachedReads(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.as("GET", userURL, nil, http.StatusOK)
	tag := a.Header.Get("ETag")
	require.Regexp(t, `^"[0-9a-f]{32}"$`, tag)
	require.Equal(t, "max-age=0, private, must-revalidate", a.Header.Get("Cache-Control"))
	known := basic("ada-love", apitest.Password)
	known["If-None-Match"] = tag
	same := w.Do("GET", userURL, known, nil)
	require.Equal(t, http.StatusNotModified, same.Status)
	require.Empty(t, same.Body)
	require.Equal(t, tag, same.Header.Get("ETag"))
	other := w.Do("GET", notifiersURL, known, nil)
	require.Equal(t, http.StatusOK, other.Status)
	require.NotEqual(t, tag, other.Header.Get("ETag"), "the client keeps bodies by the tag alone")
	wrong := basic("ada-love", "wrong")
	wrong["If-None-Match"] = tag
	require.Equal(t, http.StatusUnauthorized, w.Do("GET", userURL, wrong, nil).Status, "first the password")
	put := w.as("PUT", userURL, object{"user": object{"company": "ACME"}}, http.StatusOK)
	require.NotEmpty(t, put.Header.Get("ETag"), "a write has one, too")
	require.Equal(t, http.StatusOK, w.Do("GET", userURL, known, nil).Status, "what changed is sent again")
	require.NotEmpty(t, w.as("HEAD", userURL, nil, http.StatusOK).Header.Get("ETag"))
}

func TestSigningIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, name := range []string{"ada-love", "ADA-LOVE", "ada_love", "Ada_Love", "ada-love@example.com", "ADA-LOVE@EXAMPLE.COM"} {
		require.Equal(t, http.StatusOK, w.Do("GET", userURL, basic(name, apitest.Password), nil).Status, name)
	}
	require.Equal(t, http.StatusOK, w.Do("GET", userURL, basic(w.ada.Token, ""), nil).Status, "a token with an empty password")
	require.Equal(t, http.StatusOK, w.ada.Do("GET", userURL, nil, nil).Status, "and as bearer")

	none := w.Do("GET", userURL, nil, nil)
	require.Equal(t, http.StatusUnauthorized, none.Status)
	require.JSONEq(t, `{"error":"You need to sign in or sign up before continuing."}`, string(none.Body))
	require.Equal(t, `Basic realm="Application"`, none.Header.Get("WWW-Authenticate"))
	for _, header := range []map[string]string{
		basic("ada-love", "wrong"), basic("nobody", apitest.Password), basic("", ""), basic("ada-love", ""), basic("nonsense", ""),
		basic("ada-love", "x\x00"), basic(strings.Repeat("x", 3000), "y"), basic("aaaaaaaaaa-bbbbbbbbbbbbbbbbbbbbbb", ""),
	} {
		a := w.Do("GET", userURL, header, nil)
		require.Equal(t, http.StatusUnauthorized, a.Status)
		require.JSONEq(t, `{"error":"Invalid email or password."}`, string(a.Body))
	}
	require.Equal(t, http.StatusOK, w.owner.Do("POST", "/v1/users/ada-love/suspend", nil, nil).Status)
	locked := w.Do("GET", userURL, basic("ada-love", apitest.Password), nil)
	require.Equal(t, http.StatusUnauthorized, locked.Status, "at once, though the password was remembered")
	require.JSONEq(t, `{"error":"Your account is locked."}`, string(locked.Body))
	require.Equal(t, http.StatusUnauthorized, w.Do("GET", userURL, basic("ada-love", "wrong"), nil).Status)
	require.Equal(t, http.StatusOK, w.owner.Do("POST", "/v1/users/ada-love/activate", nil, nil).Status)
	w.me()

	set := w.owner.Do("PUT", "/v1/users/ada-love/password", nil, object{"password": "another horse battery 43"})
	require.Less(t, set.Status, 300, "%s", set.Body)
	require.Equal(t, http.StatusUnauthorized, w.Do("GET", userURL, basic("ada-love", apitest.Password), nil).Status, "forgotten with the password")
	require.Equal(t, http.StatusOK, w.Do("GET", userURL, basic("ada-love", "another horse battery 43"), nil).Status)
	require.Equal(t, http.StatusNoContent, w.owner.Do("DELETE", "/v1/users/ada-love", nil, nil).Status)
	gone := w.Do("GET", userURL, basic("ada-love", "another horse battery 43"), nil)
	require.JSONEq(t, `{"error":"Invalid email or password."}`, string(gone.Body))
}

func TestUpdateUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	number := w.number(w.ada)
	done := fmt.Sprintf(`{"user":{"id":%d,"message":"User has been updated successfully"}}`, number)
	full := object{
		"name": "Ada Lovelace", "email": " ADA@Example.COM ", "language": "ru", "professional_experience": "Engines",
		"site": "http://ada.example", "company": "ACME", "location": "London",
	}
	require.JSONEq(t, done, string(w.as("PUT", userURL, object{"user": full}, http.StatusOK).Body))
	me := w.me()
	full["email"] = "ada@example.com"
	for member, value := range full {
		require.Equal(t, value, me[member], member)
	}
	w.as("PATCH", "/api/v1/user", object{"user": object{"company": nil, "site": "", "name": nil}}, http.StatusOK)
	me = w.me()
	for _, member := range []string{"company", "site", "name"} {
		require.Nil(t, me[member], member)
	}
	require.Equal(t, "London", me["location"], "what is absent stays")

	require.Equal(t, http.StatusOK, w.Do("PUT", userURL, form(w), "user%5Bname%5D=From+a+form&user%5Bcompany%5D=F&other=1").Status)
	w.as("PUT", userURL, object{"location": "Paris"}, http.StatusOK)
	me = w.me()
	require.Equal(t, []any{"From a form", "F", "Paris"}, []any{me["name"], me["company"], me["location"]})

	head, err := w.Log.Head(t.Context(), events.Roster)
	require.NoError(t, err)
	for _, body := range []any{
		nil,
		"",
		"{}",
		object{"user": object{}},
		object{"user": nil},
		object{"user": ""},
		object{"user": object{"name": "From a form"}},
		object{"user": object{"uname": "x", "role": "admin", "id": 1, "build_priority": 99, "password": "x", "unknown": []any{}}},
	} {
		require.JSONEq(t, done, string(w.as("PUT", userURL, body, http.StatusOK).Body), "%v", body)
	}
	after, err := w.Log.Head(t.Context(), events.Roster)
	require.NoError(t, err)
	require.Equal(t, head, after, "nothing was written")
	require.Equal(t, 50.0, w.me()["build_priority"])
	w.me()
}

// form are ada's headers with a form for a body.
func form(w *world) map[string]string {
	h := basic("ada@example.com", apitest.Password)
	h["Content-Type"] = "application/x-www-form-urlencoded"
	return h
}

func TestUpdateUserRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	head, err := w.Log.Head(t.Context(), events.Roster)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		user object
		text string
	}{
		"email empty":              {object{"email": ""}, "Email can't be blank"},
		"email null":               {object{"email": nil}, "Email can't be blank"},
		"email taken":              {object{"email": "OWNER@example.com"}, "Email has already been taken"},
		"email form":               {object{"email": "a b@example.com"}, "Email is invalid"},
		"email without tld":        {object{"email": "a@localhost"}, "Email is invalid"},
		"name over 100":            {object{"name": strings.Repeat("я", 101)}, "User is too long (maximum is 100 characters)"},
		"language other":           {object{"language": "de"}, "Language is not included in the list"},
		"site over 255":            {object{"site": strings.Repeat("x", 256)}, "Site is too long (maximum is 255 characters)"},
		"name a number":            {object{"name": 5}, "Name is invalid"},
		"company an object":        {object{"company": object{}}, "Company is invalid"},
		"several, in their order":  {object{"language": "x", "email": "x"}, "Email is invalid. Language is not included in the list"},
		"one wrong among the rest": {object{"name": "Kept Out", "language": "x"}, "Language is not included in the list"},
	} {
		a := w.as("PUT", userURL, object{"user": c.user}, http.StatusUnprocessableEntity)
		require.JSONEq(t, `{"user":{"id":null,"message":"User has not been updated. `+c.text+`"}}`, string(a.Body), name)
	}
	for _, body := range []string{`{`, `[]`, `"x"`, `{"user":[]}`, `{"user":7}`, `{"user":{"name":"a"},"user":{}}`, "{\"user\":{\"name\":\"\xff\"}}", `{"user":{"name":"\u0000"}}`} {
		a := w.as("PUT", userURL, body, http.StatusBadRequest)
		require.JSONEq(t, `{"status":400,"message":"Bad Request"}`, string(a.Body), body)
	}
	w.as("PUT", userURL, object{"user": object{"name": strings.Repeat("x", 2<<20)}}, http.StatusRequestEntityTooLarge)
	require.Equal(t, http.StatusUnauthorized, w.Do("PUT", userURL, nil, object{}).Status)
	require.Equal(t, "GET, HEAD, PUT, PATCH", w.as("DELETE", userURL, nil, http.StatusMethodNotAllowed).Header.Get("Allow"))
	require.Equal(t, "GET, HEAD, PUT", w.as("PATCH", notifiersURL, object{}, http.StatusMethodNotAllowed).Header.Get("Allow"), "PUT only")
	after, err := w.Log.Head(t.Context(), events.Roster)
	require.NoError(t, err)
	require.Equal(t, head, after, "nothing was written")
}

func TestNotifiers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	number := w.number(w.ada)
	read := func() object {
		body := w.as("GET", notifiersURL, nil, http.StatusOK).Map(w.System)
		require.Equal(t, notifiersURL, body["url"])
		user := body["user"].(object)
		require.Equal(t, float64(number), user["id"])
		return user["notifiers"].(object)
	}
	all := read()
	require.Len(t, all, 10)
	for name, on := range all {
		require.Equal(t, true, on, name)
	}
	done := fmt.Sprintf(`{"user":{"id":%d,"message":"User notification settings have been updated successfully"}}`, number)
	put := func(body any) {
		require.JSONEq(t, done, string(w.as("PUT", notifiersURL, body, http.StatusOK).Body), "%v", body)
	}
	put(object{"notifiers": object{"can_notify": false, "new_build": "0", "new_issue": 0, "issue_assign": "off", "unknown": true, "update_code": true}})
	all = read()
	for _, name := range []string{"can_notify", "new_build", "new_issue", "issue_assign"} {
		require.Equal(t, false, all[name], name)
	}
	require.Equal(t, true, all["new_comment"], "what is absent stays")
	put(object{"notifiers": object{"can_notify": "on", "new_build": "1", "new_issue": 1, "issue_assign": "t"}})
	for name, on := range read() {
		require.Equal(t, true, on, name)
	}
	for _, body := range []any{nil, object{}, object{"notifiers": object{}}, object{"can_notify": false}, object{"user": object{}}} {
		put(body)
	}
	for _, value := range []any{nil, "", []any{}, object{}} {
		a := w.as("PUT", notifiersURL, object{"notifiers": object{"new_issue": value, "can_notify": false}}, http.StatusUnprocessableEntity)
		require.JSONEq(t, `{"user":{"id":null,"message":"User notification settings have not been updated. New issue is invalid"}}`, string(a.Body))
	}
	for name, on := range read() {
		require.Equal(t, true, on, name)
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, name := range []string{"alan", "a-la", "malala", "bob"} {
		w.owner.NewUser(name)
	}
	search := func(query string) (names []any) {
		results := w.as("GET", "/api/v1/search.json?"+query, nil, http.StatusOK).Map(w.System)
		require.Equal(t, "/api/v1/search.json", results["url"])
		for _, u := range results["results"].(object)["users"].([]any) {
			names = append(names, u.(object)["uname"])
		}
		return names
	}
	require.Equal(t, []any{"alan", "malala"}, search("type=users&query=ALA&per_page=100"), "shortest first")
	require.Equal(t, []any{"a_la", "ada_love"}, search("type=users&query=a_l"), "an underscore is no wildcard")
	require.Equal(t, []any{"alan"}, search("type=users&query=ala&per_page=1"))
	require.Empty(t, search("type=users&query=%25"))
	require.Empty(t, search("type=projects&query=ala"))
	require.Empty(t, search("type=users&query=owner@example.com"), "addresses are not searched")
	require.Equal(t, http.StatusUnauthorized, w.Do("GET", "/api/v1/search.json?type=users&query=a", nil, nil).Status)
}

func TestQuota(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apitest.WithABFHourlyLimit(2))
	for left := 1; left >= 0; left-- {
		a := w.as("GET", userURL, nil, http.StatusOK)
		require.Equal(t, "2", a.Header.Get("X-RateLimit-Limit"))
		require.Equal(t, fmt.Sprint(left), a.Header.Get("X-RateLimit-Remaining"))
	}
	over := w.as("GET", userURL, nil, http.StatusForbidden)
	require.JSONEq(t, `{"message":"403 Forbidden | Rate Limit Exceeded"}`, string(over.Body))
	require.Equal(t, http.StatusOK, w.owner.Do("GET", userURL, nil, nil).Status, "each for themselves")
}

// TestGuessesCountForTheAccount: another way to write a name is no new account.
func TestGuessesCountForTheAccount(t *testing.T) {
	t.Parallel()
	start := time.Now()
	w := newWorld(t, apitest.WithRateLimits(), apitest.WithClock(func() time.Time { return start }))
	names := []string{"ada-love", "ada_love", "ADA-LOVE", "Ada_Love"}
	for i := range 10 {
		a := w.Do("GET", userURL, basic(names[i%len(names)], "wrong"), nil)
		require.JSONEq(t, `{"error":"Invalid email or password."}`, string(a.Body), "try %d", i)
	}
	for _, name := range names {
		a := w.Do("GET", userURL, basic(name, "wrong"), nil)
		require.JSONEq(t, `{"message":"403 Forbidden | Rate Limit Exceeded"}`, string(a.Body), name)
	}
}

// TestListedKeys: a token for some users shows no others, though a user would see
// everybody.
func TestListedKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	own := userPath(w.number(w.ada))
	limited := func(list ...string) map[string]string {
		a := w.ada.Do("POST", "/api/v2/users/me/keys/tokens", nil, object{"allow_list": list})
		require.Equal(t, http.StatusCreated, a.Status, "%s", a.Body)
		return basic(a.Map(w.System)["key"].(string), "")
	}
	found := func(key map[string]string) (ids []any) {
		a := w.Do("GET", "/api/v1/search.json?query=a", key, nil)
		require.Equal(t, http.StatusOK, a.Status, "%s", a.Body)
		for _, hit := range a.Map(w.System)["results"].(object)["users"].([]any) {
			ids = append(ids, hit.(object)["uname"])
		}
		return ids
	}
	alan := w.owner.NewUser("alan")
	everybody, self, other := limited("user:*"), limited("user:"+w.ada.ID), limited("user:"+alan.ID)
	require.ElementsMatch(t, []any{"ada_love", "alan"}, found(everybody))
	require.Equal(t, []any{"ada_love"}, found(self))
	for _, c := range []struct {
		name   string
		key    map[string]string
		path   string
		status int
	}{
		{"everybody", everybody, "/api/v1/users/alan", http.StatusOK},
		{"everybody", everybody, own, http.StatusOK},
		{"self", self, own, http.StatusOK},
		{"self", self, userURL, http.StatusOK},
		{"self", self, "/api/v1/users/alan", http.StatusForbidden},
		{"other", other, "/api/v1/users/alan", http.StatusOK},
		{"other", other, own, http.StatusForbidden},
		{"other", other, userURL, http.StatusForbidden},
	} {
		a := w.Do("GET", c.path, c.key, nil)
		require.Equal(t, c.status, a.Status, "%s %s: %s", c.name, c.path, a.Body)
	}
}

func TestScopedKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := w.ada.Do("POST", "/v1/users/me/keys", nil, object{"name": "ci", "scopes": []string{"activities:read"}})
	require.Equal(t, http.StatusCreated, made.Status, "%s", made.Body)
	token := made.Map(w.System)["token"].(string)
	for _, c := range []struct{ method, path string }{
		{"GET", userURL}, {"GET", "/api/v1/users/owner"}, {"PUT", userURL}, {"GET", notifiersURL}, {"PUT", notifiersURL}, {"GET", "/api/v1/search.json"},
	} {
		a := w.Do(c.method, c.path, basic(token, ""), object{"user": object{"name": "x"}, "notifiers": object{"new_issue": false}})
		require.Equal(t, http.StatusForbidden, a.Status, c.path)
		require.JSONEq(t, `{"message":"Access violation to this page!"}`, string(a.Body))
	}
}
