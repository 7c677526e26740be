package runwhen_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

// The tables of the vendor's page, and of what is known beside it, line by line.

const (
	forbidden = "You do not have permission to perform this action."
	// moment is a time as the dialect writes it.
	moment = `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$`
)

// kindOf is the JSON type of a value.
func kindOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case []any:
		return "array"
	case float64:
		if v == float64(int64(v)) {
			return "integer"
		}
		return "number"
	default:
		return "object"
	}
}

// TestExampleOfTheList: the page's example, with its values.
func TestExampleOfTheList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	jane := w.owner.NewUser("jdoe") // who sees nobody else
	w.as(jane, "PATCH", w.path(jane), object{"firstName": "Jane", "lastName": "Doe"}, http.StatusOK)
	number := float64(w.number(jane))
	example := object{
		"id": number, "username": "jdoe", "email": "jdoe@example.com", "firstName": "Jane", "lastName": "Doe", "isActive": true,
	}
	page := w.get(jane, "/users")
	shown := page["results"].([]any)[0].(object)
	require.Equal(t, object{"count": 1.0, "next": nil, "previous": nil, "results": []any{shown}}, page)
	require.Subset(t, shown, example)
	for _, other := range []object{
		w.get(jane, w.path(jane)), w.get(jane, "/users/whoami"),
		w.as(jane, "PUT", w.path(jane), shown, http.StatusOK).Map(w.System),
		w.as(jane, "PATCH", w.path(jane), object{}, http.StatusOK).Map(w.System),
	} {
		require.Equal(t, shown, other, "one user object everywhere")
	}
}

// TestMembersOfAUser has a line for each of the table of the user object.
func TestMembersOfAUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bare, err := w.Commands.Register(t.Context(), w.system, commands.Register{Username: "bare"})
	w.noted(bare.Position, err)
	rich, err := w.Commands.Register(t.Context(), w.system, commands.Register{
		Username: "rich", Email: "rich@example.com", FirstName: "Rich", LastName: "Lee", Avatar: "https://example.com/r.png", LoginType: events.LoginGitHub,
	})
	w.noted(rich.Position, err)
	group, err := w.Commands.CreateGroup(t.Context(), w.system, "operators")
	w.noted(group.Position, err)
	joined, err := w.Commands.AddToGroup(t.Context(), w.system, group.Group.ID, rich.User.ID)
	w.noted(joined.Position, err)
	w.as(w.owner, "PATCH", fmt.Sprint("/users/", rich.User.Number), object{"escalationMessage": "Call me"}, http.StatusOK)
	empty, full := w.get(w.owner, fmt.Sprint("/users/", bare.User.Number)), w.get(w.owner, fmt.Sprint("/users/", rich.User.Number))
	lines := []struct {
		member, kind string
		standard     any // the default
	}{
		{"id", "integer", float64(bare.User.Number)},
		{"username", "string", "bare"},
		{"email", "string", nil},
		{"primaryEmail", "string", nil},
		{"firstName", "string", ""},
		{"lastName", "string", ""},
		{"fullName", "string", nil},
		{"avatarUrl", "string", nil},
		{"liveAvatarUrl", "string", nil},
		{"groups", "array", []any{}},
		{"provider", "string", nil},
		{"escalationMessage", "string", nil},
		{"optOutPublicGroup", "boolean", false},
		{"isActive", "boolean", true},
		{"isStaff", "boolean", false},
		{"isSuperuser", "boolean", false},
		{"isServiceAccount", "boolean", false},
	}
	for _, line := range lines {
		require.Contains(t, empty, line.member)
		require.Equal(t, line.standard, empty[line.member], line.member)
		require.Equal(t, line.kind, kindOf(full[line.member]), line.member)
	}
	require.Len(t, empty, len(lines))
	require.Len(t, full, len(lines))
	require.Equal(t, full["email"], full["primaryEmail"])
	require.Equal(t, []any{object{"id": float64(group.Group.Number), "name": "operators"}}, full["groups"])
}

