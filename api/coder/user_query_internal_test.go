package coder

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

func TestUserQuery(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	day := time.Date(2024, 1, 1, 0, 0, 0, 5_000_000, time.UTC)
	for name, c := range map[string]struct {
		q    string
		want query.UserSearch
	}{
		"nothing":                        {"", query.UserSearch{}},
		"spaces alone":                   {"   ", query.UserSearch{}},
		"words are one term":             {"ada  Love", query.UserSearch{Text: "ada love"}},
		"words around a key":             {"ada status:active love", query.UserSearch{Text: "ada love", Statuses: []events.Status{events.StatusActive}}},
		"quotes of a bare word stay":     {`"Ada  Love"`, query.UserSearch{Text: `"ada  love"`}},
		"a colon in quotes is none":      {`"a:b"`, query.UserSearch{Text: `"a:b"`}},
		"an open quote":                  {`"a:b c`, query.UserSearch{Text: `"a:b c`}},
		"search as a key":                {"SEARCH:Ada", query.UserSearch{Text: "ada"}},
		"quotes of a value go":           {`search:"ada love"`, query.UserSearch{Text: "ada love"}},
		"quotes of a key go":             {`"search":ada`, query.UserSearch{Text: "ada"}},
		"the first of a key counts":      {"name:a name:b", query.UserSearch{Name: "a"}},
		"words in front of search":       {"a search:b", query.UserSearch{Text: "a"}},
		"words behind search":            {"search:b a", query.UserSearch{Text: "b"}},
		"an empty value is none":         {`created_after:"" status:""`, query.UserSearch{}},
		"a list":                         {"status:active,SUSPENDED", query.UserSearch{Statuses: []events.Status{events.StatusActive, events.StatusSuspended}}},
		"lists of one key":               {"status:active status:dormant,active", query.UserSearch{Statuses: []events.Status{events.StatusActive, events.StatusDormant}}},
		"roles are not checked":          {"role:owner,nobody", query.UserSearch{Roles: []events.Role{"owner", "nobody"}}},
		"member drops the filter":        {"role:owner,member", query.UserSearch{}},
		"login types":                    {"login_type:password,oidc,none,github,token", query.UserSearch{LoginTypes: []events.LoginType{"password", "oidc", "none", "github", "token"}}},
		"service accounts":               {"service_account:true", query.UserSearch{ServiceAccount: &yes}},
		"no service accounts":            {"service_account:0", query.UserSearch{ServiceAccount: &no}},
		"times need quotes, in any case": {`created_after:"2024-01-01t00:00:00.005z"`, query.UserSearch{CreatedAfter: &day}},
		"a time in another zone":         {`last_seen_before:"2024-01-01T01:00:00.005+01:00"`, query.UserSearch{LastSeenBefore: &day}},
		"GitHub":                         {"github_com_user_id:17", query.UserSearch{GitHubUserID: 17}},
		"GitHub is off at 0":             {"github_com_user_id:0", query.UserSearch{}},
		"wildcards are text":             {"100%_", query.UserSearch{Text: "100%_"}},
	} {
		t.Run("3.1 q "+name, func(t *testing.T) {
			t.Parallel()
			got, err := parseUserQuery(c.q)
			require.NoError(t, err)
			if got.LastSeenBefore != nil {
				utc := got.LastSeenBefore.UTC()
				got.LastSeenBefore = &utc
			}
			require.Equal(t, c.want, got)
		})
	}
}

