package events_test

import (
	"encoding/json"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
)

// What looks like a secret bears the tag: forgetting it would show one.
func TestSecretsAreTagged(t *testing.T) {
	t.Parallel()
	suspicious := regexp.MustCompile(`(?i)hash|token|secret|password|privatekey|^key$`)
	tagged := 0
	c := events.Released()
	for _, typ := range c.Types() {
		p, err := c.New(typ)
		require.NoError(t, err)
		private := events.PrivatePart(p)
		if private == nil {
			continue
		}
		for f := range reflect.TypeOf(private).Elem().Fields() {
			if f.Tag.Get("secret") == "true" {
				tagged++
				continue
			}
			require.NotRegexp(t, suspicious, f.Name, "%s", typ)
		}
	}
	require.Greater(t, tagged, 8)
}

// Both parts of an event can be shown as one object.
func TestPublicAndPrivateMembersHaveDifferentNames(t *testing.T) {
	t.Parallel()
	c := events.Released()
	for _, typ := range c.Types() {
		p, err := c.New(typ)
		require.NoError(t, err)
		private := events.PrivatePart(p)
		if private == nil {
			continue
		}
		names := map[string]bool{}
		for f := range reflect.TypeOf(private).Elem().Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			names[name] = true
		}
		for _, f := range reflect.VisibleFields(reflect.TypeOf(p).Elem()) {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if len(f.Index) == 1 && !f.Anonymous {
				require.False(t, names[name], "%s: %s", typ, name)
			}
		}
	}
}

func TestViewShowsWhatItMay(t *testing.T) {
	t.Parallel()
	key, err := events.NewDataKey(events.NewRawKey())
	require.NoError(t, err)
	c := events.Released()
	v := events.NewView(c)
	encode := func(p events.Payload) (events.Meta, []byte) {
		m := events.Meta{ID: "id", Type: p.EventType(), Time: time.Now(), SealedFor: "user"}
		_, data, err := events.Encode(&m, p, key)
		require.NoError(t, err)
		return m, data
	}
	m, body := encode(&events.UserRegistered{
		Number: 7, Status: events.StatusActive, LoginType: events.LoginPassword,
		Sealed: events.Seal(events.UserRegisteredPrivate{Username: "ada", Email: "ada@example.org", PasswordHash: "$argon2$"}),
	})
	public, err := v.AppendPublic(nil, body)
	require.NoError(t, err)
	require.JSONEq(t, `{"number":7,"loginType":"password","status":"active","confirmed":false}`, string(public))
	personal, err := v.Personal(c, &m, body, key)
	require.NoError(t, err)
	require.JSONEq(t, `{"username":"ada","email":"ada@example.org"}`, string(personal))
	erased, err := v.Personal(c, &m, body, nil)
	require.NoError(t, err)
	require.JSONEq(t, `{}`, string(erased))

	_, body = encode(&events.UserReadableKeySet{Sealed: events.Seal(events.UserReadableKeyPrivate{Key: "k"})})
	public, err = v.AppendPublic([]byte("x"), body)
	require.NoError(t, err)
	require.Equal(t, "x{}", string(public))

	// Another form of the same, as another writer might choose it.
	var members map[string]any
	m, body = encode(&events.UserPreferencesUpdated{Dialect: "coder", Sealed: events.Seal(events.UserPreferencesUpdatedPrivate{})})
	require.NoError(t, json.Unmarshal(body, &members))
	body, err = json.MarshalIndent(members, "", "  ")
	require.NoError(t, err)
	public, err = v.AppendPublic(nil, body)
	require.NoError(t, err)
	require.JSONEq(t, `{"dialect":"coder"}`, string(public))

	unknown := m
	unknown.Type = "roster.user.enlightened.v1"
	personal, err = v.Personal(c, &unknown, body, key)
	require.NoError(t, err)
	require.JSONEq(t, `{}`, string(personal))
}