// TestErrorsOfThePage has a line for each of the table of errors.
func TestErrorsOfThePage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apitest.WithSettings(func(s *gate.Settings) { s.SignUp = true }))
	for _, line := range []struct {
		name         string
		who          *apitest.Session
		method, path string
		body         any
		status       int
		detail       string
		header, text string
	}{
		{"no token", nil, "GET", "/users", nil, 401, "Not authenticated", "WWW-Authenticate", "Bearer"},
		{"a bad one", w.bearing(w.ada, "x"), "GET", "/users", nil, 401, badToken, "WWW-Authenticate", "Bearer"},
		{"not allowed", w.ada, "PATCH", w.path(w.bob), object{}, 403, forbidden, "", ""},
		{"unknown user", w.ada, "GET", "/users/999", nil, 404, "User not found", "", ""},
		{"unknown path", w.ada, "GET", "/nothing", nil, 404, "Not Found", "", ""},
		{"method", w.ada, "POST", "/users", nil, 405, "Method Not Allowed", "Allow", "GET, HEAD"},
		{"past the end", w.ada, "GET", "/users?page=2", nil, 404, "Invalid page.", "", ""},
		{"conflict on registration", nil, "POST", "/users/register", object{"email": "ada@example.com", "password": "12345678"}, 409, "Email already exists", "", ""},
	} {
		a := w.refused(line.who, line.method, line.path, line.body, line.status, line.detail)
		if line.header != "" {
			require.Equal(t, line.text, a.Header.Get(line.header), line.name)
		}
	}
	w.problems(w.ada, "GET", "/users/x?page=1", nil,
		`[{"type":"int_parsing","loc":["path","user_id"],"msg":"Input should be a valid integer, unable to parse string as an integer","input":"x"}]`)
}

// TestAnswersToWrites: PUT and PATCH have the same callers and answers.
func TestAnswersToWrites(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"PUT", "PATCH"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			gone := w.owner.NewUser("gone")
			away := w.path(gone)
			w.as(gone, "DELETE", away, nil, http.StatusNoContent)
			ada, bob, eve := w.path(w.ada), w.path(w.bob), w.path(w.eve)
			body := func(name, email string) object { return object{"username": name, "email": email} }
			for _, line := range []struct {
				name   string
				who    *apitest.Session
				path   string
				body   object
				status int
				detail string
			}{
				{"oneself", w.ada, ada, body("ada", "ada2@example.com"), 200, ""},
				{"staff", w.owner, bob, body("bob", "bob2@example.com"), 200, ""},
				{"staff: the name", w.owner, bob, body("bobby", "bob2@example.com"), 200, ""},
				{"nobody", nil, ada, body("ada", "x@example.com"), 401, "Not authenticated"},
				{"a foreign profile", w.ada, bob, body("bobby", "x@example.com"), 403, forbidden},
				{"one who is not seen", w.ada, eve, body("eve", "x@example.com"), 404, "User not found"},
				{"unknown", w.owner, "/users/999", body("x-y", "x@example.com"), 404, "User not found"},
				{"deleted", w.owner, away, body("gone", "x@example.com"), 404, "User not found"},
				{"a taken address", w.ada, ada, body("ada", "EVE@example.com"), 409, "Email already exists"},
				{"a taken name", w.owner, ada, body("EVE", "ada2@example.com"), 409, "Username already exists"},
			} {
				a := w.as(line.who, method, line.path, line.body, line.status).Map(w.System)
				if line.status != http.StatusOK {
					require.Equal(t, object{"detail": line.detail}, a, line.name)
					continue
				}
				require.Equal(t, []any{line.body["username"], line.body["email"]}, []any{a["username"], a["primaryEmail"]}, line.name)
			}
		})
	}
}

