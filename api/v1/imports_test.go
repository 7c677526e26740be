package v1_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

const (
	importedID     = "6f1f0a4e-5a3c-4f4e-9a55-0d6f0f6a2b11"
	importedSecret = "abcdefghijklmnopqrstuv"
)

// movers are users as three systems keep them.
func movers(t *testing.T) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(apitest.Password), bcrypt.MinCost)
	require.NoError(t, err)
	lines := []map[string]any{
		{
			"id": importedID, "username": "ada", "email": "ada@example.com", "passwordHash": string(hash), "roles": []string{"auditor"},
			"organizations": []any{map[string]any{"name": "engines", "displayName": "Engines", "roles": []string{"organization-admin"}}, map[string]any{"name": "default"}},
			"keys": []any{map[string]any{
				"id": "k012345678", "secretHash": `\x` + hex.EncodeToString(commands.HashSecret(importedSecret)),
				"name": "ci", "expiresAt": "2090-01-01T00:00:00Z", "lifetimeSeconds": 3600,
			}},
			"createdAt": "2019-05-03T10:00:00Z",
		},
		{
			"number": 4711, "username": "grace_h", "email": "grace@example.com", "passwordHash": strings.Replace(string(hash), "$2a$", "$2b$", 1),
			"readableKey": strings.Repeat("ab", 32), "preferences": map[string]any{"abf-notifiers": map[string]any{"can_notify": false}},
		},
		{"number": 12, "username": "linus", "email": "linus@example.com", "confirmed": false, "status": "suspended"},
	}
	var out strings.Builder
	for _, l := range lines {
		raw, err := json.Marshal(l)
		require.NoError(t, err)
		fmt.Fprintf(&out, "%s\n\n", raw) // empty lines are nobody
	}
	return out.String()
}

func TestMovingIn(t *testing.T) {
	t.Parallel()
	s := apitest.New(t, apitest.WithCommands(func(c *commands.Config) { c.NumbersFrom = 100 }))
	owner := s.FirstUser()
	body := movers(t)
	a := owner.Do("POST", "/v1/imports/users?highest=5000", ndjson, body)
	require.Equal(t, http.StatusOK, a.Status, "%s", a.Body)
	require.EqualValues(t, 3, a.Map(s)["created"], "%s", a.Body)
	require.NotEmpty(t, a.Header.Get("Roster-Position"))

	key := map[string]string{"Authorization": "Bearer k012345678-" + importedSecret}
	me := s.Do("GET", "/v1/users/me", key, nil)
	require.Equal(t, http.StatusOK, me.Status, "%s", me.Body)
	require.Equal(t, importedID, me.Map(s)["id"])
	require.Equal(t, "2019-05-03T10:00:00Z", me.Map(s)["createdAt"])
	require.Equal(t, []any{"auditor"}, me.Map(s)["roles"])
	require.Equal(t, http.StatusOK, s.Do("GET", "/v1/organizations/engines", key, nil).Status)
	me = s.Do("GET", "/v1/users/me", map[string]string{"Authorization": "Bearer " + strings.Repeat("ab", 32)}, nil)
	require.Equal(t, http.StatusOK, me.Status, "%s", me.Body)
	require.EqualValues(t, 4711, me.Map(s)["number"])
	require.Equal(t, "graceh", me.Map(s)["username"])
	prefs := owner.Do("GET", "/v1/users/graceh/preferences/abf-notifiers", nil, nil)
	require.Contains(t, string(prefs.Body), `"can_notify":false`)
	for _, email := range []string{"ada@example.com", "grace@example.com"} {
		require.NotEmpty(t, s.Login(email, apitest.Password).Token)
		require.NotEmpty(t, s.Login(email, apitest.Password).Token, "by the hash made anew")
		u, err := s.Commands.Find(t.Context(), commands.UserRef{Email: email})
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(u.PasswordHash, "$argon2id$"))
	}

	head, err := s.Log.Head(t.Context(), events.Roster)
	require.NoError(t, err)
	a = owner.Do("POST", "/v1/imports/users", ndjson, body)
	require.EqualValues(t, 0, a.Map(s)["created"], "%s", a.Body)
	require.EqualValues(t, 3, a.Map(s)["unchanged"], "%s", a.Body)
	a = owner.Do("POST", "/v1/imports/users", ndjson, strings.ReplaceAll(body, "@example.com", "@example.org"))
	require.EqualValues(t, 3, a.Map(s)["rejectedTotal"], "%s", a.Body)
	for i, r := range a.Map(s)["rejected"].([]any) {
		require.Equal(t, map[string]any{
			"line": float64(2*i + 1), "code": "conflict", "message": "another user has this id, or it was imported with another content",
		}, r)
	}
	after, err := s.Log.Head(t.Context(), events.Roster)
	require.NoError(t, err)
	require.Equal(t, head, after, "a second run writes nothing")
	u, err := s.Commands.Find(t.Context(), commands.UserRef{ID: owner.NewUser("own").ID})
	require.NoError(t, err)
	require.EqualValues(t, 102, u.Number, "of the block that was taken before the import, which none of it could touch")
}

