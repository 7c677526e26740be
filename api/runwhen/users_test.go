package runwhen_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// TestSeedPageExamples: the members of the page's example are there, with its types.
func TestSeedPageExamples(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	page := w.get(w.owner, "/users")
	require.Equal(t, 4.0, page["count"])
	require.Nil(t, page["next"])
	require.Nil(t, page["previous"])
	require.Len(t, page, 4)
	first := page["results"].([]any)[0].(object)
	for member, want := range (object{"id": 1.0, "username": "owner", "email": "owner@example.com", "firstName": "", "lastName": "", "isActive": true}) {
		require.Equal(t, want, first[member], member)
	}
	number := w.path(w.eve)
	done := w.as(w.eve, "PUT", number, object{
		"username": "eve", "email": "jdoe@example.com", "firstName": "Jane", "lastName": "Doe", "isActive": true,
	}, http.StatusOK).Map(w.System)
	require.Equal(t, "Jane Doe", done["fullName"])
	require.Equal(t, done, w.get(w.owner, number))
	require.Len(t, w.list(w.owner, "/users/search?q=jdoe"), 1)
	w.record(w.eve, nil, "1")
	require.NotEmpty(t, w.list(w.eve, number+"/activities"))
	require.Len(t, w.list(w.eve, number+"/activeworkspaces"), 1)
	require.Positive(t, w.get(w.eve, number+"/activities/count")["count"])
	require.Empty(t, w.as(w.eve, "DELETE", number, nil, http.StatusNoContent).Body)
}

func TestUserObject(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.Equal(t, object{
		"id": 2.0, "username": "ada", "email": "ada@example.com", "primaryEmail": "ada@example.com", "firstName": "", "lastName": "",
		"fullName": nil, "avatarUrl": nil, "liveAvatarUrl": nil, "groups": []any{}, "provider": nil, "escalationMessage": nil,
		"optOutPublicGroup": false, "isActive": true, "isStaff": false, "isSuperuser": false, "isServiceAccount": false,
	}, w.get(w.ada, "/users/whoami"), "who has nothing but a name")

	group, err := w.Commands.CreateGroup(t.Context(), w.system, "operators")
	w.noted(group.Position, err)
	joined, err := w.Commands.AddToGroup(t.Context(), w.system, group.Group.ID, w.ada.ID)
	w.noted(joined.Position, err)
	number := w.path(w.ada)
	w.as(w.ada, "PATCH", number, object{
		"firstName": "Ada", "last_name": "Lovelace", "avatarUrl": "https://example.com/a.png", "escalationMessage": "Call me", "optOutPublicGroup": true,
	}, http.StatusOK)
	me := w.get(w.ada, number)
	for member, want := range (object{
		"fullName": "Ada Lovelace", "avatarUrl": "https://example.com/a.png", "liveAvatarUrl": "https://example.com/a.png",
		"groups": []any{object{"id": float64(group.Group.Number), "name": "operators"}}, "escalationMessage": "Call me", "optOutPublicGroup": true,
	}) {
		require.Equal(t, want, me[member], member)
	}
	require.Equal(t, me, w.get(w.owner, "/users")["results"].([]any)[1], "lists have the same object")

	for role, want := range map[string][]any{"owner": {true, true}, "user-admin": {true, false}, "auditor": {false, false}} {
		who := w.get(w.owner.NewUser("a-"+role, role), "/users/whoami")
		require.Equal(t, want, []any{who["isStaff"], who["isSuperuser"]}, role)
	}
	robot, err := w.Commands.Register(t.Context(), w.system, commands.Register{Username: "robot", LoginType: events.LoginNone})
	w.noted(robot.Position, err)
	hub, err := w.Commands.Register(t.Context(), w.system, commands.Register{Username: "octo", LoginType: events.LoginGitHub})
	w.noted(hub.Position, err)
	require.Equal(t, true, w.get(w.owner, fmt.Sprintf("/users/%d", robot.User.Number))["isServiceAccount"])
	require.Nil(t, w.get(w.owner, fmt.Sprintf("/users/%d", robot.User.Number))["email"])
	require.Equal(t, "github", w.get(w.owner, fmt.Sprintf("/users/%d", hub.User.Number))["provider"])
}