// TestNamesOfMembers: a request's members come in camelCase or in snake_case.
func TestNamesOfMembers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apitest.WithSettings(func(s *gate.Settings) { s.SignUp = true }))
	ada := w.path(w.ada)
	for i, line := range []struct {
		camel, snake string
		values       [2]any
	}{
		{"primaryEmail", "primary_email", [2]any{"a@b.example", "c@d.example"}},
		{"firstName", "first_name", [2]any{"A", "B"}},
		{"lastName", "last_name", [2]any{"A", "B"}},
		{"avatarUrl", "avatar_url", [2]any{"https://a.example/", "https://b.example/"}},
		{"escalationMessage", "escalation_message", [2]any{"A", "B"}},
		{"optOutPublicGroup", "opt_out_public_group", [2]any{true, false}},
	} {
		for j, name := range []string{line.camel, line.snake} {
			a := w.as(w.ada, "PATCH", ada, object{name: line.values[j]}, http.StatusOK).Map(w.System)
			require.Equal(t, line.values[j], a[line.camel], "%d %s", i, name)
		}
	}
	for _, member := range []string{"isActive", "is_active"} {
		for _, active := range []bool{false, true} {
			require.Equal(t, active, w.as(w.owner, "PATCH", ada, object{member: active}, http.StatusOK).Map(w.System)["isActive"], member)
		}
	}
	camel := object{"email": "camel@example.com", "password": "12345678", "confirmPassword": "12345678", "firstName": "Ca", "lastName": "Mel"}
	made := w.as(nil, "POST", "/users/register", camel, http.StatusCreated).Map(w.System)
	require.Equal(t, "Ca Mel", w.get(w.owner, fmt.Sprint("/users/", made["id"]))["fullName"])
	camel["confirmPassword"] = "87654321"
	w.problems(nil, "POST", "/users/register", camel,
		`[{"type":"value_error","loc":["body","confirmPassword"],"msg":"Value error, Passwords do not match","input":"**********","ctx":{"error":{}}}]`)
}

// TestHowMuchAnAnswerHolds: what a page has unless more is asked for, and at most.
func TestHowMuchAnAnswerHolds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 100 {
		user, err := w.Commands.Register(t.Context(), w.system, commands.Register{Username: fmt.Sprint("crowd-", i)})
		w.noted(user.Position, err)
		made, err := w.Commands.CreateWorkspace(t.Context(), w.system, commands.CreateWorkspace{Name: fmt.Sprint("crowd-", i), Owner: w.eve.ID})
		w.noted(made.Position, err)
	}
	numbers := func(list []object) []any {
		out := make([]any, len(list))
		for i, u := range list {
			out[i] = u["id"]
		}
		return out
	}
	page := w.get(w.owner, "/users")
	require.Len(t, page["results"], 100, "a page has 100")
	require.Equal(t, 104.0, page["count"])
	require.Equal(t, w.URL+"/api/v3/users?after=100&page=2", page["next"])
	require.Len(t, w.get(w.owner, "/users?page=2")["results"], 4)
	more, err := w.Commands.Register(t.Context(), w.system, commands.Register{Username: "crowd-last"})
	w.noted(more.Position, err)
	found := w.list(w.owner, "/users/search?q=crowd")
	require.Len(t, found, 100, "a search finds 100 at most")
	require.Equal(t, 5.0, found[0]["id"], "by number")
	require.IsIncreasing(t, floats(numbers(found)))
	spaces := w.get(w.owner, "/workspaces")
	require.Len(t, spaces["results"], 100)
	require.Equal(t, w.URL+"/api/v3/workspaces?limit=100&offset=100", spaces["next"])
	require.Len(t, w.get(w.owner, "/workspaces?limit=1000")["results"], 101)
}

func floats(list []any) []float64 {
	out := make([]float64, len(list))
	for i, v := range list {
		out[i] = v.(float64)
	}
	return out
}