func TestLinesThatCanNotMoveIn(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	bad := []struct{ line, message string }{
		{`{"username":`, "unexpected end"},
		{`[]`, "the body must be a JSON object"},
		{`{"username":"a","username":"b"}`, ""},
		{"{\"username\":\"\xff\"}", "not valid UTF-8"},
		{`{"username":"a\u0000"}`, ""},
		{`{}`, "username: is required"},
		{`{"username":"a","nonsense":1}`, "nonsense: there is no such member"},
		{`{"username":"a","number":"7"}`, "number: must be a whole number"},
		{`{"username":"a","number":99999999999999999999}`, "number: must be a whole number"},
		{`{"username":"a","number":2000000001}`, "number: must be from 1"},
		{`{"username":"a","number":1}`, "number: may belong to a user"},
		{`{"username":"a","id":"7"}`, "id: must be a UUID"},
		{`{"username":"owner"}`, "username: this username is already in use"},
		{`{"username":"a","email":"OWNER@example.com"}`, "email: this e-mail address"},
		{`{"username":"a","passwordHash":"secret-in-clear"}`, "passwordHash: this is no password hash"},
		{`{"username":"a","roles":["king"]}`, "roles: there is no such role"},
		{`{"username":"a","keys":[{"id":"k"}]}`, "keys[0].secretHash: is required"},
		{`{"username":"a","keys":[{"id":"k","secretHash":"zz"}]}`, "keys[0].id: must have 10"},
		{`{"username":"a","keys":[{"token":"short"}]}`, "keys[0].token: must have 20"},
		{`{"username":"a","keys":[{"token":"has a blank in its middle"}]}`, "keys[0].token: must have 20"},
		{`{"username":"a","keys":[{"tokenHash":"abcd"}]}`, "keys[0].tokenHash: must be a SHA-256"},
		{`{"username":"a","keys":[{"id":"k012345678","token":"xSzy3-TcAtH9_vWkQm7e"}]}`, "keys[0].token: give id and secretHash, or token"},
		{`{"username":"a","keys":[{"token":"xSzy3-TcAtH9_vWkQm7e"},{"token":"xSzy3-TcAtH9_vWkQm7e"}]}`, "keys[1].id: another key of this user"},
		{`{"username":"a","preferences":{"klingon":{"x":1}}}`, "preferences.klingon"},
		{`{"username":"a","createdAt":"yesterday"}`, "createdAt: must be a time"},
		{strings.Repeat(" ", 200<<10) + "x", "longer than 128 KiB"},
	}
	var body strings.Builder
	for i, b := range bad {
		fmt.Fprintf(&body, "%s\n{\"username\":\"good%d\"}\n", b.line, i)
	}
	a := owner.Do("POST", "/v1/imports/users", ndjson, body.String())
	require.Equal(t, http.StatusOK, a.Status, "%s", a.Body)
	require.EqualValues(t, len(bad), a.Map(s)["created"], "%s", a.Body)
	rejected := a.Map(s)["rejected"].([]any)
	require.Len(t, rejected, len(bad))
	for i, r := range rejected {
		require.EqualValues(t, 2*i+1, r.(map[string]any)["line"])
		require.Contains(t, r.(map[string]any)["message"], bad[i].message, bad[i].line[:min(80, len(bad[i].line))])
		require.NotContains(t, r.(map[string]any)["message"], "secret-in-clear")
	}
}

