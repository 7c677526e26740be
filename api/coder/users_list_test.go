package coder_test

import (
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

// found lists the usernames and the count of a page.
func (w world) found(by *apitest.Session, values url.Values) ([]string, int) {
	w.t.Helper()
	a := by.Do(http.MethodGet, users+"?"+values.Encode(), nil, nil)
	require.Equal(w.t, http.StatusOK, a.Status, "%s", a.Body)
	var page struct {
		Users []struct{ Username string }
		Count int
	}
	a.JSON(w.System, &page)
	names := []string{}
	for _, u := range page.Users {
		names = append(names, u.Username)
	}
	return names, page.Count
}

func q(text string) url.Values { return url.Values{"q": {text}} }

func TestListSearch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.make("grace", object{"name": "Grace Hopper", "email": "Rear-Admiral@navy.example", "roles": []string{"auditor", "template-admin"}})
	w.make("Zed", object{"user_status": "suspended"})
	w.make("gone", nil)
	require.Equal(t, 200, w.owner.Do("DELETE", path("gone", ""), nil, nil).Status)
	_, err := w.Commands.Register(t.Context(), commands.Request{Actor: commands.Actor{UserID: commands.SystemActor}}, commands.Register{
		Username: "octocat", LoginType: events.LoginGitHub, Identities: []events.Identity{{Provider: "github", Subject: "583231"}},
	})
	require.NoError(t, err)
	w.settled() // no answer of this process told it of octocat
	everybody := []string{"ada", "admin", "auditor", "builder", "grace", "linus", "octocat", "owner", "Zed"}
	quoted := func(at time.Time) string { return `"` + at.UTC().Format(time.RFC3339Nano) + `"` }
	hour := time.Hour
	for name, c := range map[string]struct {
		q    string
		want []string
	}{
		"nothing: everybody alive, by name":    {"", everybody},
		"bare word in username":                {"gra", []string{"grace"}},
		"bare word in e-mail, any case":        {"ADMIRAL", []string{"grace"}},
		"bare words are one term":              {"grace navy", []string{}},
		"not in the name":                      {"hopper", []string{}},
		"search key":                           {"search:ADM", []string{"admin", "grace"}},
		"quotes of a bare word are looked for": {`"ada"`, []string{}},
		"wildcards are none":                   {"a_a", []string{}},
		"percent is none":                      {"%", []string{}},
		"name":                                 {"name:hopper", []string{"grace"}},
		"quoted name":                          {`name:"grace hop"`, []string{"grace"}},
		"status":                               {"status:suspended", []string{"Zed"}},
		"several statuses":                     {"status:suspended,dormant", []string{"grace", "Zed"}},
		"role":                                 {"role:auditor", []string{"auditor", "grace"}},
		"any of the roles":                     {"role:auditor,owner", []string{"auditor", "grace", "owner"}},
		"role nobody has":                      {"role:emperor", []string{}},
		"member drops the filter":              {"role:owner,member", everybody},
		"login type":                           {"login_type:github", []string{"octocat"}},
		"login type of keys":                   {"login_type:token", []string{}},
		"service accounts":                     {"service_account:true", []string{}},
		"no service accounts":                  {"service_account:false", everybody},
		"created before now":                   {"created_before:" + quoted(time.Now().Add(hour)), everybody},
		"created before long ago":              {"created_before:" + quoted(time.Now().Add(-hour)), []string{}},
		"created after long ago":               {"created_after:" + quoted(time.Now().Add(-hour)), everybody},
		"created after tomorrow":               {"created_after:" + quoted(time.Now().Add(hour)), []string{}},
		"never seen is long ago":               {`last_seen_before:"0001-01-01T00:00:00Z" search:grace`, []string{"grace"}},
		"seen after tomorrow":                  {"last_seen_after:" + quoted(time.Now().Add(hour)), []string{}},
		"GitHub's number":                      {"github_com_user_id:583231", []string{"octocat"}},
		"GitHub's number of nobody":            {"github_com_user_id:1", []string{}},
		"GitHub's number 0 is off":             {"github_com_user_id:0", everybody},
		"filters are joined by and":            {"role:auditor status:dormant", []string{"grace"}},
	} {
		t.Run("3.1 "+name, func(t *testing.T) {
			names, count := w.found(w.owner, q(c.q))
			require.Equal(t, c.want, names)
			require.Equal(t, len(c.want), count)
		})
	}
}

func TestListPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 5 {
		w.make("page-"+strconv.Itoa(i), nil)
	}
	with := func(pairs ...string) url.Values {
		v := q("page-")
		for i := 0; i < len(pairs); i += 2 {
			v.Set(pairs[i], pairs[i+1])
		}
		return v
	}
	id := func(name string) string { return w.get(w.owner, path(name, ""))["id"].(string) }
	gone := w.make("page-2a", nil)["id"].(string)
	require.Equal(t, 200, w.owner.Do("DELETE", path(gone, ""), nil, nil).Status)
	for name, c := range map[string]struct {
		values url.Values
		want   []string
		count  int
	}{
		"no limit":                       {with(), []string{"page-0", "page-1", "page-2", "page-3", "page-4"}, 5},
		"limit 0 is none":                {with("limit", "0"), []string{"page-0", "page-1", "page-2", "page-3", "page-4"}, 5},
		"limit":                          {with("limit", "2"), []string{"page-0", "page-1"}, 5},
		"limit and offset":               {with("limit", "2", "offset", "3"), []string{"page-3", "page-4"}, 5},
		"offset past the end counts 0":   {with("offset", "7"), []string{}, 0},
		"a cursor shrinks the count":     {with("limit", "1", "after_id", id("page-2")), []string{"page-3"}, 2},
		"cursor and offset":              {with("offset", "1", "after_id", id("page-1")), []string{"page-3", "page-4"}, 3},
		"cursor of somebody deleted":     {with("after_id", gone), []string{"page-3", "page-4"}, 2},
		"unknown cursor":                 {with("after_id", someUUID), []string{}, 0},
		"unknown parameters are no harm": {with("color", "red", "limit", "1"), []string{"page-0"}, 5},
	} {
		t.Run("3.1 "+name, func(t *testing.T) {
			names, count := w.found(w.owner, c.values)
			require.Equal(t, c.want, names)
			require.Equal(t, c.count, count)
		})
	}
}

func TestListRights(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, by := range []*apitest.Session{w.owner, w.admin, w.auditor, w.builder} {
		names, count := w.found(by, nil)
		require.Equal(t, []string{"ada", "admin", "auditor", "builder", "linus", "owner"}, names, by.Username)
		require.Equal(t, 6, count)
	}
	t.Run("3.1 a member sees itself", func(t *testing.T) {
		names, count := w.found(w.ada, nil)
		require.Equal(t, []string{"ada"}, names)
		require.Equal(t, 1, count)
		names, count = w.found(w.ada, q("linus"))
		require.Empty(t, names)
		require.Zero(t, count)
	})
	t.Run("3.1 nobody", func(t *testing.T) {
		require.Equal(t, 401, w.Do("GET", users, nil, nil).Status)
	})
	t.Run("3.1 organizations of who is in none are null", func(t *testing.T) {
		_, err := w.Commands.RemoveMember(t.Context(), commands.Request{Actor: commands.Actor{UserID: commands.SystemActor}},
			w.Commands.DefaultOrganization(), w.linus.ID)
		require.NoError(t, err)
		w.settled()
		listed := w.get(w.owner, users+"?q=linus")["users"].([]any)[0].(object)
		require.Contains(t, listed, "organization_ids")
		require.Nil(t, listed["organization_ids"])
		require.Equal(t, []any{}, w.get(w.owner, path("linus", ""))["organization_ids"])
	})
}

func TestListRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bad := func(message string, fields ...string) object {
		o := invalid(fields...)
		o["message"] = message
		return o
	}
	query := "Invalid user search query."
	paging := "Query parameters have invalid values."
	at := func(values string) string { return users + "?" + values }
	w.check([]line{
		{"3.1 unknown key", w.owner, "GET", at("q=color:red"), nil, 400, bad(query, "color", `Query param "color" is not a valid query param`)},
		{"3.1 bad enum", w.owner, "GET", at("q=status:a,active,b"), nil, 400, bad(query, "status", `Query param "status" has invalid values: a,b`)},
		{"3.1 two colons", w.owner, "GET", at("q=a:b:c"), nil, 400, bad(query, "q", `Query element "a:b:c" can only contain 1 ':'`)},
		{"3.1 leading colon", w.ada, "GET", at("q=:a"), nil, 400, bad(query, "q", `Query element ":a" cannot start or end with ':'`)},
		{"3.1 NUL", w.owner, "GET", at("q=a%00"), nil, 400, bad(query, "q", "Query must be UTF-8 text without NUL characters")},
		{"3.1 not UTF-8", w.owner, "GET", at("q=%ff"), nil, 400, bad(query, "q", "Query must be UTF-8 text without NUL characters")},
		{"3.1 bad limit", w.owner, "GET", at("limit=x"), nil, 400, bad(paging, "limit", `Query param "limit" must be a valid integer (parsing "x": invalid syntax)`)},
		{"3.1 negative offset", w.owner, "GET", at("offset=-1"), nil, 400, bad(paging, "offset", `Query param "offset" must be a valid integer (must not be negative)`)},
		{"3.1 huge limit", w.owner, "GET", at("limit=99999999999"), nil, 400, bad(paging, "limit", `Query param "limit" must be a valid integer (parsing "99999999999": value out of range)`)},
		{"3.1 bad cursor", w.owner, "GET", at("after_id=ada"), nil, 400, bad(paging, "after_id", `Query param "after_id" must be a valid uuid`)},
		{"3.1 the query is looked at first", w.owner, "GET", at("limit=x&q=color:red"), nil, 400, bad(query, "color", `Query param "color" is not a valid query param`)},
	})
}