func TestBadUserQuery(t *testing.T) {
	t.Parallel()
	one := func(field, detail string) []validation { return []validation{{field, detail}} }
	for name, c := range map[string]struct {
		q    string
		want []validation
	}{
		"two colons":          {"a:b:c", one("q", `Query element "a:b:c" can only contain 1 ':'`)},
		"two colons in a row": {"a::c", one("q", `Query element "a::c" can only contain 1 ':'`)},
		"unquoted time":       {"created_after:2024-01-01T00:00:00Z", one("q", `Query element "created_after:2024-01-01t00:00:00z" can only contain 1 ':'`)},
		"leading colon":       {":a", one("q", `Query element ":a" cannot start or end with ':'`)},
		"trailing colon":      {"status:", one("q", `Query element "status:" cannot start or end with ':'`)},
		"a colon alone":       {":", one("q", `Query element ":" cannot start or end with ':'`)},
		"unknown key":         {"color:red", one("color", `Query param "color" is not a valid query param`)},
		"bad words of a list": {"status:active,gone,lost", one("status", `Query param "status" has invalid values: gone,lost`)},
		"bad login type":      {"login_type:carrier-pigeon", one("login_type", `Query param "login_type" has invalid values: carrier-pigeon`)},
		"bad time": {`last_seen_after:"yesterday"`, one("last_seen_after",
			`Query param "last_seen_after" must be a valid date format (2006-01-02T15:04:05.999999999Z07:00): "yesterday" is none`)},
		"bad number":  {"github_com_user_id:x", one("github_com_user_id", `Query param "github_com_user_id" must be a valid integer (parsing "x": invalid syntax)`)},
		"huge number": {"github_com_user_id:99999999999999999999", one("github_com_user_id", `Query param "github_com_user_id" must be a valid integer (parsing "99999999999999999999": value out of range)`)},
		"bad boolean": {"service_account:maybe", one("service_account", `Query param "service_account" must be a valid boolean ("maybe" is none)`)},
		"NUL":         {"a\x00b", one("q", "Query must be UTF-8 text without NUL characters")},
		"not UTF-8":   {"a\xffb", one("q", "Query must be UTF-8 text without NUL characters")},
		"too long":    {strings.Repeat("x", maxQuery+1), one("q", "Query must have at most 2048 bytes")},
		"all together": {"color:red status:gone size:7", []validation{
			{"status", `Query param "status" has invalid values: gone`},
			{"color", `Query param "color" is not a valid query param`},
			{"size", `Query param "size" is not a valid query param`},
		}},
		"all bad elements together": {"a:b:c :d", []validation{
			{"q", `Query element "a:b:c" can only contain 1 ':'`},
			{"q", `Query element ":d" cannot start or end with ':'`},
		}},
	} {
		t.Run("3.1 q "+name, func(t *testing.T) {
			t.Parallel()
			_, err := parseUserQuery(c.q)
			var a *answer
			require.ErrorAs(t, err, &a)
			require.Equal(t, http.StatusBadRequest, a.status)
			require.Equal(t, "Invalid user search query.", a.Message)
			require.Equal(t, c.want, a.Validations)
		})
	}
}

func FuzzUserQuery(f *testing.F) {
	for _, q := range []string{
		"", "ada", `"a b" c`, "status:active,dormant", `created_after:"2024-01-01T00:00:00Z"`, "a:b:c", ":", `"":x`, `a:"`, `":`,
		"role:member", "service_account:t", "github_com_user_id:-1", "\x00", "İ:ı", "é:\"", `x:""`, `""""`,
	} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, q string) {
		search, err := parseUserQuery(q)
		if err != nil {
			var a *answer
			if !errors.As(err, &a) || a.status != http.StatusBadRequest || len(a.Validations) == 0 {
				t.Fatalf("%q: %v", q, err)
			}
			return
		}
		if search.Text != strings.ToLower(search.Text) || strings.Contains(search.Text, "\x00") {
			t.Fatalf("%q: %q", q, search.Text)
		}
		if !strings.ContainsAny(q, `:"`) && search.Text != strings.Join(strings.FieldsFunc(strings.ToLower(q), func(c rune) bool { return c == ' ' }), " ") {
			t.Fatalf("%q: %q", q, search.Text)
		}
		if _, again := parseUserQuery(strings.ToUpper(search.Text)); !strings.Contains(search.Text, ":") && again != nil && !errors.As(again, new(*answer)) {
			t.Fatalf("%q: %v", search.Text, again)
		}
	})
}
