package codimir_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/commands"
)

func preferencesHaveDefaults(t *testing.T, w *world) {
	c := w.enter(t, commands.Register{})
	require.Nil(t, c.get(t, "/api/user/profile").at(t, "data.preferences"), "absent until first saved")
	before := w.position(t, c.user.ID)
	a := c.get(t, "/api/user/preferences")
	require.Equal(t, 200, a.status)
	require.Equal(t, []string{"createdAt", "id", "language", "notifications", "theme", "timezone", "updatedAt", "userId"}, a.members(t, "data"))
	require.Equal(t, "system", a.at(t, "data.theme"))
	require.Equal(t, true, a.at(t, "data.notifications"))
	require.Equal(t, "UTC", a.at(t, "data.timezone"))
	require.Equal(t, "en", a.at(t, "data.language"))
	require.Equal(t, c.user.ID, a.at(t, "data.userId"))
	require.Equal(t, before, w.position(t, c.user.ID), "a read writes nothing")

	a = c.put(t, "/api/user/preferences", `{"timezone":"Europe/Berlin"}`)
	require.Equal(t, 200, a.status)
	require.Equal(t, "system", a.at(t, "data.theme"))
	require.Equal(t, true, a.at(t, "data.notifications"))
	require.Equal(t, "en", a.at(t, "data.language"))
	require.Nil(t, a.at(t, "data.emailNotifications"), "flags stay unset")
	profile := c.get(t, "/api/user/profile")
	require.Equal(t, map[string]any{"theme": "system", "notifications": true, "timezone": "Europe/Berlin"}, profile.at(t, "data.preferences"))
}

func preferencesMerge(t *testing.T, w *world) {
	c := w.enter(t, commands.Register{})
	first := c.put(t, "/api/user/preferences", `{"theme":"dark","notifications":true,"timezone":"America/New_York","language":"en",
		"emailNotifications":{"ticketAssigned":true,"ticketUpdated":false,"projectInvites":true}}`)
	require.Equal(t, 200, first.status, first.body)
	require.NotEmpty(t, first.header.Get("Roster-Position"))
	second := c.put(t, "/api/user/preferences", `{"theme":"light","emailNotifications":{"ticketUpdated":true},"id":"x","unknown":1}`)
	require.Equal(t, "light", second.at(t, "data.theme"))
	require.Equal(t, "America/New_York", second.at(t, "data.timezone"))
	require.Equal(t, map[string]any{"ticketAssigned": true, "ticketUpdated": true, "projectInvites": true}, second.at(t, "data.emailNotifications"))
	third := c.put(t, "/api/user/preferences", `{"notifications":false,"emailNotifications":{"weeklyDigest":false}}`)
	require.Equal(t, map[string]any{"ticketAssigned": true, "ticketUpdated": true, "projectInvites": true, "weeklyDigest": false}, third.at(t, "data.emailNotifications"))
	require.Equal(t, third.body, c.get(t, "/api/user/preferences").body, "a read sees the write before it, as it was answered")

	for _, a := range []answer{second, third} {
		require.Equal(t, first.at(t, "data.id"), a.at(t, "data.id"))
		require.Equal(t, first.at(t, "data.createdAt"), a.at(t, "data.createdAt"))
	}
	id, _ := first.at(t, "data.id").(string)
	require.NotEqual(t, c.user.ID, id)
	require.NoError(t, uuid.Validate(id))
	require.Equal(t, c.user.ID, first.at(t, "data.userId"))
	require.Equal(t, map[string]any{
		"theme": "light", "notifications": false, "timezone": "America/New_York", "language": "en",
		"emailNotifications": third.at(t, "data.emailNotifications"),
	}, c.get(t, "/api/user/profile").at(t, "data.preferences"))

	other := w.enter(t, commands.Register{})
	require.NotEqual(t, id, other.put(t, "/api/user/preferences", `{"theme":"dark"}`).at(t, "data.id"))
}

func preferencesRefuse(t *testing.T, w *world) {
	c := w.enter(t, commands.Register{})
	before := w.position(t, c.user.ID)
	for body, member := range map[string]string{
		`{"theme":"blue"}`: "theme", `{"theme":""}`: "theme", `{"theme":1}`: "theme", `{"theme":null}`: "theme", `{"theme":"Dark"}`: "theme",
		`{"notifications":"true"}`: "notifications", `{"notifications":1}`: "notifications", `{"notifications":null}`: "notifications",
		`{"timezone":"Mars/Phobos"}`: "timezone", `{"timezone":""}`: "timezone", `{"timezone":"Local"}`: "timezone", `{"timezone":7}`: "timezone",
		`{"timezone":"../etc/passwd"}`: "timezone", `{"timezone":"/etc/localtime"}`: "timezone", `{"timezone":"+02:00"}`: "timezone",
		`{"timezone":"` + strings.Repeat("A", 5000) + `"}`: "timezone",
		`{"language":"e"}`: "language", `{"language":""}`: "language", `{"language":"` + strings.Repeat("en-", 12) + `x"}`: "language",
		`{"language":"en_US!"}`: "language", `{"language":7}`: "language", `{"language":"en\u0000"}`: "language",
		`{"emailNotifications":true}`: "emailNotifications", `{"emailNotifications":null}`: "emailNotifications", `{"emailNotifications":[]}`: "emailNotifications",
		`{"emailNotifications":{"ticketAssigned":"yes"}}`:             "emailNotifications.ticketAssigned",
		`{"emailNotifications":{"weeklyDigest":null},"theme":"dark"}`: "emailNotifications.weeklyDigest",
		`{"theme":"dark","timezone":"Nowhere"}`:                       "timezone",
	} {
		a := c.put(t, "/api/user/preferences", body)
		a.requireFault(t, 422, "VALIDATION_ERROR")
		require.Equal(t, []string{member}, a.members(t, "error.details"), body)
	}
	require.Equal(t, before, w.position(t, c.user.ID), "a refusal changes nothing, not even its good part")
	for _, body := range []string{
		`{"language":"en"}`, `{"language":"pt-BR"}`, `{"language":"zh-Hant-TW"}`, `{"timezone":"UTC"}`, `{"timezone":"Etc/GMT+5"}`,
		`{"timezone":"America/Argentina/Buenos_Aires"}`, `{"theme":"system"}`,
	} {
		require.Equal(t, 200, c.put(t, "/api/user/preferences", body).status, body)
	}
}