func TestWhoMayMoveUsersIn(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	admin := owner.NewUser("admin", "user-admin")
	require.Equal(t, http.StatusForbidden, admin.Do("POST", "/v1/imports/users", ndjson, `{"username":"x"}`).Status)
	require.Equal(t, http.StatusUnauthorized, s.Do("POST", "/v1/imports/users", ndjson, `{"username":"x"}`).Status)
	key := owner.Do("POST", "/v1/users/me/keys", nil, map[string]any{"name": "k", "scopes": []string{"users:write"}})
	require.Equal(t, http.StatusCreated, key.Status, "%s", key.Body)
	require.Equal(t, http.StatusForbidden, s.Do("POST", "/v1/imports/users",
		map[string]string{"Content-Type": "application/x-ndjson", "Authorization": "Bearer " + key.Map(s)["token"].(string)}, `{"username":"x"}`).Status)
	for _, kind := range []string{"application/json", "text/plain", "text/csv"} {
		a := owner.Do("POST", "/v1/imports/users", map[string]string{"Content-Type": kind}, `{"username":"x"}`)
		require.Equal(t, http.StatusUnsupportedMediaType, a.Status, kind)
	}
	for _, highest := range []string{"0", "-1", "x", "2000000001", "99999999999999999999"} {
		require.Equal(t, http.StatusBadRequest, owner.Do("POST", "/v1/imports/users?highest="+highest, ndjson, `{"username":"x"}`).Status, highest)
	}
	require.Equal(t, http.StatusNotFound, owner.Do("GET", "/v1/users/x", nil, nil).Status)
	a := owner.Do("POST", "/v1/imports/users", ndjson, "")
	require.Equal(t, http.StatusOK, a.Status)
	require.EqualValues(t, 0, a.Map(s)["created"])
}

// 200 register at once through three dialects while others move in.
func TestNumbersOfThreeDialectsAndAnImport(t *testing.T) {
	t.Parallel()
	s := apitest.New(t, apitest.WithSettings(func(set *gate.Settings) { set.SignUp = true }))
	owner := s.FirstUser()
	register := func(i int) apitest.Answer {
		name := fmt.Sprint("own", i)
		switch i % 3 {
		case 0:
			return owner.Do("POST", "/v1/users", nil, map[string]any{"username": name, "email": name + "@example.com"})
		case 1:
			return owner.Do("POST", "/api/v2/users", nil, map[string]any{
				"username": name, "email": name + "@example.com", "password": apitest.Password, "organization_ids": []string{s.Commands.DefaultOrganization()},
			})
		}
		return s.Do("POST", "/api/v3/users/register", nil, map[string]any{
			"username": name, "email": name + "@example.com", "password": apitest.Password, "confirm_password": apitest.Password,
		})
	}
	var body strings.Builder
	for n := 1000; n < 1200; n++ {
		fmt.Fprintf(&body, "{\"number\":%d,\"username\":\"mover%d\"}\n", n, n)
	}
	var group sync.WaitGroup
	group.Go(func() {
		a := owner.Do("POST", "/v1/imports/users?highest=1199", ndjson, body.String())
		if a.Status != http.StatusOK || a.Map(s)["created"].(float64) != 200 {
			t.Errorf("import: %d %s", a.Status, a.Body)
		}
	})
	for i := range 200 {
		group.Go(func() {
			if a := register(i); a.Status != http.StatusCreated {
				t.Errorf("registration %d: %d %s", i, a.Status, a.Body)
			}
		})
	}
	group.Wait()
	seen := map[int64]string{}
	for i := range 400 {
		name := fmt.Sprint("own", i)
		if i >= 200 {
			name = fmt.Sprint("mover", 800+i)
		}
		u, err := s.Commands.Find(t.Context(), commands.UserRef{Username: name})
		require.NoError(t, err, name)
		require.Empty(t, seen[u.Number], "%s has the number of another", name)
		seen[u.Number] = name
	}
}
