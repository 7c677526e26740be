package codimir

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

func encode(tb testing.TB, v any) string {
	tb.Helper()
	w := newRecorder()
	require.NoError(tb, writeJSON(w, 200, v))
	return w.Body.String()
}

func TestProfileAsThePageShowsIt(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 1, 1, 1, 0, 0, 0, time.FixedZone("", 3600))
	p := profileOf(query.User{
		ID: "user_123", Name: "John Doe", FirstName: "John", LastName: "Doe", Email: "john@example.com",
		Avatar: "https://example.com/avatar.jpg", Roles: []events.Role{events.RoleOwner}, CreatedAt: at, UpdatedAt: at,
	})
	short := settings{"theme": "dark", "notifications": true, "timezone": "UTC"}.short("")
	p.Preferences, p.Counts = &short, countsOf(query.Counts{Projects: 5, Tickets: 23, Comments: 45})
	require.Equal(t, `{"data":{"id":"user_123","name":"John Doe","firstName":"John","lastName":"Doe","email":"john@example.com",`+
		`"image":"https://example.com/avatar.jpg","role":"ADMIN","createdAt":"2024-01-01T00:00:00Z","updatedAt":"2024-01-01T00:00:00Z",`+
		`"preferences":{"theme":"dark","notifications":true,"timezone":"UTC"},`+
		`"counts":{"projects":5,"tickets":23,"comments":45}}}`, encode(t, success{Data: p}))

	require.Equal(t, `{"id":"user_123","name":"John Doe","firstName":"John","lastName":"Doe","email":"john@example.com",`+
		`"image":"https://example.com/new-avatar.jpg","updatedAt":"2024-01-01T00:00:00Z"}`,
		encode(t, updatedProfileOf(commands.User{
			ID: "user_123", Name: "John Doe", FirstName: "John", LastName: "Doe", Email: "john@example.com",
			Avatar: "https://example.com/new-avatar.jpg", UpdatedAt: at,
		})))
}

func TestUnsetMembersAreAbsent(t *testing.T) {
	t.Parallel()
	require.Equal(t, `{"id":"u","role":"USER","createdAt":"0001-01-01T00:00:00Z","updatedAt":"0001-01-01T00:00:00Z"}`,
		encode(t, profileOf(query.User{ID: "u"})))
	require.Equal(t, `{"id":"u","updatedAt":"0001-01-01T00:00:00Z"}`, encode(t, updatedProfileOf(commands.User{ID: "u"})))
}

func TestDisplayName(t *testing.T) {
	t.Parallel()
	require.Equal(t, "N", displayName("N", "F", "L"))
	require.Equal(t, "F L", displayName("", "F", "L"))
	require.Equal(t, "F", displayName("", "F", ""))
	require.Equal(t, "L", displayName("", "", "L"))
	require.Empty(t, displayName("", "", ""))
	require.Empty(t, profileOf(query.User{Name: "Only Name"}).FirstName, "nothing is derived from name")
}

func TestRole(t *testing.T) {
	t.Parallel()
	tests := []struct {
		roles []events.Role
		want  string
	}{
		{nil, "USER"},
		{[]events.Role{events.RoleOwner}, "ADMIN"},
		{[]events.Role{events.RoleUserAdmin}, "ADMIN"},
		{[]events.Role{events.RoleAuditor, events.RoleUserAdmin}, "ADMIN"},
		{[]events.Role{events.RoleAuditor}, "VIEWER"},
		{[]events.Role{events.RoleAuditor, events.RoleTemplateAdmin}, "USER"},
		{[]events.Role{events.RoleTemplateAdmin}, "USER"},
		{[]events.Role{events.RoleTester}, "USER"},
	}
	for _, test := range tests {
		require.Equal(t, test.want, roleOf(test.roles), test.roles)
	}
}

func membersOf(tb testing.TB, body string) *members {
	tb.Helper()
	o, err := gate.ParseObject([]byte(body))
	require.NoError(tb, err)
	return newMembers(o)
}

func TestParseProfile(t *testing.T) {
	t.Parallel()
	change, err := parseProfile(membersOf(t, `{"name":"John Doe","firstName":null,"lastName":"","email":"x@y","role":"ADMIN","id":7,"Image":1}`))
	require.NoError(t, err)
	name, cleared := "John Doe", ""
	require.Equal(t, commands.UpdateUser{Name: &name, FirstName: &cleared, LastName: &cleared}, change)

	_, err = parseProfile(membersOf(t, `{"name":1e999,"firstName":[],"lastName":{"a":1},"image":true}`))
	f := faultOf(err)
	require.Equal(t, 422, f.status)
	require.Equal(t, "VALIDATION_ERROR", f.code)
	require.Equal(t, map[string]string{
		"name": "must be a string", "firstName": "must be a string", "lastName": "must be a string", "image": "must be a string",
	}, f.details)
}

func FuzzBodies(f *testing.F) {
	for _, seed := range []string{
		`{}`, `[]`, `null`, `{"name":"a"}`, `{"name":null}`, `{"name":1e400}`, `{"name":"a","name":"b"}`, "{\"name\":\"\\u0000\"}",
		`{"theme":"dark","notifications":true,"emailNotifications":{"weeklyDigest":false}}`, `{"emailNotifications":null}`,
		`{"emailNotifications":[true]}`, `{"language":""}`, "\xff", `{"timezone":"../../etc/passwd"}`, `{"a":{"a":{"a":{"a":{}}}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		o, err := gate.ParseObject(raw)
		if err != nil {
			require.Contains(t, []int{400, 413, 415, 422}, faultOf(err).status)
			return
		}
		if _, err := parseProfile(newMembers(o)); err != nil {
			require.Equal(t, 422, faultOf(err).status)
			require.NotEmpty(t, faultOf(err).details)
		}
		change, err := parsePreferences(newMembers(o))
		if err != nil {
			require.Equal(t, 422, faultOf(err).status)
			require.NotEmpty(t, faultOf(err).details)
			return
		}
		for name, value := range change.Changes {
			require.Contains(t, commands.PreferenceNames(dialect), name)
			require.NotNil(t, value)
		}
	})
}
