package codimir_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

// TestCodimir runs every rule of the dialect over real parts. Its tests share
// one world and have users of their own.
func TestCodimir(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	t.Run("group", func(t *testing.T) { // ends before the world does
		for name, test := range map[string]func(*testing.T, *world){
			"profile shows the account":        profileShowsTheAccount,
			"profile counts":                   profileCounts,
			"profile roles":                    profileRoles,
			"profile update merges":            profileUpdateMerges,
			"profile update refuses":           profileUpdateRefuses,
			"profile update is idempotent":     profileUpdateIsIdempotent,
			"bodies that are refused":          bodiesThatAreRefused,
			"preferences have defaults":        preferencesHaveDefaults,
			"preferences merge":                preferencesMerge,
			"preferences refuse":               preferencesRefuse,
			"preferences are idempotent":       preferencesAreIdempotent,
			"language is shared":               languageIsShared,
			"writers of different preferences": writersOfDifferentPreferences,
			"writers of different members":     writersOfDifferentMembers,
			"activity pages":                   activityPages,
			"activity types":                   activityTypes,
			"activity items":                   activityItems,
			"stats":                            statsOfAUser,
			"stats of nobody":                  statsOfAnIdleUser,
			"paths and methods":                pathsAndMethods,
			"who is let in":                    whoIsLetIn,
			"limited keys":                     limitedKeys,
			"account ends":                     accountEnds,
			"idempotency key":                  idempotencyKey,
			"sign in":                          signIn,
			"sign in refused":                  signInRefused,
			"sign in asks for the token":       signInAsksForTheToken,
			"session":                          sessionOfAUser,
			"sign out":                         signOut,
			"another site":                     anotherSite,
			"on TLS":                           onTLS,
			"the seed's examples":              seedExamples,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, w)
			})
		}
	})
}