// TestBoundsOfParameters has a line for each parameter of an address.
func TestBoundsOfParameters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.path(w.ada)
	for _, line := range []struct {
		path, name  string
		least, most int // most 0 for none
	}{
		{"/users", "page", 1, 0},
		{"/users", "page_size", 1, 100},
		{"/users", "page-size", 1, 100},
		{"/users", "limit", 1, 100},
		{"/users", "offset", 0, 0},
		{"/workspaces", "limit", 1, 1000},
		{"/workspaces", "offset", 0, 0},
		{ada + "/activities", "page", 1, 0},
		{ada + "/activities", "page-size", 1, 100},
		{"/users/get-token", "days", 1, 365},
	} {
		at := func(value any) string { return fmt.Sprint(line.path, "?", line.name, "=", value) }
		w.as(w.ada, "GET", at(line.least), nil, http.StatusOK)
		w.problems(w.ada, "GET", at(line.least-1), nil, fmt.Sprintf(
			`[{"type":"greater_than_equal","loc":["query",%q],"msg":"Input should be greater than or equal to %d","input":"%d","ctx":{"ge":%d}}]`,
			line.name, line.least, line.least-1, line.least))
		for _, value := range []string{"", "x", "1.5", "1;2", "%zz", "%25zz", "1e3", "null", "%F"} {
			input := strings.Replace(value, "%25", "%", 1)
			w.problems(w.ada, "GET", at(value), nil, fmt.Sprintf(
				`[{"type":"int_parsing","loc":["query",%q],"msg":"Input should be a valid integer, unable to parse string as an integer","input":%q}]`,
				line.name, input))
		}
		if line.most == 0 {
			continue
		}
		w.as(w.ada, "GET", at(line.most), nil, http.StatusOK)
		w.problems(w.ada, "GET", at(line.most+1), nil, fmt.Sprintf(
			`[{"type":"less_than_equal","loc":["query",%q],"msg":"Input should be less than or equal to %d","input":"%d","ctx":{"le":%d}}]`,
			line.name, line.most, line.most+1, line.most))
	}
}

// TestSearchesThatAreNoForm: nothing of a query is lost.
func TestSearchesThatAreNoForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.as(w.eve, "PATCH", w.path(w.eve), object{"firstName": "a;b%zzc d", "lastName": "=&"}, http.StatusOK)
	for _, q := range []string{"a;b%zz", "a;b%25zzc+d", "a;b%zzc%20d", "%25zzc&&x", "zzc+d&q=%zzc"} {
		require.Equal(t, []any{"eve"}, names(w.list(w.owner, "/users/search?q="+q)), q)
	}
	require.Empty(t, w.list(w.owner, "/users/search?q=%zzd"))
	require.Empty(t, w.list(w.owner, "/users/search?q"), "there, and empty")
	w.as(w.owner, "GET", "/users/search?%71x=1&;q=1", nil, http.StatusUnprocessableEntity)
}

// TestSlashes: each path answers directly, with and without a slash at its end.
func TestSlashes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	asJSON := map[string]string{"Accept": "application/json"}
	for path, allow := range offered {
		if path == "/users/logout" { // the second would find nobody
			continue
		}
		for method := range strings.SplitSeq(allow, ", ") {
			bare := w.ada.Do(method, "/api/v3"+path, asJSON, nil)
			slashed := w.ada.Do(method, "/api/v3"+path+"/", asJSON, nil)
			require.Equal(t, bare.Status, slashed.Status, "%s %s", method, path)
			require.NotContains(t, []int{301, 302, 307, 308, 405}, bare.Status, "%s %s", method, path)
		}
	}
}