func TestWhoSeesWhom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := func(who *apitest.Session) (out []any) {
		for _, u := range w.get(who, "/users")["results"].([]any) {
			out = append(out, u.(object)["username"])
		}
		return out
	}
	require.Equal(t, []any{"owner", "ada", "bob", "eve"}, all(w.owner))
	require.Equal(t, []any{"owner", "ada", "bob", "eve", "clerk"}, all(w.owner.NewUser("clerk", "user-admin")))
	require.Equal(t, []any{"ada", "bob"}, all(w.ada))
	require.Equal(t, []any{"ada", "bob"}, all(w.bob))
	require.Equal(t, []any{"eve"}, all(w.eve))
	require.Equal(t, 1.0, w.get(w.eve, "/users")["count"])
	bob, eve, ada := w.path(w.bob), w.path(w.eve), w.path(w.ada)
	w.get(w.ada, bob)
	w.refused(w.ada, "GET", eve, nil, http.StatusNotFound, "User not found")
	w.refused(w.ada, "PATCH", bob, object{"firstName": "X"}, http.StatusForbidden, "You do not have permission to perform this action.")
	w.refused(w.ada, "PATCH", eve, object{"firstName": "X"}, http.StatusNotFound, "User not found")
	w.refused(w.ada, "DELETE", bob, nil, http.StatusForbidden, "You do not have permission to perform this action.")
	for _, rest := range []string{"/activeworkspaces", "/activities", "/activities/count", "/activities/stream"} {
		w.refused(w.ada, "GET", eve+rest, nil, http.StatusForbidden, "You do not have permission to perform this action.")
	}
	for _, rest := range []string{"/activeworkspaces", "/activities"} {
		w.list(w.ada, bob+rest)
		w.list(w.owner, eve+rest)
	}
	revoked, err := w.Commands.RevokePermission(t.Context(), w.system, w.workspace, events.Grantee{User: w.bob.ID})
	w.noted(revoked.Position, err)
	require.Equal(t, []any{"bob"}, all(w.bob))
	w.refused(w.bob, "GET", ada, nil, http.StatusNotFound, "User not found")
}

func TestLimitedTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := func(scopes []string, list []events.Resource) *apitest.Session {
		res, err := w.Commands.CreateKey(t.Context(), w.system, commands.CreateKey{UserID: w.ada.ID, Scopes: scopes, AllowList: list})
		require.NoError(t, err)
		w.Queries.NoteCredentials(w.ada.ID, res.Position)
		return w.bearing(w.ada, res.Token)
	}
	reads := key([]string{"users:read"}, nil)
	number := w.path(reads)
	require.Len(t, w.get(reads, "/users")["results"], 2)
	for _, call := range [][2]string{{"PATCH", number}, {"DELETE", number}, {"GET", number + "/activities"}, {"POST", "/users/tokens/create"}} {
		w.refused(reads, call[0], call[1], object{"name": "x"}, http.StatusForbidden, "You do not have permission to perform this action.")
	}
	w.refused(reads, "GET", "/users/get-token", nil, http.StatusForbidden, "You do not have permission to perform this action.")
	w.refused(reads, "GET", "/workspaces", nil, http.StatusForbidden, "You do not have permission to perform this action.")
	nothing := key([]string{"activities:record"}, nil)
	for _, path := range []string{"/users/whoami", "/users", number, "/users/search?q=ada", "/users/tokens"} {
		w.refused(nothing, "GET", path, nil, http.StatusForbidden, "You do not have permission to perform this action.")
	}
	alone := key(nil, []events.Resource{{Type: "user", ID: w.ada.ID}})
	w.get(alone, number)
	w.refused(alone, "GET", w.path(w.bob), nil, http.StatusNotFound, "User not found")
	w.as(alone, "GET", "/users", nil, http.StatusForbidden)
	w.as(nothing, "POST", "/users/logout", nil, http.StatusNoContent)
	w.refused(nothing, "GET", "/users/whoami", nil, http.StatusUnauthorized, "Invalid or expired token")
}

func TestListPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 7 {
		res, err := w.Commands.Register(t.Context(), w.system, commands.Register{Username: fmt.Sprint("user", i)})
		w.noted(res.Position, err)
	}
	base := w.URL + "/api/v3/users"
	page := w.get(w.owner, "/users?page_size=5")
	require.Equal(t, base+"?after=5&page=2&page_size=5", page["next"])
	require.Nil(t, page["previous"])
	page = w.get(w.owner, "/users/?page=2&page-size=5")
	require.Equal(t, base+"/?after=10&page=3&page-size=5", page["next"])
	require.Equal(t, base+"/?page-size=5", page["previous"], "the first page has no number")
	page = w.get(w.owner, "/users?page=3&page_size=5")
	require.Nil(t, page["next"])
	require.Equal(t, base+"?page=2&page_size=5", page["previous"])
	require.Len(t, page["results"], 1)
	require.Equal(t, 11.0, page["count"])
	page = w.get(w.owner, "/users?limit=4&offset=4")
	require.Equal(t, base+"?after=8&limit=4&offset=8", page["next"])
	require.Equal(t, base+"?limit=4", page["previous"])
	require.Equal(t, base+"?limit=4&offset=4", w.get(w.owner, "/users?limit=4&offset=8")["previous"])
	require.Empty(t, w.get(w.owner, "/users?offset=50")["results"])
	require.Len(t, w.get(w.owner, "/users?page=1")["results"], 11)
	for _, far := range []string{"2", "9999", "99999999999999999999999"} {
		w.refused(w.owner, "GET", "/users?page="+far, nil, http.StatusNotFound, "Invalid page.")
	}
	for query, want := range map[string]string{
		"page=x": `[{"type":"int_parsing","loc":["query","page"],"msg":"Input should be a valid integer, unable to parse string as an integer","input":"x"}]`,
		"page=":  `[{"type":"int_parsing","loc":["query","page"],"msg":"Input should be a valid integer, unable to parse string as an integer","input":""}]`,
		"page=0": `[{"type":"greater_than_equal","loc":["query","page"],"msg":"Input should be greater than or equal to 1","input":"0","ctx":{"ge":1}}]`,
		"page=-1&page_size=101": `[{"type":"greater_than_equal","loc":["query","page"],"msg":"Input should be greater than or equal to 1","input":"-1","ctx":{"ge":1}},
			{"type":"less_than_equal","loc":["query","page_size"],"msg":"Input should be less than or equal to 100","input":"101","ctx":{"le":100}}]`,
		"limit=0&offset=-1": `[{"type":"greater_than_equal","loc":["query","limit"],"msg":"Input should be greater than or equal to 1","input":"0","ctx":{"ge":1}},
			{"type":"greater_than_equal","loc":["query","offset"],"msg":"Input should be greater than or equal to 0","input":"-1","ctx":{"ge":0}}]`,
		"page=%00%FF": `[{"type":"int_parsing","loc":["query","page"],"msg":"Input should be a valid integer, unable to parse string as an integer","input":"\u0000\ufffd"}]`,
	} {
		w.problems(w.owner, "GET", "/users?"+query, nil, want)
	}
}

