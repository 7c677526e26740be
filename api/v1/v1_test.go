package v1_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

type object = map[string]any

func TestUsers(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()

	made := owner.Do("POST", "/v1/users", nil, object{
		"username": "Ada", "email": "ada@example.com", "password": apitest.Password, "name": "Ada Lovelace",
		"firstName": "Ada", "lastName": "Lovelace", "avatar": "https://example.com/a.png", "language": "en",
		"identities": []object{{"provider": "github", "subject": "42"}}, "roles": []string{"auditor"},
	})
	require.Equal(t, http.StatusCreated, made.Status, "%s", made.Body)
	user := made.Map(s)
	id := user["id"].(string)
	require.Equal(t, "/v1/users/"+id, made.Header.Get("Location"))
	require.Regexp(t, `^r\d+$`, made.Header.Get("Roster-Position"))
	require.EqualValues(t, 2, user["number"])
	require.Equal(t, []any{"auditor"}, user["roles"])
	require.Equal(t, "active", user["status"])
	require.Len(t, user["organizations"], 1)
	require.NotContains(t, string(made.Body), "argon2")

	for _, name := range []string{id, "ada", "ADA", strings.ToUpper(id)} {
		read := owner.Do("GET", "/v1/users/"+name, nil, nil)
		require.Equal(t, http.StatusOK, read.Status, name)
		require.Equal(t, user, read.Map(s), name)
	}

	patched := owner.Do("PATCH", "/v1/users/ada", nil, object{"name": nil, "lastName": "King", "username": "ada-king", "email": nil})
	require.Equal(t, http.StatusOK, patched.Status, "%s", patched.Body)
	require.NotContains(t, patched.Map(s), "name")
	require.NotContains(t, patched.Map(s), "email")
	require.Equal(t, "King", patched.Map(s)["lastName"])
	require.Equal(t, http.StatusNotFound, owner.Do("GET", "/v1/users/ada", nil, nil).Status)
	require.Equal(t, patched.Map(s), owner.Do("GET", "/v1/users/ada-king", nil, nil).Map(s))

	again := owner.Do("PATCH", "/v1/users/"+id, nil, object{"lastName": "King"})
	require.Equal(t, patched.Map(s)["updatedAt"], again.Map(s)["updatedAt"], "a change that changes nothing is none")

	require.Equal(t, http.StatusNoContent, owner.Do("DELETE", "/v1/users/ada-king", nil, nil).Status)
	require.Equal(t, http.StatusNotFound, owner.Do("GET", "/v1/users/ada-king", nil, nil).Status)
	require.Equal(t, http.StatusNotFound, owner.Do("DELETE", "/v1/users/"+id, nil, nil).Status)
	require.Equal(t, "deleted", owner.Do("GET", "/v1/users/"+id, nil, nil).Map(s)["status"], "by id, for who may read users")
}

func TestListOfUsers(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	for i := range 5 {
		require.Equal(t, http.StatusCreated, owner.Do("POST", "/v1/users", nil, object{"username": fmt.Sprintf("user-%d", i)}).Status)
	}
	var names []string
	cursor := ""
	for {
		page := owner.Do("GET", "/v1/users?limit=2&cursor="+cursor, nil, nil)
		require.Equal(t, http.StatusOK, page.Status, "%s", page.Body)
		m := page.Map(s)
		for _, item := range m["items"].([]any) {
			names = append(names, item.(object)["username"].(string))
		}
		next, more := m["next"].(string)
		if !more {
			break
		}
		cursor = next
	}
	require.Equal(t, []string{"owner", "user-0", "user-1", "user-2", "user-3", "user-4"}, names)

	found := owner.Do("GET", "/v1/users?q=SER-3", nil, nil).Map(s)["items"].([]any)
	require.Len(t, found, 1)

	member := owner.NewUser("member")
	require.Len(t, member.Do("GET", "/v1/users", nil, nil).Map(s)["items"], 1, "who may read nobody sees itself")
	require.Empty(t, member.Do("GET", "/v1/users?q=owner", nil, nil).Map(s)["items"])
}