// TestGroupsShareWorkspaces: a group's role in a workspace is its members'.
func TestGroupsShareWorkspaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	group, err := w.Commands.CreateGroup(t.Context(), w.system, "operators")
	w.noted(group.Position, err)
	given, err := w.Commands.GrantPermission(t.Context(), w.system, w.workspace, events.Grantee{Group: group.Group.ID}, events.WorkspaceReadOnly)
	w.noted(given.Position, err)
	require.Equal(t, 1.0, w.get(w.eve, "/users")["count"])
	joined, err := w.Commands.AddToGroup(t.Context(), w.system, group.Group.ID, w.eve.ID)
	w.noted(joined.Position, err)
	require.Equal(t, []any{"ada", "bob", "eve"}, names(w.list(w.eve, "/users/search?q=example")))
	require.Equal(t, 1.0, w.get(w.eve, "/workspaces")["count"])
	w.get(w.bob, w.path(w.eve))
	left, err := w.Commands.RemoveFromGroup(t.Context(), w.system, group.Group.ID, w.eve.ID)
	w.noted(left.Position, err)
	require.Equal(t, []any{"eve"}, names(w.list(w.eve, "/users/search?q=example")))
	require.Equal(t, 0.0, w.get(w.eve, "/workspaces")["count"])
}

// TestShapes: the other objects, member for member.
func TestShapes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plain, err := w.Commands.CreateWorkspace(t.Context(), w.system, commands.CreateWorkspace{Name: "plain", Owner: w.eve.ID})
	w.noted(plain.Position, err)
	w.record(w.eve, object{"workspace": "plain"}, "1")
	w.as(w.eve, "POST", "/users/tokens/create", object{"name": "laptop"}, http.StatusCreated)
	item := tickets(w.list(w.eve, w.path(w.eve)+"/activities"))[0]
	for name, shape := range map[string]struct {
		got   object
		kinds object
		times []string
	}{
		"workspace": {w.get(w.eve, "/workspaces")["results"].([]any)[0].(object), object{
			"id": "integer", "name": "string", "displayName": "string", "owner": "string", "enabledLocations": "array", "createdAt": "string", "updatedAt": "string",
		}, []string{"createdAt", "updatedAt"}},
		"active workspace": {w.list(w.eve, w.path(w.eve)+"/activeworkspaces")[0], object{
			"workspaceName": "string", "count": "integer", "lastActiveAt": "string",
		}, []string{"lastActiveAt"}},
		"activity": {item, object{
			"id": "integer", "verb": "string", "actorName": "string", "targetName": "string", "workspace": "string", "timestamp": "string",
			"actorId": "integer", "targetType": "string", "targetId": "string",
		}, []string{"timestamp"}},
		"personal token": {w.list(w.eve, "/users/tokens")[0], object{
			"id": "string", "name": "string", "tokenSuffix": "string", "createdAt": "string", "expiresAt": "string",
			"isRevoked": "boolean", "isExpired": "boolean", "isActive": "boolean", "lastUsedAt": "null",
		}, []string{"createdAt", "expiresAt"}},
		"login": {w.as(nil, "POST", "/users/login", credentials("eve"), http.StatusOK).Map(w.System), object{
			"access": "string", "refresh": "string", "user": "object",
		}, nil},
	} {
		kinds := object{}
		for member, value := range shape.got {
			kinds[member] = kindOf(value)
		}
		require.Equal(t, shape.kinds, kinds, name)
		for _, member := range shape.times {
			require.Regexp(t, moment, shape.got[member], "%s %s", name, member)
		}
	}
	require.Regexp(t, `^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`, w.list(w.eve, "/users/tokens")[0]["id"])
}

// TestLoginsByEitherName: null is as good as absent, and the refresh token of a login
// is one.
func TestLoginsByEitherName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, body := range []object{
		{"username": nil, "email": "ada@example.com", "password": apitest.Password},
		{"username": "ada", "email": nil, "password": apitest.Password},
	} {
		for _, path := range []string{"/token/", "/users/login"} {
			a := w.as(nil, "POST", path, body, http.StatusOK).Map(w.System)
			w.as(nil, "POST", "/token/refresh/", object{"refresh": a["refresh"]}, http.StatusOK)
		}
	}
	w.problems(nil, "POST", "/token/", object{"username": nil, "password": "x"},
		`[{"type":"string_type","loc":["body","username"],"msg":"Input should be a valid string","input":null}]`)
}
