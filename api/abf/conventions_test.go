package abf_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/abf"
	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/api/gate"
)

// call is one of the dialect's.
type call struct{ method, path string }

// calls are all of the dialect, with a body that is good for each.
var calls = map[call]any{ //nolint:gochecknoglobals // a constant table
	{"GET", "/api/v1/users/2.json"}:                        nil,
	{"GET", "/api/v1/users/ada_love.json"}:                 nil,
	{"GET", userURL}:                                       nil,
	{"PUT", userURL}:                                       object{"user": object{"company": "ACME"}},
	{"PATCH", userURL}:                                     object{"user": object{"site": "http://ada.example"}},
	{"GET", notifiersURL}:                                  nil,
	{"PUT", notifiersURL}:                                  object{"notifiers": object{"new_build": false}},
	{"GET", "/api/v1/search.json?type=users&query=ada"}:    nil,
	{"GET", "/api/v1/search.json?type=users&query=nobody"}: nil,
}

// withHeader is ada's credentials with one more header.
func withHeader(name, value string) map[string]string {
	h := basic("ada-love", apitest.Password)
	h[name] = value
	return h
}

// TestEveryCall shows what all calls have in common.
func TestEveryCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for c, body := range calls {
		what := c.method + " " + c.path
		a := w.as(c.method, c.path, body, http.StatusOK)
		require.Equal(t, "application/json; charset=utf-8", a.Header.Get("Content-Type"), what)
		require.Regexp(t, `^"[0-9a-f]{32}"$`, a.Header.Get("ETag"), what)
		require.Equal(t, "max-age=0, private, must-revalidate", a.Header.Get("Cache-Control"), what)
		require.Empty(t, a.Header.Get("X-RateLimit-Limit"), "%s: no limit is set", what)
		require.NotContains(t, a.Map(w.System), "message", "%s: clients take that for an error", what)

		bare := w.Do(c.method, strings.Replace(c.path, ".json", "", 1), basic("ada-love", apitest.Password), body)
		require.Equal(t, http.StatusOK, bare.Status, "%s without the suffix", what)
		require.Equal(t, a.Header.Get("ETag"), bare.Header.Get("ETag"), "%s without the suffix", what)
		for _, suffix := range []string{".xml", ".html", ".JSON", ".json.json"} {
			other := w.Do(c.method, strings.Replace(c.path, ".json", suffix, 1), basic("ada-love", apitest.Password), body)
			require.Equal(t, http.StatusNotFound, other.Status, what+suffix)
			require.JSONEq(t, notFound, string(other.Body), what+suffix)
		}

		none := w.Do(c.method, c.path, nil, body)
		require.Equal(t, http.StatusUnauthorized, none.Status, what)
		require.JSONEq(t, `{"error":"You need to sign in or sign up before continuing."}`, string(none.Body), what)
		wrong := w.Do(c.method, c.path, basic("ada-love", "wrong"), body)
		require.JSONEq(t, `{"error":"Invalid email or password."}`, string(wrong.Body), what)
		for _, refused := range []apitest.Answer{none, wrong} {
			require.Equal(t, `Basic realm="Application"`, refused.Header.Get("WWW-Authenticate"), what)
			require.Empty(t, refused.Header.Get("ETag"), what)
		}
	}
}

