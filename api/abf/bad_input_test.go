package abf_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/events"
)

// refusal checks that an answer is one of ABF's refusals and returns its text.
func refusal(t *testing.T, a apitest.Answer, what string) string {
	t.Helper()
	require.GreaterOrEqual(t, a.Status, 400, "%s: %s", what, a.Body)
	require.Less(t, a.Status, 500, "%s: %s", what, a.Body)
	require.Equal(t, "application/json; charset=utf-8", a.Header.Get("Content-Type"), what)
	require.Empty(t, a.Header.Get("ETag"), "%s: clients keep what has one", what)
	var body struct {
		Error, Message string
		Status         int
		User           *struct {
			ID      *int64
			Message string
		}
	}
	decoder := json.NewDecoder(strings.NewReader(string(a.Body)))
	decoder.DisallowUnknownFields()
	require.NoError(t, decoder.Decode(&body), "%s: %s", what, a.Body)
	switch {
	case a.Status == http.StatusUnauthorized:
		return body.Error
	case a.Status == http.StatusForbidden:
		require.Zero(t, body.Status, what)
		return body.Message
	case body.User != nil:
		require.Equal(t, http.StatusUnprocessableEntity, a.Status, what)
		require.Nil(t, body.User.ID, what)
		return body.User.Message
	default:
		require.Equal(t, a.Status, body.Status, "%s: %s", what, a.Body)
		return body.Message
	}
}

