package abf_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
)

const formType = "application/x-www-form-urlencoded"

// user reads somebody by number, as the owner sees them.
func (w *world) user(number int64) object {
	w.t.Helper()
	a := w.owner.Do("GET", userPath(number), nil, nil)
	require.Equal(w.t, http.StatusOK, a.Status, "%s", a.Body)
	return a.Map(w.System)["user"].(object)
}

// put changes ada and reads her again.
func (w *world) put(user object) object {
	w.t.Helper()
	w.as("PUT", userURL, object{"user": user}, http.StatusOK)
	return w.me()
}

// TestEachMember: each line of the page's table of the user object.
func TestEachMember(t *testing.T) {
	t.Parallel()
	var now atomic.Int64
	now.Store(1_900_000_000)
	w := newWorld(t, apitest.WithOneClock(func() time.Time { return time.Unix(now.Load(), 999_000_000) }))
	number := w.number(w.ada)

	t.Run("name", func(t *testing.T) { //nolint:paralleltest // all change one user
		require.Nil(t, w.me()["name"])
		longest := strings.Repeat("я", 100)
		require.Equal(t, longest, w.put(object{"name": longest})["name"])
		require.Nil(t, w.put(object{"name": ""})["name"])
	})
	t.Run("uname", func(t *testing.T) { //nolint:paralleltest // as above
		odd := w.owner.NewUser("Odd-Name-7")
		require.Equal(t, "odd_name_7", w.user(w.number(odd))["uname"])
		require.Equal(t, "ada_love", w.put(object{"uname": "other", "company": "x"})["uname"], "it never changes")
	})
	t.Run("email", func(t *testing.T) { //nolint:paralleltest // as above
		require.Equal(t, "owner@example.com", w.as("GET", "/api/v1/users/owner.json", nil, http.StatusOK).Map(w.System)["user"].(object)["email"], "everybody sees it")
		require.Equal(t, "ada-love@example.com", w.put(object{"email": "Ada-Love@Example.com"})["email"], "one's own is not taken")
		require.Equal(t, "new@example.com", w.put(object{"email": "\tNew@Example.com\n"})["email"])
		require.Equal(t, http.StatusOK, w.Do("GET", userURL, basic("new@example.com", apitest.Password), nil).Status, "no confirmation is asked for")
		require.Equal(t, http.StatusUnauthorized, w.Do("GET", userURL, basic("ada-love@example.com", apitest.Password), nil).Status)
	})
	t.Run("language", func(t *testing.T) { //nolint:paralleltest // as above
		require.Equal(t, "en", w.me()["language"])
		require.Equal(t, "ru", w.put(object{"language": "ru"})["language"])
		for _, empty := range []any{nil, ""} {
			require.Equal(t, "en", w.put(object{"language": empty})["language"], "empty is allowed")
		}
		set := w.ada.Do("PATCH", "/v1/users/me", nil, object{"language": "fr"})
		require.Equal(t, http.StatusOK, set.Status, "%s", set.Body)
		require.Equal(t, "en", w.me()["language"], "of another dialect")
	})
	for _, name := range []string{"professional_experience", "site", "company", "location"} {
		t.Run(name, func(t *testing.T) { //nolint:paralleltest // as above
			for _, empty := range []any{nil, ""} {
				text := strings.Repeat("ж", 255)
				require.Equal(t, text, w.put(object{name: text})[name])
				require.Nil(t, w.put(object{name: empty})[name])
			}
		})
	}
	t.Run("professional_experience is long", func(t *testing.T) { //nolint:paralleltest // as above
		text := strings.Repeat("engines ", 100)
		require.Equal(t, text, w.put(object{"professional_experience": text})["professional_experience"])
	})
	t.Run("timestamps", func(t *testing.T) { //nolint:paralleltest // as above
		require.Equal(t, 1_900_000_000.0, w.me()["created_at"], "Unix seconds")
		for i, change := range []object{{"name": "Later"}, {"company": "Later"}} {
			now.Add(100)
			require.Equal(t, 1_900_000_100.0+100*float64(i), w.put(change)["updated_at"], "%v", change)
			now.Add(10)
			require.Equal(t, 1_900_000_100.0+100*float64(i), w.put(change)["updated_at"], "nothing changed by %v", change)
			now.Add(-10)
		}
		require.Equal(t, 1_900_000_000.0, w.me()["created_at"])
	})
	t.Run("avatar_url", func(t *testing.T) { //nolint:paralleltest // as above
		require.Contains(t, w.me()["avatar_url"], "https://secure.gravatar.com/avatar/")
		set := w.ada.Do("PATCH", "/v1/users/me", nil, object{"avatar": "https://example.com/ada.png"})
		require.Equal(t, http.StatusOK, set.Status, "%s", set.Body)
		require.Equal(t, "https://example.com/ada.png", w.me()["avatar_url"], "a picture of one's own")
	})
	t.Run("paths", func(t *testing.T) { //nolint:paralleltest // as above
		require.Equal(t, []any{fmt.Sprintf("/api/v1/users/%d.json", number), "/ada_love"}, []any{w.me()["url"], w.me()["html_url"]})
	})
}