func TestAccount(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	ada := owner.NewUser("ada")

	roles := owner.Do("PUT", "/v1/users/ada/roles", nil, object{"roles": []string{"user-admin", "auditor"}})
	require.Equal(t, http.StatusOK, roles.Status, "%s", roles.Body)
	require.Equal(t, []any{"auditor", "user-admin"}, roles.Map(s)["roles"])
	require.Equal(t, http.StatusOK, ada.Do("GET", "/v1/users/owner", nil, nil).Status, "rights count at once")

	require.Equal(t, "suspended", owner.Do("POST", "/v1/users/ada/suspend", nil, nil).Map(s)["status"])
	require.Equal(t, http.StatusUnauthorized, ada.Do("GET", "/v1/users/me", nil, nil).Status)
	require.Equal(t, "active", owner.Do("POST", "/v1/users/ada/activate", nil, "{}").Map(s)["status"])
	require.Equal(t, http.StatusOK, ada.Do("GET", "/v1/users/me", nil, nil).Status)

	wrong := ada.Do("PUT", "/v1/users/me/password", nil, object{"oldPassword": "nonsense", "password": "another good staple 43"})
	require.Equal(t, http.StatusUnprocessableEntity, wrong.Status, "%s", wrong.Body)
	done := ada.Do("PUT", "/v1/users/me/password", nil, object{"oldPassword": apitest.Password, "password": "another good staple 43"})
	require.Equal(t, http.StatusNoContent, done.Status, "%s", done.Body)
	require.Equal(t, http.StatusUnauthorized, ada.Do("GET", "/v1/users/me", nil, nil).Status, "all sessions are dead")
	s.Login("ada@example.com", "another good staple 43")

	for _, call := range []struct {
		method, path string
		body         any
	}{
		{"DELETE", "/v1/users/me", nil},
		{"POST", "/v1/users/me/suspend", nil},
		{"PUT", "/v1/users/me/roles", object{"roles": []string{}}},
	} {
		last := owner.Do(call.method, call.path, nil, call.body)
		require.Equal(t, http.StatusConflict, last.Status, "%s %s %s", call.method, call.path, last.Body)
		require.Equal(t, "last-owner", last.Map(s)["reason"])
	}
}

func TestPreferences(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	const path = "/v1/users/me/preferences/codimir"
	require.Empty(t, owner.Do("GET", path, nil, nil).Map(s))
	set := owner.Do("PATCH", path, nil, object{
		"theme": "dark", "language": "de", "emailNotifications": object{"weeklyDigest": true, "ticketAssigned": false},
	})
	require.Equal(t, http.StatusOK, set.Status, "%s", set.Body)
	want := object{"theme": "dark", "language": "de", "emailNotifications": object{"weeklyDigest": true, "ticketAssigned": false}}
	require.Equal(t, want, set.Map(s))
	require.Equal(t, want, owner.Do("GET", path, nil, nil).Map(s))
	merged := owner.Do("PATCH", path, map[string]string{"Content-Type": "application/merge-patch+json"}, object{"emailNotifications": nil, "notifications": true})
	require.Equal(t, object{"theme": "dark", "language": "de", "notifications": true}, merged.Map(s), "%s", merged.Body)
	require.Equal(t, http.StatusNotFound, owner.Do("GET", "/v1/users/me/preferences/nobody", nil, nil).Status)
	require.Equal(t, http.StatusNotFound, owner.Do("PATCH", "/v1/users/me/preferences/nobody", nil, object{}).Status)
}

func TestKeys(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	made := owner.Do("POST", "/v1/users/me/keys", nil, object{"name": "importer", "scopes": []string{"activities:record"}, "lifetimeSeconds": 3600})
	require.Equal(t, http.StatusCreated, made.Status, "%s", made.Body)
	key := made.Map(s)
	bearer := map[string]string{"Authorization": "bearer " + key["token"].(string)}
	require.Equal(t, http.StatusForbidden, s.Do("GET", "/v1/users/me", bearer, nil).Status, "the scope limits")
	require.Equal(t, http.StatusOK, s.Do("POST", "/v1/activities", bearer, "[]").Status)

	list := owner.Do("GET", "/v1/users/me/keys", nil, nil).Map(s)["items"].([]any)
	require.Len(t, list, 2)
	require.Equal(t, key["id"], list[0].(object)["id"])
	require.NotContains(t, list[0], "token")

	require.Equal(t, http.StatusNoContent, owner.Do("DELETE", "/v1/users/me/keys/"+key["id"].(string), nil, nil).Status)
	require.Equal(t, http.StatusUnauthorized, s.Do("POST", "/v1/activities", bearer, "[]").Status)
	require.Equal(t, http.StatusNotFound, owner.Do("DELETE", "/v1/users/me/keys/"+key["id"].(string), nil, nil).Status)
	require.Equal(t, http.StatusNotFound, owner.Do("DELETE", "/v1/users/me/keys/"+key["token"].(string), nil, nil).Status)
}