// TestCachedReadsOfEveryCall: a client that has a body is told so, after its password
// was looked at; a write is done whatever its client has.
func TestCachedReadsOfEveryCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for c, body := range calls {
		what := c.method + " " + c.path
		tag := w.as(c.method, c.path, body, http.StatusOK).Header.Get("ETag")
		for _, sent := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
			a := w.Do(c.method, c.path, withHeader("If-None-Match", sent), body)
			if c.method != http.MethodGet {
				require.Equal(t, http.StatusOK, a.Status, "%s %s", what, sent)
				continue
			}
			require.Equal(t, http.StatusNotModified, a.Status, "%s %s", what, sent)
			require.Empty(t, a.Body, what)
			require.Equal(t, tag, a.Header.Get("ETag"), what)
		}
		require.Equal(t, http.StatusOK, w.Do(c.method, c.path, withHeader("If-None-Match", `"0123456789abcdef0123456789abcdef"`), body).Status, what)
		wrong := basic("ada-love", "wrong")
		wrong["If-None-Match"] = tag
		require.Equal(t, http.StatusUnauthorized, w.Do(c.method, c.path, wrong, body).Status, what)
		if c.method == http.MethodGet {
			head := w.as(http.MethodHead, c.path, nil, http.StatusOK)
			require.Empty(t, head.Body, what)
			require.Equal(t, tag, head.Header.Get("ETag"), "%s: HEAD is as GET", what)
		}
	}
}

// TestErrorBodies: each line of the page's table of errors, to the letter.
func TestErrorBodies(t *testing.T) {
	t.Parallel()
	dialect := abf.New(gate.Deps{})
	for status, want := range map[int]string{
		http.StatusUnauthorized:        `{"error":"You need to sign in or sign up before continuing."}`,
		http.StatusForbidden:           `{"message":"Access violation to this page!"}`,
		http.StatusTooManyRequests:     `{"message":"403 Forbidden | Rate Limit Exceeded"}`,
		http.StatusNotFound:            notFound,
		http.StatusBadRequest:          `{"status":400,"message":"Bad Request"}`,
		http.StatusInternalServerError: `{"status":500,"message":"Something went wrong. We've been notified about this issue and we'll take a look at it shortly."}`,
		http.StatusServiceUnavailable:  `{"status":503,"message":"We update the site, it will take some time. We are really trying to do it fast. We apologize for any inconvenience.."}`,
	} {
		recorder := httptest.NewRecorder()
		dialect.Refuse(recorder, httptest.NewRequest(http.MethodGet, userURL, nil), gate.Refusal{Status: status})
		if status == http.StatusTooManyRequests {
			status = http.StatusForbidden // as the page says
		}
		require.Equal(t, status, recorder.Code)
		require.Equal(t, want, recorder.Body.String())
		require.Equal(t, "application/json; charset=utf-8", recorder.Header().Get("Content-Type"))
		require.Empty(t, recorder.Header().Get("ETag"))
		require.Equal(t, status == http.StatusServiceUnavailable, recorder.Header().Get("Retry-After") != "")
	}
}

// TestTokens: the forms in which a token is taken, and those in which it is not.
func TestTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := w.ada.Do("POST", "/v1/users/me/keys", nil, object{"name": "ci"})
	require.Equal(t, http.StatusCreated, made.Status, "%s", made.Body)
	for _, token := range []string{w.ada.Token, made.Map(w.System)["token"].(string)} {
		for form, headers := range map[string]map[string]string{
			"Basic with an empty password": basic(token, ""),
			"Basic, no colon's password":   {"Authorization": "basic " + base64.StdEncoding.EncodeToString([]byte(token+":"))},
			"Bearer":                       {"Authorization": "Bearer " + token},
			"Coder's header":               {"Coder-Session-Token": token},
		} {
			a := w.Do("GET", userURL, headers, nil)
			require.Equal(t, http.StatusOK, a.Status, "%s: %s", form, a.Body)
			require.Equal(t, "ada_love", a.Map(w.System)["user"].(object)["uname"], form)
		}
		require.Equal(t, http.StatusUnauthorized, w.Do("GET", userURL, basic(token, "x"), nil).Status, "a token has no password")
		require.Equal(t, http.StatusUnauthorized, w.Do("GET", userURL+"?authentication_token="+token, nil, nil).Status, "addresses are logged")
	}
	a := w.as("GET", userURL+"?token=x", nil, http.StatusOK)
	require.Equal(t, "ada_love", a.Map(w.System)["user"].(object)["uname"], "no redirect to a login page")
	for _, header := range []string{"Origin", "Referer"} {
		a := w.Do("PUT", userURL, withHeader(header, "https://elsewhere.example"), object{"user": object{"company": header}})
		require.Equal(t, http.StatusOK, a.Status, "no CSRF token is needed with Basic: %s", a.Body)
	}
}

