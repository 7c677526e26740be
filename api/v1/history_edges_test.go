package v1_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/events"
)

// pasts are the parts of a user that can be read as they were.
func pasts() []string { return []string{"", "/roles", "/preferences", "/preferences/codimir", "/keys"} }

// timeBefore is a moment of the last microsecond before a time.
func timeBefore(t *testing.T, stamp any) string {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, stamp.(string))
	require.NoError(t, err)
	return at.Add(-time.Microsecond).Format(time.RFC3339Nano)
}

// positionBefore is the position just before another one.
func positionBefore(t *testing.T, position string) string {
	t.Helper()
	p, err := events.ParsePosition(position)
	require.NoError(t, err)
	p.Sequence--
	return p.String()
}

// What was made is there from its first event on, to the microsecond, and not before.
func TestThePastBeginsWithTheFirstEvent(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	made := owner.Do("POST", "/v1/users", nil, object{"username": "ada", "email": "ada@example.com", "password": "SomeSecurePassword!"})
	require.Equal(t, http.StatusCreated, made.Status)
	team := owner.Do("POST", "/v1/organizations", nil, object{"name": "engines"})
	space := owner.Do("POST", "/v1/workspaces", nil, object{"name": "notes"})

	for path, first := range map[string]apitest.Answer{
		"/v1/users/": made, "/v1/organizations/": team, "/v1/workspaces/": space,
	} {
		was := first.Map(s)
		path += was["id"].(string)
		get := func(part, at string) apitest.Answer {
			return owner.Do("GET", path+part+"?at="+url.QueryEscape(at), nil, nil)
		}
		parts := []string{""}
		if was["username"] != nil {
			parts = pasts()
		}
		position := first.Header.Get("Roster-Position")
		require.Equal(t, was, get("", was["createdAt"].(string)).Map(s), "%s at the time itself", path)
		require.Equal(t, was, get("", position).Map(s), "%s at the position itself", path)
		for _, part := range parts {
			require.Equal(t, http.StatusOK, get(part, was["createdAt"].(string)).Status, path+part)
			for _, early := range []string{timeBefore(t, was["createdAt"]), "0001-01-01T00:00:00Z", "r1", positionBefore(t, position)} {
				a := get(part, early)
				require.Equal(t, http.StatusNotFound, a.Status, "%s at %s: %s", path+part, early, a.Body)
				require.Contains(t, string(a.Body), "there was no such")
			}
		}
	}
}

// A moment that can not be has an error that says why, wherever it may be given.
func TestMomentsThatCanNotBe(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	team := owner.Do("POST", "/v1/organizations", nil, object{"name": "engines"}).Map(s)["id"].(string)
	space := owner.Do("POST", "/v1/workspaces", nil, object{"name": "notes"}).Map(s)["id"].(string)
	paths := []string{"/v1/organizations/" + team, "/v1/workspaces/" + space}
	for _, part := range pasts() {
		paths = append(paths, "/v1/users/me"+part)
	}
	reasons := map[string]string{
		"r999999": "beyond the log", "r9223372036854775807": "beyond the log", "r9223372036854775808": "beyond the log",
		"r18446744073709551615": "beyond the log",
		"r18446744073709551616": "RFC 3339", "r99999999999999999999": "RFC 3339", "r-1": "RFC 3339", "r+1": "RFC 3339", "r1.5": "RFC 3339",
		"r1e3": "RFC 3339", "r": "RFC 3339", "R1": "RFC 3339", "1": "RFC 3339", "r1,r2": "RFC 3339", "x1": "RFC 3339", "r1 ": "RFC 3339",
		"r0": "begin with r1", "a1": "identity log", "a0": "identity log", "": "RFC 3339", "now": "RFC 3339", "r\x00": "", "\xff": "",
		"9999-12-31T23:59:59Z": "future", "10000-01-01T00:00:00Z": "RFC 3339", "2026-02-30T00:00:00Z": "RFC 3339", "2026-05-03": "RFC 3339",
		"2026-05-03T12:00:00": "RFC 3339", "1767225600": "RFC 3339", strings.Repeat("9", 10_000): "longer",
	}
	for _, path := range paths {
		for at, reason := range reasons {
			a := owner.Do("GET", path+"?at="+url.QueryEscape(at), nil, nil)
			require.Equal(t, http.StatusBadRequest, a.Status, "%s at %q: %s", path, at, a.Body)
			require.Contains(t, string(a.Body), reason, "%s at %q", path, at)
		}
		twice := owner.Do("GET", path+"?at=r1&at=r2", nil, nil)
		require.Equal(t, http.StatusBadRequest, twice.Status, "%s: %s", path, twice.Body)
	}
}

// Of who was erased the past has what happened, and nothing personal.
func TestThePastOfWhoWasErased(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	grace := owner.NewUser("grace")
	grace.Do("PATCH", "/v1/users/me", nil, object{"name": "Grace Hopper"})
	grace.Do("POST", "/v1/users/me/keys", nil, object{"name": "graces-laptop", "scopes": []string{"users:read"}})
	grace.Do("PATCH", "/v1/users/me/preferences/codimir", nil, object{"theme": "dark"})
	roles := owner.Do("PUT", "/v1/users/grace/roles", nil, object{"roles": []string{"tester"}})
	alive := roles.Header.Get("Roster-Position")
	erased := owner.Do("POST", "/v1/users/grace/erase", nil, nil)
	require.Equal(t, http.StatusNoContent, erased.Status)
	gone := erased.Header.Get("Roster-Position")

	path := "/v1/users/" + grace.ID
	for _, at := range []string{alive, gone, time.Now().UTC().Format(time.RFC3339Nano)} {
		for _, part := range pasts() {
			a := owner.Do("GET", path+part+"?at="+at, nil, nil)
			require.Equal(t, http.StatusOK, a.Status, "%s at %s: %s", part, at, a.Body)
			require.NotContains(t, strings.ToLower(string(a.Body)), "grace", "%s at %s", part, at)
		}
	}
	then := owner.Do("GET", path+"?at="+alive, nil, nil).Map(s)
	require.Equal(t, grace.ID, then["id"])
	require.Equal(t, "active", then["status"])
	require.Equal(t, []any{"tester"}, owner.Do("GET", path+"/roles?at="+alive, nil, nil).Map(s)["roles"])
	require.Equal(t, "deleted", owner.Do("GET", path+"?at="+gone, nil, nil).Map(s)["status"])
	require.Equal(t, http.StatusNotFound, owner.Do("GET", "/v1/users/grace?at="+alive, nil, nil).Status, "the name leads nowhere")
}