func TestFeedAndStatistics(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	ada := owner.NewUser("ada")
	now := time.Now().UTC().Truncate(time.Second)
	item := func(id, kind, action string, back time.Duration) object {
		return object{
			"source": "tracker", "id": id, "user": object{"username": "ADA"}, "type": kind, "action": action,
			"entity":  object{"id": "T-1", "title": "Fix", "url": "https://example.com/1", "createdAt": now.Add(-time.Hour)},
			"project": object{"id": "web", "name": "Web"}, "workspace": "w", "count": 3,
			"assignee": object{"email": "owner@example.com"}, "due": now, "occurredAt": now.Add(-back), "metadata": object{"n": 9007199254740993, "f": 1.5},
		}
	}
	recorded := owner.Do("POST", "/v1/activities", nil, []any{
		item("1", "ticket", "created", 3*time.Second), item("2", "ticket", "completed", 2*time.Second), item("3", "commit", "pushed", time.Second),
		item("1", "ticket", "created", 3*time.Second),
		object{"source": "tracker"},
		item("4", "account", "hacked", 0),
	})
	require.Equal(t, http.StatusOK, recorded.Status, "%s", recorded.Body)
	answer := recorded.Map(s)
	require.EqualValues(t, 3, answer["accepted"])
	require.EqualValues(t, 1, answer["duplicates"])
	require.EqualValues(t, 2, answer["rejectedTotal"])
	require.Equal(t, recorded.Header.Get("Roster-Position"), answer["position"])
	require.EqualValues(t, 4, answer["rejected"].([]any)[0].(object)["index"])

	const types = "ticket,commit"
	first := ada.Do("GET", "/v1/users/me/activities?limit=2&type="+types, nil, nil).Map(s)
	items := first["items"].([]any)
	require.Len(t, items, 2)
	newest := items[0].(object)
	require.Equal(t, "commit", newest["type"])
	require.EqualValues(t, 3, newest["count"])
	require.Equal(t, owner.ID, newest["assignee"])
	require.Contains(t, string(ada.Do("GET", "/v1/users/me/activities?type=commit", nil, nil).Body), "9007199254740993", "whole numbers stay exact")
	second := ada.Do("GET", "/v1/users/me/activities?limit=2&type="+types+"&cursor="+first["next"].(string), nil, nil).Map(s)
	require.Len(t, second["items"], 1)
	require.NotContains(t, second, "next")
	require.Equal(t, object{"count": 3.0}, ada.Do("GET", "/v1/users/me/activities/count?type="+types, nil, nil).Map(s))

	for _, period := range []string{"", "?period=week", "?period=month", "?period=quarter", "?period=year"} {
		require.Equal(t, http.StatusOK, owner.Do("GET", "/v1/users/ada/statistics"+period, nil, nil).Status)
	}
	one := item("5", "commit", "pushed", 0)
	delete(one, "count") // one commit
	none := item("6", "commit", "pushed", 0)
	none["count"] = 0
	require.EqualValues(t, 2, owner.Do("POST", "/v1/activities", nil, []any{one, none}).Map(s)["accepted"])
	stats := ada.Do("GET", "/v1/users/me/statistics?period=year", nil, nil).Map(s)
	if now.Add(-time.Hour).Year() == now.Year() {
		require.EqualValues(t, 4, stats["activity"].(object)["commits"])
		require.EqualValues(t, 1, stats["tickets"].(object)["completed"])
	}
}