var stamp = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`)

func profileShowsTheAccount(t *testing.T, w *world) {
	c := w.enter(t, commands.Register{Name: "John Doe", FirstName: "John", LastName: "Doe", Avatar: "https://example.com/avatar.jpg"})
	a := c.get(t, "/api/user/profile")
	require.Equal(t, 200, a.status, a.body)
	require.Equal(t, "application/json", a.header.Get("Content-Type"))
	require.Equal(t, []string{"createdAt", "email", "firstName", "id", "image", "lastName", "name", "role", "updatedAt"}, a.members(t, "data"))
	require.Equal(t, c.user.ID, a.at(t, "data.id"))
	require.Equal(t, c.user.Email, a.at(t, "data.email"))
	require.Equal(t, "https://example.com/avatar.jpg", a.at(t, "data.image"))
	require.Equal(t, "USER", a.at(t, "data.role"))
	require.Regexp(t, stamp, a.at(t, "data.createdAt"))
	require.Regexp(t, stamp, a.at(t, "data.updatedAt"))

	bare := w.enter(t, commands.Register{})
	require.Equal(t, []string{"createdAt", "email", "id", "role", "updatedAt"}, bare.get(t, "/api/user/profile").members(t, "data"))

	halves := w.enter(t, commands.Register{FirstName: "Jane", LastName: "Roe"})
	require.Equal(t, "Jane Roe", halves.get(t, "/api/user/profile").at(t, "data.name"))

	named := w.enter(t, commands.Register{Name: "Jane Roe"})
	require.Equal(t, []string{"createdAt", "email", "id", "name", "role", "updatedAt"}, named.get(t, "/api/user/profile").members(t, "data"))

	head := named.do(t, http.MethodHead, "/api/user/profile", "", nil)
	require.Equal(t, 200, head.status)
}

func profileCounts(t *testing.T, w *world) {
	c := w.enter(t, commands.Register{})
	for _, query := range []string{"?counts=true", "?counts=1", "?counts=true&counts=false"} {
		a := c.get(t, "/api/user/profile"+query)
		require.Equal(t, []string{"comments", "projects", "tickets"}, a.members(t, "data.counts"), query)
	}
	for _, query := range []string{"", "?counts=", "?counts=false", "?counts=TRUE", "?counts=yes", "?counts=%00", "?counts=0", "?counts"} {
		a := c.get(t, "/api/user/profile"+query)
		require.Equal(t, 200, a.status, query)
		require.Nil(t, a.at(t, "data.counts"), query)
	}
	other := w.register(t, commands.Register{})
	w.did(t, c.user.ID,
		commands.ActivityInput{Type: "project", Action: "created", EntityID: "p1", ProjectID: "p1"},
		commands.ActivityInput{Type: "ticket", Action: "created", EntityID: "t1", ProjectID: "p2"},
		commands.ActivityInput{Type: "comment", Action: "created", EntityID: "t1", ProjectID: "p2"},
		commands.ActivityInput{Type: "comment", Action: "created", EntityID: "t2"},
	)
	w.did(t, other.ID, commands.ActivityInput{Type: "ticket", Action: "created", EntityID: "t9", Assignee: &commands.UserRef{ID: c.user.ID}})
	w.did(t, c.user.ID, commands.ActivityInput{Type: "comment", Action: "created", EntityID: "t3"}) // so that reads wait for the other's too
	a := c.get(t, "/api/user/profile?counts=true")
	require.Equal(t, map[string]any{"projects": 2.0, "tickets": 2.0, "comments": 3.0}, a.at(t, "data.counts"))
}

func profileRoles(t *testing.T, w *world) {
	for want, roles := range map[string][]events.Role{
		"ADMIN": {events.RoleUserAdmin}, "VIEWER": {events.RoleAuditor}, "USER": {events.RoleTemplateAdmin},
	} {
		c := w.enter(t, commands.Register{Roles: roles})
		require.Equal(t, want, c.get(t, "/api/user/profile").at(t, "data.role"))
	}
}

func profileUpdateMerges(t *testing.T, w *world) {
	c := w.enter(t, commands.Register{Name: "Old"})
	a := c.put(t, "/api/user/profile", `{"name":"John Doe","firstName":"John","lastName":"Doe","image":"https://example.com/new-avatar.jpg"}`)
	require.Equal(t, 200, a.status, a.body)
	require.Equal(t, []string{"email", "firstName", "id", "image", "lastName", "name", "updatedAt"}, a.members(t, "data"))
	require.NotEmpty(t, a.header.Get("Roster-Position"))

	a = c.put(t, "/api/user/profile", `{"lastName":"Roe","email":"evil@example.com","role":"ADMIN","id":"x","unknown":[1,{"a":null}]}`)
	require.Equal(t, 200, a.status)
	require.Equal(t, "John Doe", a.at(t, "data.name"), "name is not derived")
	require.Equal(t, "Roe", a.at(t, "data.lastName"))
	require.Equal(t, c.user.Email, a.at(t, "data.email"))

	read := c.get(t, "/api/user/profile")
	require.Equal(t, "Roe", read.at(t, "data.lastName"), "a read sees the write before it")
	require.Equal(t, "USER", read.at(t, "data.role"))
	require.Equal(t, a.at(t, "data.updatedAt"), read.at(t, "data.updatedAt"))

	a = c.put(t, "/api/user/profile", `{"name":null,"firstName":"","image":null}`)
	require.Equal(t, []string{"email", "id", "lastName", "name", "updatedAt"}, a.members(t, "data"))
	require.Equal(t, "Roe", a.at(t, "data.name"), "the reader of an empty name gets the halves")
	a = c.put(t, "/api/user/profile", `{"lastName":""}`)
	require.Equal(t, []string{"email", "id", "updatedAt"}, a.members(t, "data"))
	require.Equal(t, []string{"createdAt", "email", "id", "role", "updatedAt"}, c.get(t, "/api/user/profile").members(t, "data"))

	// Limits are characters, not bytes.
	long := strings.Repeat("ж", 200)
	a = c.put(t, "/api/user/profile", `{"name":"`+long+`","firstName":"`+long[:200]+`","lastName":"`+long[:200]+`"}`)
	require.Equal(t, 200, a.status, a.body)
	require.Equal(t, long, a.at(t, "data.name"))
	image := "https://example.com/" + strings.Repeat("a", 2048-len("https://example.com/"))
	require.Equal(t, 200, c.put(t, "/api/user/profile", `{"image":"`+image+`"}`).status)
	require.Equal(t, 200, c.put(t, "/api/user/profile", `{"name":"<b>&\u2028\ud83d\ude00"}`).status)
	require.Contains(t, c.get(t, "/api/user/profile").body, `<b>&`)
}

func profileUpdateRefuses(t *testing.T, w *world) {
	c := w.enter(t, commands.Register{Name: "Kept"})
	before := w.position(t, c.user.ID)
	for body, member := range map[string]string{
		`{"name":7}`: "name", `{"name":true}`: "name", `{"name":["a"]}`: "name", `{"name":1e999999}`: "name", `{"firstName":{}}`: "firstName",
		`{"name":"` + strings.Repeat("a", 201) + `"}`:                       "name",
		`{"firstName":"` + strings.Repeat("ж", 101) + `"}`:                  "firstName",
		`{"lastName":"` + strings.Repeat("a", 101) + `"}`:                   "lastName",
		`{"image":"ftp://example.com/a"}`:                                   "image",
		`{"image":"/a.png"}`:                                                "image",
		`{"image":"example.com/a.png"}`:                                     "image",
		`{"image":"javascript:alert(1)"}`:                                   "image",
		`{"image":"https://"}`:                                              "image",
		`{"image":"https://example.com/` + strings.Repeat("a", 2048) + `"}`: "image",
		`{"name":"a\u0000b"}`:                                               "name",
		`{"name":"New","image":"nowhere"}`:                                  "image",
	} {
		a := c.put(t, "/api/user/profile", body)
		a.requireFault(t, 422, "VALIDATION_ERROR")
		require.Equal(t, []string{member}, a.members(t, "error.details"), body)
	}
	require.Equal(t, before, w.position(t, c.user.ID), "a refusal changes nothing")
	require.Equal(t, "Kept", c.get(t, "/api/user/profile").at(t, "data.name"))
}

func profileUpdateIsIdempotent(t *testing.T, w *world) {
	c := w.enter(t, commands.Register{})
	body := `{"name":"Once","image":"https://example.com/a.png"}`
	first := c.put(t, "/api/user/profile", body)
	at := w.position(t, c.user.ID)
	for range 3 {
		again := c.put(t, "/api/user/profile", body)
		require.Equal(t, 200, again.status)
		require.Equal(t, first.body, again.body, "updatedAt moves only if something changed")
	}
	require.Equal(t, 200, c.put(t, "/api/user/profile", `{}`).status)
	require.Equal(t, at, w.position(t, c.user.ID), "the same body again leaves no event")
}

func bodiesThatAreRefused(t *testing.T, w *world) {
	c := w.enter(t, commands.Register{Name: "Kept"})
	before := w.position(t, c.user.ID)
	deep := strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000)
	arrays := `{"a":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + "}"
	tests := []struct {
		name, contentType, body string
		status                  int
		code                    string
	}{
		{"empty", "application/json", "", 400, "BAD_REQUEST"},
		{"white space", "application/json", "  \n", 400, "BAD_REQUEST"},
		{"cut", "application/json", `{"name":"a`, 400, "BAD_REQUEST"},
		{"no JSON", "application/json", `name=a`, 400, "BAD_REQUEST"},
		{"trailing", "application/json", `{} {}`, 400, "BAD_REQUEST"},
		{"array", "application/json", `[]`, 400, "BAD_REQUEST"},
		{"null", "application/json", `null`, 400, "BAD_REQUEST"},
		{"text", "application/json", `"a"`, 400, "BAD_REQUEST"},
		{"number", "application/json", `1`, 400, "BAD_REQUEST"},
		{"duplicate", "application/json", `{"name":"a","name":"b","theme":"dark","theme":"light"}`, 400, "BAD_REQUEST"},
		{"invalid UTF-8", "application/json", "{\"name\":\"\xff\"}", 400, "BAD_REQUEST"},
		{"raw NUL", "application/json", "{\"name\":\"a\x00\"}", 400, "BAD_REQUEST"},
		{"NUL elsewhere", "application/json", `{"unknown":["\u0000"]}`, 422, "VALIDATION_ERROR"},
		{"deep", "application/json", deep, 400, "BAD_REQUEST"},
		{"deep arrays", "application/json", arrays, 400, "BAD_REQUEST"},
		{"large", "application/json", `{"name":"` + strings.Repeat("a", 70000) + `"}`, 413, "PAYLOAD_TOO_LARGE"},
		{"no type", "", `{}`, 415, "UNSUPPORTED_MEDIA_TYPE"},
		{"form", "application/x-www-form-urlencoded", `{}`, 415, "UNSUPPORTED_MEDIA_TYPE"},
		{"plain text", "text/plain", `{}`, 415, "UNSUPPORTED_MEDIA_TYPE"},
		{"almost JSON", "application/jsonp", `{}`, 415, "UNSUPPORTED_MEDIA_TYPE"},
		{"malformed type", "application/json; charset", `{}`, 415, "UNSUPPORTED_MEDIA_TYPE"},
	}
	for _, path := range []string{"/api/user/profile", "/api/user/preferences"} {
		for _, test := range tests {
			a := c.do(t, http.MethodPut, path, test.contentType, []byte(test.body))
			require.Equal(t, test.status, a.status, "%s %s: %s", path, test.name, a.body)
			a.requireFault(t, test.status, test.code)
		}
		w.anonymous().do(t, http.MethodPut, path, "text/plain", []byte("x")).requireUnauthorized(t) // who asks comes first
	}
	require.Equal(t, 200, c.do(t, http.MethodPut, "/api/user/profile", "Application/JSON; charset=utf-8", []byte(`{}`)).status)
	require.Equal(t, before, w.position(t, c.user.ID))
}