// TestWhoIsNotThere: who was deleted, and users of role system, are nobody.
func TestWhoIsNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	gone, robot := w.owner.NewUser("gone"), w.owner.NewUser("robot", "system")
	numbers := []int64{w.number(gone), w.number(robot)}
	deleted := w.owner.Do("DELETE", "/v1/users/gone", nil, nil)
	require.Equal(t, http.StatusNoContent, deleted.Status, "%s", deleted.Body)
	for i, name := range []string{"gone", "robot"} {
		for _, path := range []string{userPath(numbers[i]), "/api/v1/users/" + name + ".json"} {
			a := w.as("GET", path, nil, http.StatusNotFound)
			require.JSONEq(t, notFound, string(a.Body), path)
		}
		found := w.owner.Do("GET", "/api/v1/search.json?type=users&query="+name, nil, nil).Map(w.System)["results"].(object)["users"]
		require.Empty(t, found, name)
	}
}

// TestFoundUsers: what a search shows of each.
func TestFoundUsers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put(object{"name": "Ada Lovelace"})
	for query, name := range map[string]any{"LOVE": "Ada Lovelace", "own": nil} {
		a := w.as("GET", "/api/v1/search.json?type=users&per_page=100&query="+query, nil, http.StatusOK).Map(w.System)
		require.Equal(t, "/api/v1/search.json", a["url"])
		found := a["results"].(object)["users"].([]any)
		require.Len(t, found, 1, query)
		hit := found[0].(object)
		u := w.user(int64(hit["id"].(float64)))
		require.Equal(t, object{"id": u["id"], "uname": u["uname"], "name": name, "url": u["url"]}, hit)
	}
}

// TestEachSetting: each of the ten can be set, alone, and is then read so.
func TestEachSetting(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	read := func() object {
		return w.as("GET", notifiersURL, nil, http.StatusOK).Map(w.System)["user"].(object)["notifiers"].(object)
	}
	want := object{}
	for _, name := range []string{
		"can_notify", "new_comment_commit_owner", "new_comment_commit_repo_owner", "new_comment_commit_commentor", "new_comment",
		"new_comment_reply", "new_issue", "issue_assign", "new_build", "new_associated_build",
	} {
		want[name] = true
	}
	require.Equal(t, want, read(), "all true at first")
	for name := range want {
		w.as("PUT", notifiersURL, object{"notifiers": object{name: false}}, http.StatusOK)
		want[name] = false
		require.Equal(t, want, read(), name)
	}
	for _, on := range []any{true, 1, "1", "t", "true", "on"} {
		w.as("PUT", notifiersURL, object{"notifiers": object{"new_build": on}}, http.StatusOK)
		require.Equal(t, true, read()["new_build"], "%v", on)
		w.as("PUT", notifiersURL, object{"notifiers": object{"new_build": false}}, http.StatusOK)
	}
	for _, off := range []any{false, 0, 2, -1, 1.5, "0", "f", "false", "off", "yes", " "} {
		w.as("PUT", notifiersURL, object{"notifiers": object{"new_build": true}}, http.StatusOK)
		w.as("PUT", notifiersURL, object{"notifiers": object{"new_build": off}}, http.StatusOK)
		require.Equal(t, false, read()["new_build"], "%v", off)
	}
	a := w.Do("PUT", notifiersURL, withHeader("Content-Type", formType), "notifiers%5Bnew_build%5D=1&notifiers%5Bcan_notify%5D=on&notifiers%5Bunknown%5D=1&other=2")
	require.Equal(t, http.StatusOK, a.Status, "%s", a.Body)
	require.Equal(t, []any{true, true, false}, []any{read()["new_build"], read()["can_notify"], read()["new_issue"]})
	for _, body := range []string{"notifiers%5Bnew_build%5D=", "notifiers%5Bnew_build%5D=1&notifiers%5Bnew_build%5D="} {
		a := w.Do("PUT", notifiersURL, withHeader("Content-Type", formType), body)
		require.Equal(t, http.StatusUnprocessableEntity, a.Status, body)
		require.JSONEq(t, `{"user":{"id":null,"message":"User notification settings have not been updated. New build is invalid"}}`, string(a.Body))
	}
	require.Equal(t, true, read()["new_build"])
}

// TestFormsAreRefusedAsJSONIs: a form is read as a body of JSON is, with the same
// problems.
func TestFormsAreRefusedAsJSONIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for body, text := range map[string]string{
		"user[email]=":                           "Email can't be blank",
		"user[email]=OWNER%40example.com":        "Email has already been taken",
		"user[email]=x":                          "Email is invalid",
		"user[language]=de":                      "Language is not included in the list",
		"user[name]=" + strings.Repeat("x", 101): "User is too long (maximum is 100 characters)",
	} {
		a := w.Do("PUT", userURL, withHeader("Content-Type", formType), body)
		require.Equal(t, http.StatusUnprocessableEntity, a.Status, "%s: %s", body, a.Body)
		require.JSONEq(t, `{"user":{"id":null,"message":"User has not been updated. `+text+`"}}`, string(a.Body), body)
	}
	a := w.Do("PATCH", userURL, withHeader("Content-Type", formType+"; charset=utf-8"), "user[company]=ACME&user[uname]=x")
	require.Equal(t, http.StatusOK, a.Status, "%s", a.Body)
	require.Equal(t, []any{"ACME", "ada_love"}, []any{w.me()["company"], w.me()["uname"]})
}
