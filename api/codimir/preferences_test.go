package codimir

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/commands"
)

func TestPreferencesAsThePageShowsThem(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	s := settings{
		"theme": "dark", "notifications": true, "timezone": "America/New_York", "emailNotifications.ticketAssigned": true,
		"emailNotifications.ticketUpdated": false, "emailNotifications.projectInvites": true,
	}
	record := s.record("user_123", "en", at, at)
	require.Equal(t, `{"id":"`+record.ID+`","userId":"user_123","theme":"dark","notifications":true,"timezone":"America/New_York","language":"en",`+
		`"emailNotifications":{"ticketAssigned":true,"ticketUpdated":false,"projectInvites":true},`+
		`"createdAt":"2024-01-01T00:00:00Z","updatedAt":"2024-01-01T00:00:00Z"}`, encode(t, record))

	s["emailNotifications.weeklyDigest"] = false
	require.Contains(t, encode(t, s.record("user_123", "en", at, at)), `"projectInvites":true,"weeklyDigest":false}`)
}

func TestPreferenceDefaults(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	record := settings(nil).record("u", "", at, at)
	require.Equal(t, `{"id":"`+record.ID+`","userId":"u","theme":"system","notifications":true,"timezone":"UTC","language":"en",`+
		`"createdAt":"2024-01-01T00:00:00Z","updatedAt":"2024-01-01T00:00:00Z"}`, encode(t, record))
	require.Equal(t, `{"theme":"system","notifications":false,"timezone":"UTC"}`, encode(t, settings{"notifications": false}.short("")))
	require.Equal(t, `{"theme":"system","notifications":true,"timezone":"UTC","language":"ru"}`, encode(t, settings{}.short("ru")))
}

func TestPreferencesID(t *testing.T) {
	t.Parallel()
	user := "0190a1b2-0000-7000-8000-000000000001"
	require.Equal(t, preferencesID(user), preferencesID(user))
	require.NotEqual(t, user, preferencesID(user))
	require.NotEqual(t, preferencesID("0190a1b2-0000-7000-8000-000000000002"), preferencesID(user))
	id, err := uuid.Parse(preferencesID(user))
	require.NoError(t, err)
	require.Equal(t, uuid.Version(5), id.Version())
	// Clients keep these ids: this value may never change.
	require.Equal(t, "e5af44d2-a992-5f71-9c50-75e55af8ae89", preferencesID(user))
}

func TestParsePreferences(t *testing.T) {
	t.Parallel()
	language := "en"
	change, err := parsePreferences(membersOf(t, `{"theme":"dark","notifications":true,"timezone":"America/New_York","language":"en",
		"emailNotifications":{"ticketAssigned":true,"ticketUpdated":false,"unknown":7},"id":"x","userId":"y"}`))
	require.NoError(t, err)
	require.Equal(t, commands.UpdatePreferences{
		Dialect: "codimir", Language: &language,
		Changes: map[string]any{
			"theme": "dark", "notifications": true, "timezone": "America/New_York",
			"emailNotifications.ticketAssigned": true, "emailNotifications.ticketUpdated": false,
		},
	}, change)

	refused := map[string]map[string]string{
		`{"theme":1,"notifications":"yes"}`:                            {"theme": "must be a string", "notifications": "must be a boolean"},
		`{"theme":null,"notifications":null,"timezone":null}`:          {"theme": "must be a string", "notifications": "must be a boolean", "timezone": "must be a string"},
		`{"emailNotifications":null}`:                                  {"emailNotifications": "must be an object"},
		`{"emailNotifications":[]}`:                                    {"emailNotifications": "must be an object"},
		`{"emailNotifications":{"ticketAssigned":"x"}}`:                {"emailNotifications.ticketAssigned": "must be a boolean"},
		`{"language":""}`:                                              {"language": "must be a language tag such as en or pt-BR"},
		`{"language":1e400,"timezone":123456789012345678901234567890}`: {"language": "must be a string", "timezone": "must be a string"},
	}
	for body, want := range refused {
		_, err := parsePreferences(membersOf(t, body))
		require.Error(t, err, body)
		require.Equal(t, 422, faultOf(err).status)
		require.Equal(t, want, faultOf(err).details, body)
	}
}