// TestTextsAreEnglish whatever the user's language is.
func TestTextsAreEnglish(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.as("PUT", userURL, object{"user": object{"language": "ru"}}, http.StatusOK)
	a := w.Do("PUT", userURL, withHeader("Accept-Language", "ru"), object{"user": object{"email": ""}})
	require.JSONEq(t, `{"user":{"id":null,"message":"User has not been updated. Email can't be blank"}}`, string(a.Body))
}

// TestQuotaOfEveryAnswer: with a limit every answer tells what is left, and the next
// hour begins anew. Who is not known counts by address.
func TestQuotaOfEveryAnswer(t *testing.T) {
	t.Parallel()
	var now atomic.Int64
	now.Store(time.Now().Unix())
	const limit = 100
	w := newWorld(t, apitest.WithABFHourlyLimit(limit), apitest.WithClock(func() time.Time { return time.Unix(now.Load(), 0) }))
	left := func(headers map[string]string, method, path string, body any, status int) string {
		t.Helper()
		a := w.Do(method, path, headers, body)
		require.Equal(t, status, a.Status, "%s %s: %s", method, path, a.Body)
		require.Equal(t, fmt.Sprint(limit), a.Header.Get("X-RateLimit-Limit"), "%s %s", method, path)
		return a.Header.Get("X-RateLimit-Remaining")
	}
	ada := basic("ada-love", apitest.Password)
	require.Equal(t, "99", left(ada, "GET", userURL, nil, http.StatusOK))
	require.Equal(t, "98", left(ada, "GET", "/api/v1/users/999.json", nil, http.StatusNotFound))
	require.Equal(t, "97", left(ada, "PUT", userURL, object{"user": object{"email": ""}}, http.StatusUnprocessableEntity))
	require.Equal(t, "96", left(ada, "PUT", userURL, "{", http.StatusBadRequest))
	require.Equal(t, "95", left(basic("ada-love@example.com", apitest.Password), "GET", userURL, nil, http.StatusOK), "by login, whatever name it has")
	require.Equal(t, "99", left(nil, "GET", userURL, nil, http.StatusUnauthorized), "the address")
	require.Equal(t, "98", left(ada, "DELETE", userURL, nil, http.StatusMethodNotAllowed))
	require.Equal(t, "97", left(ada, "GET", "/api/v1/nonsense.json", nil, http.StatusNotFound))
	for range limit - 3 {
		left(nil, "GET", "/api/v1/nonsense.json", nil, http.StatusNotFound)
	}
	require.Equal(t, "0", left(nil, "GET", "/api/v1/nonsense.json", nil, http.StatusForbidden))
	now.Add(3599)
	require.Equal(t, "0", left(nil, "GET", userURL, nil, http.StatusForbidden))
	now.Add(1)
	require.Equal(t, "99", left(nil, "GET", userURL, nil, http.StatusUnauthorized), "another hour")
	require.Equal(t, "99", left(ada, "GET", userURL, nil, http.StatusOK))
}

// like compares an answer with an example of the page: the same members in each
// object, of the same types.
func like(t *testing.T, example, got any, where string) {
	t.Helper()
	require.IsType(t, example, got, where)
	want, ok := example.(object)
	if !ok {
		return
	}
	for name, value := range want {
		require.Contains(t, got, name, where)
		like(t, value, got.(object)[name], where+"."+name)
	}
}