// TestWalkGivesEveryUserOnce: also while users come and go, and while numbers are
// given that are lower than those already seen.
func TestWalkGivesEveryUserOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	register := func(name string) commands.User {
		res, err := w.Commands.Register(t.Context(), w.system, commands.Register{Username: name})
		w.noted(res.Position, err)
		return res.User
	}
	want := map[string]bool{"owner": true, "ada": true, "bob": true, "eve": true}
	var gone commands.User
	for i := range 30 {
		u := register(fmt.Sprint("before", i))
		if i == 0 {
			gone = u
			continue
		}
		want[u.Username] = true
	}
	for name, query := range map[string]string{"pages": "page_size=7", "offsets": "limit=7"} {
		t.Run(name, func(t *testing.T) {
			seen := map[string]int{}
			next := "/users?" + query
			for i := 0; next != ""; i++ {
				page := w.get(w.owner, next)
				for _, u := range page["results"].([]any) {
					seen[u.(object)["username"].(string)]++
				}
				if i < 3 {
					register(fmt.Sprint("during-", name, i))
				}
				if i == 1 && gone.ID != "" { // a page's worth moves up by one
					res, err := w.Commands.Delete(t.Context(), w.system, gone.ID)
					w.noted(res.Position, err)
					gone = commands.User{}
				}
				link, _ := page["next"].(string)
				next = strings.TrimPrefix(link, w.URL+"/api/v3")
			}
			for name := range want {
				require.Equal(t, 1, seen[name], name)
			}
			for i := range 3 {
				require.Equal(t, 1, seen[fmt.Sprint("during-", name, i)])
			}
			for name, times := range seen {
				require.Equal(t, 1, times, name)
			}
		})
	}
	after, total, err := w.Queries.UsersByNumber(t.Context(), query.NumberedFilter{After: 4, Limit: 2})
	require.NoError(t, err)
	require.Equal(t, int64(6), after[0].Number, "the fifth is gone")
	require.Equal(t, int64(len(want)+6), total)
}

func TestSearch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.as(w.eve, "PATCH", w.path(w.eve), object{"firstName": "Evelyn", "lastName": "O'Hara%"}, http.StatusOK)
	robot, err := w.Commands.Register(t.Context(), w.system, commands.Register{Username: "evelyn-robot", LoginType: events.LoginNone})
	w.noted(robot.Position, err)
	for q, want := range map[string][]any{
		"ada": {"ada"}, "ADA": {"ada"}, "@EXAMPLE.com": {"owner", "ada", "bob", "eve"}, "velyn": {"eve"}, "o'hara": {"eve"}, "ara%": {"eve"},
		"ad": nil, "": nil, "nobody": nil, "a_a": nil, "\x00\x00\x00": nil, "\xff\xfe\xfd": nil, strings.Repeat("x", 5000): nil, "яда": nil,
	} {
		require.Equal(t, want, names(w.list(w.owner, "/users/search?q="+url.QueryEscape(q))), "%q", q)
	}
	require.Equal(t, []any{"ada", "bob"}, names(w.list(w.ada, "/users/search/?q=example")), "who shares a workspace")
	require.Equal(t, object{
		"id": 2.0, "username": "ada", "email": "ada@example.com", "primaryEmail": "ada@example.com", "firstName": "", "lastName": "", "fullName": nil,
		"avatarUrl": nil, "isActive": true, "isServiceAccount": false,
	}, w.list(w.ada, "/users/search?q=ada")[0])
	require.Equal(t, "[]", string(w.as(w.ada, "GET", "/users/search?q=ab", nil, http.StatusOK).Body), "an empty array, not null")
	w.problems(w.ada, "GET", "/users/search", nil, `[{"type":"missing","loc":["query","q"],"msg":"Field required","input":null}]`)
}