func pathsAndMethods(t *testing.T, w *world) {
	c := w.enter(t, commands.Register{})
	for _, path := range []string{
		"/api/user/", "/api/user/unknown", "/api/user/profile/", "/api/user/profile/x", "/api/user/Profile", "/api/user/stats/week",
		"/api/auth/", "/api/auth/unknown", "/api/auth/callback/github", "/api/auth/callback",
	} {
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodPost, http.MethodDelete} {
			a := c.do(t, method, path, "application/json", []byte("{}"))
			a.requireFault(t, 404, "NOT_FOUND")
			w.anonymous().do(t, method, path, "", nil).requireFault(t, 404, "NOT_FOUND")
		}
	}
	for path, allow := range map[string]string{
		"/api/user/profile": "GET, HEAD, PUT", "/api/user/preferences": "GET, HEAD, PUT", "/api/user/activity": "GET, HEAD", "/api/user/stats": "GET, HEAD",
		"/api/auth/csrf": "GET, HEAD", "/api/auth/session": "GET, HEAD", "/api/auth/providers": "GET, HEAD",
		"/api/auth/callback/credentials": "POST", "/api/auth/signout": "POST",
	} {
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodPost, http.MethodPatch, http.MethodDelete, http.MethodOptions, "BREW"} {
			if strings.Contains(allow, method) {
				continue
			}
			a := c.do(t, method, path, "application/json", []byte("{}"))
			a.requireFault(t, 405, "METHOD_NOT_ALLOWED")
			require.Equal(t, allow, a.header.Get("Allow"))
		}
	}
	// These belong to another dialect: nothing of this one answers.
	for _, path := range []string{"/api/user", "/api/user/apikey", "/api/user/orgs", "/api/user/orgs/1", "/api/v2/users"} {
		require.False(t, w.owns(path), path)
	}
	require.True(t, w.owns("/api/user/apikeys"))
}