// The page's examples.
const (
	exampleUser = `{"user":{"id":1,"name":"Ivan Aivazovsky","uname":"ivan_aivazovsky","email":"ivan_aivazovsky@test.com","language":"ru",
		"own_projects_count":3,"professional_experience":"software developer","site":"http://abf.rosalinux.ru/","company":"ROSA, CJSC",
		"location":"Saint Petersburg","avatar_url":"avatar url","build_priority":50,"created_at":1349357795,"updated_at":1349358084,
		"url":"/api/v1/users/1.json","html_url":"/ivan_aivazovsky"}}`
	exampleUpdated   = `{"user":{"id":56,"message":"User has been updated successfully"}}`
	exampleNotifiers = `{"user":{"id":5,"notifiers":{"can_notify":true,"new_comment_commit_owner":true,"new_comment_commit_repo_owner":false,
		"new_comment_commit_commentor":true,"new_comment":true,"new_comment_reply":true,"new_issue":true,"issue_assign":true,"new_build":true,
		"new_associated_build":false}},"url":"/api/v1/user/notifiers.json"}`
	exampleSettingsUpdated = `{"user":{"id":56,"message":"User notification settings have been updated successfully"}}`
)

func parsed(t *testing.T, text string) object {
	t.Helper()
	var o object
	require.NoError(t, json.Unmarshal([]byte(text), &o))
	return o
}

// TestThePagesExamples makes the examples' person, with the page's own requests, and
// reads the examples again: every member, and every value that is not the moment's.
func TestThePagesExamples(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ivan := w.owner.NewUser("ivan-aivazovsky")
	for i := range 3 {
		a := w.owner.Do("POST", "/v1/activities", nil, []object{{
			"source": "abf", "id": fmt.Sprint(i), "type": "project", "action": "created", "user": object{"username": "ivan-aivazovsky"},
			"entity": object{"id": fmt.Sprint("project-", i), "title": "A project"}, "occurredAt": time.Now().UTC().Format(time.RFC3339),
		}})
		require.Equal(t, http.StatusOK, a.Status, "%s", a.Body)
	}
	want := parsed(t, exampleUser)["user"].(object)
	request := object{}
	for _, name := range []string{"name", "email", "language", "professional_experience", "site", "company", "location"} {
		request[name] = want[name]
	}
	a := ivan.Do("PUT", userURL, nil, object{"user": request})
	require.Equal(t, http.StatusOK, a.Status, "%s", a.Body)
	require.Equal(t, keysOf(parsed(t, exampleUpdated)), keysOf(a.Map(w.System)))
	like(t, parsed(t, exampleUpdated), a.Map(w.System), "update")
	require.Equal(t, "User has been updated successfully", a.Map(w.System)["user"].(object)["message"])

	number := w.number(ivan)
	want["id"], want["url"] = float64(number), userPath(number)
	check := func(got object, role bool) {
		t.Helper()
		like(t, want, got, "user")
		if !role {
			require.Equal(t, keysOf(want), keysOf(got))
		}
		for name, value := range want {
			switch name {
			case "avatar_url", "created_at", "updated_at":
			default:
				require.Equal(t, value, got[name], name)
			}
		}
	}
	require.Eventually(t, func() bool {
		return ivan.Do("GET", userPath(number), nil, nil).Map(w.System)["user"].(object)["own_projects_count"] == 3.0
	}, 20*time.Second, 20*time.Millisecond, "projects come by a read model")
	check(ivan.Do("GET", userPath(number), nil, nil).Map(w.System)["user"].(object), false)
	me := ivan.Do("GET", userURL, nil, nil).Map(w.System)["user"].(object)
	require.Equal(t, "", me["role"])
	check(me, true)
	check(me["user"].(object), false)

	settings := parsed(t, exampleNotifiers)
	a = ivan.Do("PUT", notifiersURL, nil, object{"notifiers": settings["user"].(object)["notifiers"]})
	require.Equal(t, http.StatusOK, a.Status, "%s", a.Body)
	done := parsed(t, exampleSettingsUpdated)
	done["user"].(object)["id"] = float64(number)
	require.Equal(t, done, a.Map(w.System))
	settings["user"].(object)["id"] = float64(number)
	require.Equal(t, settings, ivan.Do("GET", notifiersURL, nil, nil).Map(w.System))
}

func keysOf(o object) []string { return slices.Sorted(maps.Keys(o)) }