// TestBadInput sends what no client should send. It is refused in ABF's form, never
// with a 500, never with HTML, and nothing is written.
func TestBadInput(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	head := func() uint64 {
		at, err := w.Log.Head(t.Context(), events.Roster)
		require.NoError(t, err)
		return at
	}
	before := head()
	ask := func(t *testing.T, method, path string, headers map[string]string, body any, want int, text string) {
		t.Helper()
		all := basic("ada-love", apitest.Password)
		for name, value := range headers {
			all[name] = value
		}
		a := w.Do(method, path, all, body)
		what := fmt.Sprintf("%s %s %v", method, path, headers)
		if s, ok := body.(string); ok && len(s) < 200 {
			what += fmt.Sprintf(" %q", s)
		}
		require.Equal(t, want, a.Status, "%s: %s", what, a.Body)
		got := refusal(t, a, what)
		if text != "" {
			require.Equal(t, text, got, what)
		}
	}
	const missing, bad = "Error 404. Resource not found!", "Bad Request"

	t.Run("paths", func(t *testing.T) { //nolint:paralleltest // one after another: what is written is looked at at the end
		for _, path := range []string{
			"/users/0", "/users/-1", "/users/1.5", "/users/+1", "/users/%201", "/users/1e3", "/users/0x1", "/users/９",
			"/users/999999.json", "/users/9223372036854775807", "/users/9223372036854775808", "/users/99999999999999999999999.json",
			"/users/" + strings.Repeat("1", 5000), "/users/" + strings.Repeat("u", 5000),
			"/users/" + w.ada.ID, "/users/" + w.ada.ID + ".json", "/users/" + w.Commands.DefaultOrganization(), "/users/ada-love@example.com",
			"/users/%00", "/users/ada_love%00", "/users/%ff%fe", "/users/%C3%28.json", "/users/..", "/users/%2e%2e", "/users/ada_love%2fx",
			"/users/ada_love/", "/users/2.json/", "/user/", "/user.json/", "/user/notifiers/", "/user/notifiers.json/", "/search/", "/search.json/",
			"", "/", "/users", "/users.json", "/users/", "/user/tokens", "/user/notifiers/x", "/users/2/notifiers", "/nonsense", "/user.xml",
			"/users/2.html", "/user/notifiers.xml", "/search.html", "/users/2.json.json",
		} {
			ask(t, "GET", "/api/v1"+path, nil, nil, http.StatusNotFound, missing)
		}
	})
	t.Run("methods", func(t *testing.T) { //nolint:paralleltest // as above
		for path, offered := range map[string]string{
			"/user.json": "GET, HEAD, PUT, PATCH", "/user": "GET, HEAD, PUT, PATCH", "/user/notifiers.json": "GET, HEAD, PUT",
			"/users/2.json": "GET, HEAD", "/users/ada_love": "GET, HEAD", "/search.json": "GET, HEAD",
		} {
			for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "NONSENSE"} {
				if strings.Contains(offered, method) {
					continue
				}
				ask(t, method, "/api/v1"+path, nil, object{"user": object{"name": "x"}}, http.StatusMethodNotAllowed, "Error 405. Method not allowed!")
				a := w.Do(method, "/api/v1"+path, basic("ada-love", apitest.Password), nil)
				require.Equal(t, offered, a.Header.Get("Allow"), "%s %s", method, path)
			}
		}
	})
	t.Run("bodies", func(t *testing.T) { //nolint:paralleltest // as above
		deep := strings.Repeat(`{"user":`, 2000) + "1" + strings.Repeat("}", 2000)
		for _, call := range []struct{ method, path, member string }{
			{"PUT", userURL, "user"}, {"PATCH", userURL, "user"}, {"PUT", "/api/v1/user", "user"}, {"PUT", notifiersURL, "notifiers"},
		} {
			for _, body := range []string{
				"{", `{"M":`, `{"M":{}`, `{"M":{}}x`, `{"M":{"name":}}`, "null", "true", "7", `"x"`, "[]", `[{"M":{}}]`, " ", "<html>", "\xef\xbb\xbf",
				`{"M":[]}`, `{"M":7}`, `{"M":"x"}`, `{"M":true}`, `{"M":{"name":"a","name":"b"}}`, `{"M":{},"M":{}}`,
				"{\"M\":{\"name\":\"\xff\"}}", "{\"M\":{\"\xff\":1}}", `{"M":{"name":"a\u0000b"}}`, `{"M":{"na\u0000me":"a"}}`,
				deep,
			} {
				ask(t, call.method, call.path, nil, strings.ReplaceAll(body, `"M"`, `"`+call.member+`"`), http.StatusBadRequest, bad)
			}
			ask(t, call.method, call.path, nil, `{"`+call.member+`":{"name":"`+strings.Repeat("x", 2<<20)+`"}}`, http.StatusRequestEntityTooLarge, "Error 413. Request is too large!")
			form := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
			for _, body := range []string{"%", "M[name]=%zz", "M[name]=%00", "M[name]=%ff"} {
				ask(t, call.method, call.path, form, strings.ReplaceAll(body, "M", call.member), http.StatusBadRequest, bad)
			}
			ask(t, call.method, call.path, map[string]string{"Content-Encoding": "gzip"}, "x", http.StatusBadRequest, bad)
		}
	})
	t.Run("types", func(t *testing.T) { //nolint:paralleltest // as above
		labels := map[string]string{
			"email": "Email", "name": "Name", "language": "Language", "professional_experience": "Professional experience",
			"site": "Site", "company": "Company", "location": "Location",
		}
		for member, label := range labels {
			for _, value := range []any{7, 1.5, true, false, []any{}, []any{"x"}, object{}, object{"$gt": ""}, json.RawMessage("1e400")} {
				ask(t, "PUT", userURL, nil, object{"user": object{member: value}}, http.StatusUnprocessableEntity, "User has not been updated. "+label+" is invalid")
			}
		}
		for _, value := range []any{nil, "", []any{}, object{}, []any{true}} {
			ask(t, "PUT", notifiersURL, nil, object{"notifiers": object{"new_build": value}}, http.StatusUnprocessableEntity,
				"User notification settings have not been updated. New build is invalid")
		}
	})
	t.Run("queries", func(t *testing.T) { //nolint:paralleltest // as above
		for _, query := range []string{"query=%00", "query=%ff", "query=a%00b", "type=users&query=%C3%28", "query=%zz"} {
			ask(t, "GET", "/api/v1/search.json?"+query, nil, nil, http.StatusBadRequest, bad)
		}
	})
	t.Run("headers", func(t *testing.T) { //nolint:paralleltest // as above
		for _, headers := range []map[string]string{
			{"Idempotency-Key": strings.Repeat("k", 5000)}, {"Roster-Min-Position": "nonsense"},
		} {
			ask(t, "PUT", userURL, headers, object{"user": object{"name": "Kept Out"}}, http.StatusBadRequest, bad)
		}
		ask(t, "GET", userURL, map[string]string{"Roster-Min-Position": "r99999999"}, nil, http.StatusBadRequest, bad)
		for _, credentials := range []string{
			"Basic", "Basic !!!", "Basic YWRh", "Basic " + strings.Repeat("A", 8000), "Bearer", "Bearer x.y.z", "Bearer " + strings.Repeat("f", 64), "Digest x", "\xff",
		} {
			ask(t, "PUT", userURL, map[string]string{"Authorization": credentials}, object{"user": object{"name": "Kept Out"}}, http.StatusUnauthorized, "")
		}
	})
	require.Equal(t, before, head(), "nothing was written")
	require.Nil(t, w.me()["name"])
}

// TestOddPages: what a page says that can not be is passed over, as in Rails.
func TestOddPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, query := range []string{
		"per_page=-1", "per_page=0", "per_page=x", "per_page=99999999999999999999", "page=-1", "page=0", "page=x", "page=1e9", "per_page=-1&page=-7",
	} {
		a := w.as("GET", "/api/v1/search.json?type=users&query=ada&"+query, nil, http.StatusOK)
		users := a.Map(w.System)["results"].(object)["users"].([]any)
		require.Len(t, users, 1, query)
		require.Equal(t, "ada_love", users[0].(object)["uname"])
	}
}