func idempotencyKey(t *testing.T, w *world) {
	c := w.enter(t, commands.Register{})
	c.header.Set("Idempotency-Key", "k1")
	first := c.put(t, "/api/user/profile", `{"name":"First"}`)
	require.Equal(t, 200, first.status)
	again := c.put(t, "/api/user/profile", `{"name":"First"}`)
	require.Equal(t, 200, again.status)
	require.Equal(t, first.header.Get("Roster-Position"), again.header.Get("Roster-Position"))
	c.put(t, "/api/user/profile", `{"name":"Second"}`).requireFault(t, 422, "VALIDATION_ERROR")
	c.header.Del("Idempotency-Key")
	require.Equal(t, "First", c.get(t, "/api/user/profile").at(t, "data.name"))
}

func seedExamples(t *testing.T, w *world) {
	c := w.enter(t, commands.Register{Roles: []events.Role{events.RoleUserAdmin}})
	require.Equal(t, 200, c.put(t, "/api/user/profile", `{ "name": "John Doe", "firstName": "John", "lastName": "Doe", "image": "https://example.com/new-avatar.jpg" }`).status)
	a := c.put(t, "/api/user/preferences", `{ "theme": "dark", "notifications": true, "timezone": "America/New_York", "language": "en",
		"emailNotifications": { "ticketAssigned": true, "ticketUpdated": false, "projectInvites": true } }`)
	require.Equal(t, 200, a.status, a.body)
	require.Equal(t, []string{"createdAt", "emailNotifications", "id", "language", "notifications", "theme", "timezone", "updatedAt", "userId"}, a.members(t, "data"))
	require.Equal(t, map[string]any{"ticketAssigned": true, "ticketUpdated": false, "projectInvites": true}, a.at(t, "data.emailNotifications"))
	w.did(t, c.user.ID, commands.ActivityInput{
		Type: "ticket", Action: "created", EntityID: "ticket_456", EntityTitle: "Fix login bug", ProjectID: "project_789", ProjectName: "Web App",
		OccurredAt: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC),
	})

	a = c.get(t, "/api/user/profile?counts=true")
	require.Equal(t, []string{
		"counts", "createdAt", "email", "firstName", "id", "image", "lastName", "name", "preferences", "role", "updatedAt",
	}, a.members(t, "data"))
	require.Equal(t, "ADMIN", a.at(t, "data.role"))
	require.Equal(t, "America/New_York", a.at(t, "data.preferences.timezone"))
	require.Equal(t, map[string]any{"projects": 1.0, "tickets": 1.0, "comments": 0.0}, a.at(t, "data.counts"))

	a = c.get(t, "/api/user/activity")
	items, _ := a.at(t, "data").([]any)
	require.Len(t, items, 1, a.body)
	item, _ := items[0].(map[string]any)
	require.Regexp(t, `^activity_\d+$`, item["id"])
	delete(item, "id")
	require.Equal(t, map[string]any{
		"type": "ticket", "action": "created", "entityId": "ticket_456", "entityTitle": "Fix login bug", "description": "Created ticket: Fix login bug",
		"createdAt": "2024-01-01T00:00:00Z", "metadata": map[string]any{"projectId": "project_789", "projectName": "Web App"},
	}, item)
	require.Equal(t, map[string]any{"page": 1.0, "limit": 20.0, "total": 1.0, "totalPages": 1.0}, a.at(t, "pagination"))

	a = c.get(t, "/api/user/stats")
	require.Equal(t, []string{"activity", "endDate", "period", "productivity", "projects", "startDate", "tickets"}, a.members(t, "data"))

	// The page's curl lines: the cookie alone, by its plain name.
	curl := w.anonymous()
	curl.header.Set("Cookie", "next-auth.session-token="+c.cookies["next-auth.session-token"])
	require.Equal(t, 200, curl.get(t, "/api/user/profile?counts=true").status)
	require.Equal(t, 200, curl.put(t, "/api/user/preferences", `{"theme":"dark","notifications":true,"timezone":"America/New_York"}`).status)
	w.anonymous().get(t, "/api/user/profile?counts=true").requireUnauthorized(t)
}

// numbered makes n activities of one type, a second apart, the newest first.
func numbered(kind events.ActivityType, n int, newest time.Time) []commands.ActivityInput {
	in := make([]commands.ActivityInput, n)
	for i := range in {
		in[i] = commands.ActivityInput{
			Type: kind, Action: "created", EntityID: fmt.Sprintf("%s-%d", kind, i), OccurredAt: newest.Add(-time.Duration(i) * time.Second),
		}
	}
	return in
}