func preferencesAreIdempotent(t *testing.T, w *world) {
	c := w.enter(t, commands.Register{})
	body := `{"theme":"dark","language":"de","emailNotifications":{"weeklyDigest":true}}`
	first := c.put(t, "/api/user/preferences", body)
	at := w.position(t, c.user.ID)
	for range 3 {
		require.Equal(t, first.body, c.put(t, "/api/user/preferences", body).body)
	}
	require.Equal(t, 200, c.put(t, "/api/user/preferences", `{}`).status)
	require.Equal(t, 200, c.put(t, "/api/user/preferences", `{"emailNotifications":{}}`).status)
	require.Equal(t, at, w.position(t, c.user.ID), "the same body again leaves no event")
}

func languageIsShared(t *testing.T, w *world) {
	c := w.enter(t, commands.Register{Language: "ru"})
	require.Equal(t, "ru", c.get(t, "/api/user/preferences").at(t, "data.language"))
	require.Equal(t, 200, c.put(t, "/api/user/preferences", `{"theme":"dark"}`).status)
	require.Equal(t, "ru", c.get(t, "/api/user/profile").at(t, "data.preferences.language"))
	require.Equal(t, "fr", c.put(t, "/api/user/preferences", `{"language":"fr"}`).at(t, "data.language"))
	require.Equal(t, "fr", c.get(t, "/api/user/profile").at(t, "data.preferences.language"))
	u, err := w.commands.Find(t.Context(), commands.UserRef{ID: c.user.ID})
	require.NoError(t, err)
	require.Equal(t, "fr", u.Language, "it is the user's own, for every dialect")
}

// Writers that name different preferences lose nothing of each other.
func writersOfDifferentPreferences(t *testing.T, w *world) {
	c := w.enter(t, commands.Register{})
	bodies := []string{
		`{"theme":"dark"}`, `{"notifications":false}`, `{"timezone":"Asia/Tokyo"}`, `{"language":"ja"}`,
		`{"emailNotifications":{"ticketAssigned":true}}`, `{"emailNotifications":{"ticketUpdated":true}}`,
		`{"emailNotifications":{"projectInvites":false}}`, `{"emailNotifications":{"weeklyDigest":true}}`,
	}
	var all sync.WaitGroup
	for _, body := range bodies {
		all.Go(func() {
			writer := &client{w: w, cookies: map[string]string{"next-auth.session-token": c.cookies["next-auth.session-token"]}, header: map[string][]string{}}
			a := writer.put(t, "/api/user/preferences", body)
			if a.status != 200 {
				t.Errorf("%s: %d %s", body, a.status, a.body)
			}
		})
	}
	all.Wait()
	a := c.get(t, "/api/user/preferences")
	require.Equal(t, "dark", a.at(t, "data.theme"))
	require.Equal(t, false, a.at(t, "data.notifications"))
	require.Equal(t, "Asia/Tokyo", a.at(t, "data.timezone"))
	require.Equal(t, "ja", a.at(t, "data.language"))
	require.Equal(t, map[string]any{"ticketAssigned": true, "ticketUpdated": true, "projectInvites": false, "weeklyDigest": true}, a.at(t, "data.emailNotifications"))
}

func writersOfDifferentMembers(t *testing.T, w *world) {
	c := w.enter(t, commands.Register{})
	var all sync.WaitGroup
	for i, member := range []string{"name", "firstName", "lastName"} {
		all.Go(func() {
			for n := range 5 {
				writer := &client{w: w, cookies: map[string]string{"next-auth.session-token": c.cookies["next-auth.session-token"]}, header: map[string][]string{}}
				a := writer.put(t, "/api/user/profile", fmt.Sprintf(`{"%s":"w%d-%d"}`, member, i, n))
				if a.status != 200 {
					t.Errorf("%d %s", a.status, a.body)
				}
			}
		})
	}
	all.Wait()
	a := c.get(t, "/api/user/profile")
	require.Equal(t, []any{"w0-4", "w1-4", "w2-4"}, []any{a.at(t, "data.name"), a.at(t, "data.firstName"), a.at(t, "data.lastName")})
}
