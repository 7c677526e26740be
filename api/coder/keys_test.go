package coder_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
)

const hour = int64(time.Hour)

// token makes a token and returns it whole.
func (w world) token(by *apitest.Session, user string, body object) string {
	w.t.Helper()
	a := by.Do(http.MethodPost, path(user, "/keys/tokens"), nil, body)
	require.Equal(w.t, http.StatusCreated, a.Status, "%s", a.Body)
	return a.Map(w.System)["key"].(string)
}

func keyID(token string) string {
	id, _, _ := strings.Cut(token, "-")
	return id
}

// bearer is who calls with a token.
func (w world) bearer(s *apitest.Session, token string) *apitest.Session {
	other := *s
	other.Token = token
	return &other
}

func (w world) tokens(by *apitest.Session, user, parameters string) []object {
	w.t.Helper()
	a := by.Do(http.MethodGet, path(user, "/keys/tokens"+parameters), nil, nil)
	require.Equal(w.t, http.StatusOK, a.Status, "%s", a.Body)
	var list []object
	a.JSON(w.System, &list)
	require.NotNil(w.t, list)
	return list
}

func names(list []object) []string {
	out := []string{}
	for _, k := range list {
		out = append(out, k["token_name"].(string))
	}
	return out
}

func TestSessionKeys_3_18(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.ada.Do(http.MethodPost, path("me", "/keys"), nil, nil)
	require.Equal(t, http.StatusCreated, a.Status, "%s", a.Body)
	require.Empty(t, a.Header.Values("Set-Cookie"), "a browser's logout does not end it")
	token := a.Map(w.System)["key"].(string)
	key := w.get(w.ada, path("me", "/keys/"+keyID(token)))
	require.Equal(t, "password", key["login_type"])
	require.Equal(t, "all", key["scope"])
	require.Equal(t, []any{"coder:all"}, key["scopes"])
	require.Equal(t, "", key["token_name"])
	require.EqualValues(t, 168*3600, key["lifetime_seconds"])
	require.Equal(t, []any{object{"type": "*", "id": "*"}}, key["allow_list"])
	require.Equal(t, 168*time.Hour, moment(t, key["expires_at"]).Sub(moment(t, key["created_at"])))
	require.Equal(t, "1970-01-01T00:00:00Z", key["last_used"])
	require.Equal(t, http.StatusOK, w.bearer(w.ada, token).Do(http.MethodGet, path("me", ""), nil, nil).Status)

	gone := w.make("gone", nil)
	require.Equal(t, http.StatusOK, w.owner.Do(http.MethodDelete, path("gone", ""), nil, nil).Status)
	w.check([]line{
		{"3.18 of others by an owner", w.owner, "POST", path("ada", "/keys"), nil, 201, nil},
		{"3.18 of an owner: never the cap", w.owner, "POST", path("me", "/keys"), nil, 201, nil},
		{"3.18 deleted user by name", w.owner, "POST", path("gone", "/keys"), nil, 404, missing},
		{"3.18 deleted user by id", w.owner, "POST", path(gone["id"].(string), "/keys"), nil, 404, missing},
		{"3.18 of others by a member", w.ada, "POST", path("linus", "/keys"), nil, 404, missing},
		{"3.18 of others by a user-admin", w.admin, "POST", path("ada", "/keys"), nil, 403, forbidden},
		{"3.18 nobody", nil, "POST", path("me", "/keys"), nil, 401, nil},
	})
}

func TestTokens_3_20(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := path("me", "/keys/tokens")
	failed := func(detail string) object { return object{"message": "Failed to create API key.", "detail": detail} }
	lifetime := func(detail string) object {
		return object{"message": "Failed to validate create API key request.", "detail": detail}
	}
	taken := object{
		"message":     `A token with name "ci" already exists.`,
		"validations": []any{object{"field": "name", "detail": "This value is already in use and should be unique."}},
	}
	long := make([]object, 129)
	for i := range long {
		long[i] = object{"type": "user", "id": fmt.Sprintf("497f6eca-6276-4993-bfeb-%012d", i)}
	}
	before := w.head()
	entry := func(v any) object { return object{"allow_list": []any{v}} }
	listForm := badBody(`field "allow_list" must hold objects of type and id, or texts "type:id", whose id is * or a UUID`)
	w.check([]line{
		{"3.20 no body", w.ada, "POST", at, nil, 400, badBody("the body is empty")},
		{"3.20 broken body", w.ada, "POST", at, `{"token_name":`, 400, badBody("unexpected end of JSON input")},
		{"3.20 wrong type of name", w.ada, "POST", at, object{"token_name": 7}, 400, badBody(`field "token_name" must be of type string`)},
		{"3.20 wrong type of lifetime", w.ada, "POST", at, object{"lifetime": "1h"}, 400, badBody(`field "lifetime" must be of type int64`)},
		{"3.20 huge lifetime", w.ada, "POST", at, `{"lifetime":1e30}`, 400, badBody(`field "lifetime" must be of type int64`)},
		{"3.20 wrong type of scopes", w.ada, "POST", at, object{"scopes": "all"}, 400, badBody(`field "scopes" must be of type []string`)},
		{"3.20 NUL in the name", w.ada, "POST", at, `{"token_name":"a\u0000"}`, 400, badBody("token_name: must not contain NUL characters")},
		{"3.20 name too long", w.ada, "POST", at, object{"token_name": strings.Repeat("n", 100_000)}, 400, failed("name: must have at most 200 characters")},
		{"3.20 unknown scope", w.ada, "POST", at, object{"scopes": []string{"nonsense:read"}}, 400, failed(`invalid or unsupported API key scope: "nonsense:read"`)},
		{"3.20 internal scope", w.ada, "POST", at, object{"scopes": []string{"user:read", "audit_log:read"}}, 400, failed(`invalid or unsupported API key scope: "audit_log:read"`)},
		{"3.20 a scope of another API", w.ada, "POST", at, object{"scopes": []string{"users:read"}}, 400, failed(`invalid or unsupported API key scope: "users:read"`)},
		{"3.20 unknown scope, old form", w.ada, "POST", at, object{"scope": "some"}, 400, failed(`invalid or unsupported API key scope: "some"`)},
		{"3.20 scope before lifetime", w.ada, "POST", at, object{"scope": "some", "lifetime": -1}, 400, failed(`invalid or unsupported API key scope: "some"`)},
		{"3.20 allow list: too long", w.ada, "POST", at, object{"allow_list": long}, 400, failed("invalid allow_list: must have at most 128 entries")},
		{"3.20 allow list: unknown type", w.ada, "POST", at, entry("spaceship:*"), 400, failed(`invalid allow_list: there is no such type: "spaceship"`)},
		{"3.20 allow list: no id", w.ada, "POST", at, entry("user"), 400, listForm},
		{"3.20 allow list: no type", w.ada, "POST", at, entry(":*"), 400, listForm},
		{"3.20 allow list: wrong id", w.ada, "POST", at, entry(object{"type": "user", "id": "me"}), 400, listForm},
		{"3.20 allow list: a number", w.ada, "POST", at, entry(7), 400, listForm},
		{"3.20 allow list: no list", w.ada, "POST", at, object{"allow_list": "*:*"}, 400, badBody(`field "allow_list" must be of type list of objects`)},
		{"3.20 lifetime negative", w.ada, "POST", at, object{"lifetime": -1}, 400, lifetime("lifetime must be positive number greater than 0")},
		{"3.20 lifetime above the cap", w.ada, "POST", at, object{"lifetime": 876600*hour + 1}, 400, lifetime("lifetime must be less than 876600h0m0s")},
		{"3.20 lifetime above the cap of owners", w.owner, "POST", at, object{"lifetime": 168*hour + 1}, 400, lifetime("lifetime must be less than 168h0m0s")},
		{"3.20 of a member by an owner above the cap", w.owner, "POST", path("ada", "/keys/tokens"), object{"lifetime": 876600*hour + 1}, 400, lifetime("lifetime must be less than 876600h0m0s")},
		{"3.20 of others by a member", w.ada, "POST", path("linus", "/keys/tokens"), object{}, 404, missing},
		{"3.20 readable, but no right", w.admin, "POST", path("ada", "/keys/tokens"), object{}, 403, forbidden},
		{"3.20 unknown user", w.owner, "POST", path("nobody", "/keys/tokens"), object{}, 404, missing},
		{"3.20 nobody", nil, "POST", at, object{}, 401, nil},
	})
	require.Equal(t, before, w.head(), "what is refused writes nothing")
	w.check([]line{
		{"3.20 named", w.ada, "POST", at, object{"token_name": "ci"}, 201, nil},
		{"3.20 name taken", w.ada, "POST", at, object{"token_name": "ci"}, 409, taken},
		{"3.20 names differ by case", w.ada, "POST", at, object{"token_name": "CI"}, 201, nil},
		{"3.20 a name is the user's own", w.linus, "POST", at, object{"token_name": "ci"}, 201, nil},
		{"3.20 the cap itself", w.owner, "POST", at, object{"lifetime": 168 * hour}, 201, nil},
		{"3.20 the cap is that of the token's user", w.owner, "POST", path("ada", "/keys/tokens"), object{"lifetime": 876600 * hour}, 201, nil},
		{"3.20 made up twice", w.ada, "POST", at, object{}, 201, nil},
		{"3.20 made up again", w.ada, "POST", at, object{"token_name": nil, "scopes": nil, "lifetime": nil}, 201, nil},
	})
}

func TestTokenContents_3_20(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, other := someUUID, "a169451c-8525-4352-b8ca-070dd449a1a5"
	for name, c := range map[string]struct {
		body   object
		scope  string
		scopes []any
		list   []any
	}{
		"nothing":     {object{}, "all", []any{"coder:all"}, nil},
		"old all":     {object{"scope": "all"}, "all", []any{"coder:all"}, nil},
		"application": {object{"scope": "application_connect"}, "application_connect", []any{"coder:application_connect"}, nil},
		"list wins":   {object{"scope": "all", "scopes": []string{"user:read"}}, "", []any{"user:read"}, nil},
		"aliases": {
			object{"scopes": []string{"workspace:read", "application_connect", "coder:application_connect", "workspace:read"}},
			"application_connect",
			[]any{"coder:application_connect", "workspace:read"},
			nil,
		},
		"composite": {object{"scopes": []string{"coder:apikeys.manage_self"}}, "", []any{"coder:apikeys.manage_self"}, nil},
		"list": {
			object{"allow_list": []any{"workspace:" + other, object{"type": "template", "id": "*"}, "template:" + one, "workspace:" + one, "workspace:" + one}},
			"all",
			[]any{"coder:all"},
			[]any{object{"type": "template", "id": "*"}, object{"type": "workspace", "id": one}, object{"type": "workspace", "id": other}},
		},
		"everything": {object{"allow_list": []any{"workspace:*", "*:*"}}, "all", []any{"coder:all"}, nil},
		"large":      {object{"allow_list": []any{"user:" + strings.ToUpper(one)}}, "all", []any{"coder:all"}, []any{object{"type": "user", "id": one}}},
	} {
		c.body["lifetime"] = 2 * hour
		key := w.get(w.ada, path("me", "/keys/"+keyID(w.token(w.ada, "me", c.body))))
		require.Equal(t, c.scope, key["scope"], name)
		require.Equal(t, c.scopes, key["scopes"], name)
		if c.list == nil {
			c.list = []any{object{"type": "*", "id": "*"}}
		}
		require.Equal(t, c.list, key["allow_list"], name)
		require.Equal(t, "token", key["login_type"])
		require.Equal(t, w.ada.ID, key["user_id"])
		require.EqualValues(t, 2*3600, key["lifetime_seconds"])
		require.Regexp(t, `^[a-z]+_[a-z]+[0-9]$`, key["token_name"])
	}
}

// TestPublicScopesCanBeAsked: every scope that is listed makes a token.
func TestPublicScopesCanBeAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	list := w.Do(http.MethodGet, "/api/v2/auth/scopes", nil, nil).Map(w.System)["external"].([]any)
	for _, scope := range []string{
		"coder:all", "coder:application_connect", "coder:workspaces.create", "coder:templates.author", "coder:apikeys.manage_self",
		"workspace:ssh", "template:use", "api_key:*", "file:create", "user:read_personal", "user_secret:update", "user_skill:delete",
		"organization:update", "organization_skill:share", "chat_model_config:share", "inbox_notification:update",
	} {
		require.Contains(t, list, scope)
	}
	low := slices.DeleteFunc(slices.Clone(list), func(scope any) bool { return scope == "coder:all" })
	key := w.get(w.ada, path("me", "/keys/"+keyID(w.token(w.ada, "me", object{"scopes": low}))))
	require.ElementsMatch(t, low, key["scopes"])
	for _, scope := range list {
		w.token(w.ada, "me", object{"scopes": []any{scope}})
	}
}

func TestTokenNamesRace(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	var mu sync.Mutex
	statuses := map[int]int{}
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			a, err := owner.Try(http.MethodPost, path("me", "/keys/tokens"), nil, object{"token_name": "ci"})
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			statuses[a.Status]++
		})
	}
	wg.Wait()
	require.Equal(t, map[int]int{http.StatusCreated: 1, http.StatusConflict: 49}, statuses)
}

func TestTokenList_3_19(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, made := range []struct {
		by   *apitest.Session
		name string
	}{{w.ada, "one"}, {w.linus, "other"}, {w.ada, "two"}, {w.owner, "mine"}, {w.ada, "ended"}} {
		w.token(made.by, "me", object{"token_name": made.name})
	}
	ended := w.get(w.ada, path("me", "/keys/tokens/ended"))["id"].(string)
	require.Equal(t, http.StatusNoContent, w.ada.Do(http.MethodPut, path("me", "/keys/"+ended+"/expire"), nil, nil).Status)
	for _, c := range []struct {
		name       string
		by         *apitest.Session
		user, with string
		want       []string
	}{
		{"3.19 own, unexpired, no sessions", w.ada, "me", "", []string{"one", "two"}},
		{"3.19 with expired", w.ada, "me", "?include_expired=true", []string{"one", "two", "ended"}},
		{"3.19 unparsable is false", w.ada, "me", "?include_expired=maybe&include_all=perhaps", []string{"one", "two"}},
		{"3.19 of others by an owner", w.owner, "ada", "", []string{"one", "two"}},
		{"3.19 all by an owner", w.owner, "me", "?include_all=true", []string{"one", "other", "two", "mine"}},
		{"3.19 all by an owner, with expired", w.owner, "me", "?include_all=1&include_expired=1", []string{"one", "other", "two", "mine", "ended"}},
		{"3.19 all by a member: its own", w.linus, "me", "?include_all=true", []string{"other"}},
		{"3.19 all by an auditor: its own", w.auditor, "me", "?include_all=true", []string{}},
		{"3.19 readable user, but no right to the keys", w.admin, "ada", "", []string{}},
	} {
		list := w.tokens(c.by, c.user, c.with)
		require.Equal(t, c.want, names(list), c.name)
	}
	list := w.tokens(w.owner, "me", "?include_all=true")
	require.Equal(t, "ada", list[0]["username"])
	require.Equal(t, w.ada.ID, list[0]["user_id"])
	w.check([]line{
		{"3.19 user who may not be read", w.ada, "GET", path("linus", "/keys/tokens"), nil, 404, missing},
		{"3.19 nobody", nil, "GET", path("me", "/keys/tokens"), nil, 401, nil},
	})
}

func TestTokenByName_3_21(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.token(w.ada, "me", object{"token_name": "ci"})
	w.token(w.ada, "me", object{"token_name": "with space/and slash ü"})
	require.Equal(t, "ci", w.get(w.ada, path("me", "/keys/tokens/ci"))["token_name"])
	require.Equal(t, "with space/and slash ü", w.get(w.ada, path("me", "/keys/tokens/with%20space/and%20slash%20%C3%BC"))["token_name"])
	id := w.get(w.owner, path("ada", "/keys/tokens/ci"))["id"].(string)
	require.Equal(t, http.StatusNoContent, w.ada.Do(http.MethodPut, path("me", "/keys/"+id+"/expire"), nil, nil).Status)
	require.Equal(t, "ci", w.get(w.ada, path("me", "/keys/tokens/ci"))["token_name"], "expired ones are found")
	session := keyID(w.ada.Token)
	require.NotEmpty(t, session)
	w.check([]line{
		{"3.21 unknown name", w.ada, "GET", path("me", "/keys/tokens/nonsense"), nil, 404, missing},
		{"3.21 exact case", w.ada, "GET", path("me", "/keys/tokens/CI"), nil, 404, missing},
		{"3.21 empty name", w.ada, "GET", path("me", "/keys/tokens/"), nil, 404, says("Route not found.")},
		{"3.21 NUL", w.ada, "GET", path("me", "/keys/tokens/%00"), nil, 404, missing},
		{"3.21 invalid UTF-8", w.ada, "GET", path("me", "/keys/tokens/%ff"), nil, 404, missing},
		{"3.21 another user's", w.linus, "GET", path("ada", "/keys/tokens/ci"), nil, 404, missing},
		{"3.21 readable user, but no right to the keys", w.admin, "GET", path("ada", "/keys/tokens/ci"), nil, 404, missing},
		{"3.21 the name tokenconfig is shadowed", w.ada, "GET", path("me", "/keys/tokens/tokenconfig"), nil, 200, object{"max_token_lifetime": 876600 * hour}},
	})
}

func TestKeysByID_3_22(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token(w.ada, "me", object{"token_name": "ci"})
	id := keyID(token)
	require.Equal(t, "ci", w.get(w.ada, path("me", "/keys/"+id))["token_name"])
	require.Equal(t, "ci", w.get(w.owner, path("linus", "/keys/"+id))["token_name"], "the key's owner is not compared with {user}")
	session := w.get(w.ada, path("me", "/keys/"+keyID(w.ada.Token)))
	require.Equal(t, "password", session["login_type"], "sessions have ids as well")
	require.EqualValues(t, 24*3600, session["lifetime_seconds"])
	require.NotEqual(t, "1970-01-01T00:00:00Z", session["last_used"])
	w.check([]line{
		{"3.22 the whole token", w.ada, "GET", path("me", "/keys/"+token), nil, 404, missing},
		{"3.22 unknown", w.ada, "GET", path("me", "/keys/aaaaaaaaaa"), nil, 404, missing},
		{"3.22 no id", w.ada, "GET", path("me", "/keys/%00"), nil, 404, missing},
		{"3.22 another user's, by its own path", w.linus, "GET", path("me", "/keys/"+id), nil, 404, missing},
		{"3.22 another user's, by the owner's path", w.linus, "GET", path("ada", "/keys/"+id), nil, 404, missing},
		{"3.22 user-admins have no rights on keys", w.admin, "GET", path("ada", "/keys/"+id), nil, 404, missing},
		{"3.22 user-admins delete none", w.admin, "DELETE", path("ada", "/keys/"+id), nil, 404, missing},
		{"3.22 delete another user's", w.linus, "DELETE", path("me", "/keys/"+id), nil, 404, missing},
		{"3.22 delete unknown", w.ada, "DELETE", path("me", "/keys/aaaaaaaaaa"), nil, 404, missing},
		{"3.22 delete the whole token", w.ada, "DELETE", path("me", "/keys/"+token), nil, 404, missing},
		{"3.22 delete the name", w.ada, "DELETE", path("me", "/keys/tokens"), nil, 404, missing},
		{"3.22 unknown user", w.owner, "DELETE", path("nobody", "/keys/"+id), nil, 404, missing},
	})
	deleted := w.ada.Do(http.MethodDelete, path("me", "/keys/"+id), nil, nil)
	require.Equal(t, http.StatusNoContent, deleted.Status)
	require.Empty(t, deleted.Body)
	require.NotEmpty(t, deleted.Header.Get("X-Coder-Build-Version"))
	gone := w.bearer(w.ada, token).Do(http.MethodGet, path("me", ""), nil, nil)
	require.Equal(t, http.StatusUnauthorized, gone.Status)
	require.Equal(t, "API key is invalid.", gone.Map(w.System)["detail"])
	w.check([]line{
		{"3.22 deleted", w.ada, "GET", path("me", "/keys/"+id), nil, 404, missing},
		{"3.22 deleted twice", w.ada, "DELETE", path("me", "/keys/"+id), nil, 404, missing},
		{"3.22 the name is free again", w.ada, "POST", path("me", "/keys/tokens"), object{"token_name": "ci"}, 201, nil},
		{"3.22 an owner deletes a session", w.owner, "DELETE", path("ada", "/keys/"+keyID(w.ada.Token)), nil, 204, nil},
		{"3.22 whose session is gone", w.ada, "GET", path("me", ""), nil, 401, nil},
	})
}

func TestExpire_3_23(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token(w.ada, "me", object{"token_name": "ci"})
	id := keyID(token)
	at := path("me", "/keys/"+id+"/expire")
	caller := w.bearer(w.ada, token)
	require.Equal(t, http.StatusOK, caller.Do(http.MethodGet, path("me", ""), nil, nil).Status)
	w.check([]line{
		{"3.23 unknown", w.ada, "PUT", path("me", "/keys/aaaaaaaaaa/expire"), nil, 404, missing},
		{"3.23 another user's", w.linus, "PUT", at, nil, 404, missing},
		{"3.23 another user's, by a user-admin", w.admin, "PUT", path("ada", "/keys/"+id+"/expire"), nil, 404, missing},
		{"3.23 own", w.ada, "PUT", at, nil, 204, nil},
	})
	expired := w.get(w.ada, path("me", "/keys/"+id))["expires_at"]
	refused := caller.Do(http.MethodGet, path("me", ""), nil, nil)
	require.Equal(t, http.StatusUnauthorized, refused.Status)
	require.Regexp(t, `^API key expired at ".*"\.$`, refused.Map(w.System)["detail"])
	head := w.head()
	require.Equal(t, http.StatusNoContent, w.ada.Do(http.MethodPut, at, nil, nil).Status, "3.23 idempotent")
	require.Equal(t, head, w.head(), "3.23 its end does not move")
	require.Equal(t, expired, w.get(w.ada, path("me", "/keys/"+id))["expires_at"])
	require.Empty(t, w.tokens(w.ada, "me", ""))
	require.Equal(t, []string{"ci"}, names(w.tokens(w.ada, "me", "?include_expired=true")))
	other := w.token(w.ada, "me", object{"token_name": "other"})
	w.check([]line{
		{"3.23 deleting an expired key", w.ada, "DELETE", path("me", "/keys/"+id), nil, 204, nil},
		{"3.23 an owner expires others' keys", w.owner, "PUT", path("ada", "/keys/"+keyID(other)+"/expire"), nil, 204, nil},
		{"3.23 a session", w.ada, "PUT", path("me", "/keys/"+keyID(w.ada.Token)+"/expire"), nil, 204, nil},
		{"3.23 a session that expired", w.ada, "GET", path("me", ""), nil, 401, nil},
	})
}

func TestTokenConfig_3_26(t *testing.T) {
	t.Parallel()
	s := apitest.New(t, apitest.WithCommands(func(c *commands.Config) {
		c.MaxAdminTokenLifetime, c.MaxTokenLifetime = 24*time.Hour, 48*time.Hour
		c.DefaultTokenLifetime, c.SessionLifetime = 72*time.Hour, time.Hour
	}))
	owner := s.FirstUser()
	w := world{System: s, t: t, owner: owner, ada: owner.NewUser("ada"), linus: owner.NewUser("linus")}
	at := "/keys/tokens/tokenconfig"
	w.check([]line{
		{"3.26 an owner's", w.owner, "GET", path("me", at), nil, 200, object{"max_token_lifetime": 24 * hour}},
		{"3.26 anybody's", w.ada, "GET", path("me", at), nil, 200, object{"max_token_lifetime": 48 * hour}},
		{"3.26 it follows {user}", w.owner, "GET", path("ada", at), nil, 200, object{"max_token_lifetime": 48 * hour}},
		{"3.26 unreadable", w.ada, "GET", path("linus", at), nil, 404, missing},
		{"2.6 the default is not checked against the cap", w.owner, "POST", path("me", "/keys/tokens"), object{"token_name": "t"}, 201, nil},
		{"2.6 max-token-lifetime", w.ada, "POST", path("me", "/keys/tokens"), object{"lifetime": 48*hour + 1}, 400, object{
			"message": "Failed to validate create API key request.", "detail": "lifetime must be less than 48h0m0s",
		}},
	})
	require.EqualValues(t, 72*3600, w.get(w.owner, path("me", "/keys/tokens/t"))["lifetime_seconds"])
	require.EqualValues(t, 3600, w.get(w.owner, path("me", "/keys/"+keyID(w.owner.Token)))["lifetime_seconds"], "2.6 session-duration")
}

func TestBeforeLogin_3_3_6(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	require.JSONEq(t, `{"password":{"enabled":true},"github":{"enabled":false,"default_provider_configured":false},
		"oidc":{"enabled":false,"signInText":"","iconUrl":""}}`, string(s.Do("GET", users+"/authmethods", nil, nil).Body))
	build := s.Do("GET", "/api/v2/buildinfo", nil, nil)
	require.Equal(t, build.Header.Get("X-Coder-Build-Version"), build.Map(s)["version"])
	require.Equal(t, s.URL, build.Map(s)["dashboard_url"])
	require.Equal(t, build.Body, s.Do("GET", "/api/v2/buildinfo", nil, nil).Body, "the installation stays the same")

	configured := apitest.New(t, apitest.WithSettings(func(c *gate.Settings) {
		c.PasswordLoginDisabled, c.AccessURL = true, "https://users.example.com"
		c.SignIn = gate.SignIn{GitHub: true, OIDC: true, OIDCText: "Our house", OIDCIcon: "/icon.svg"}
	}), apitest.WithCommands(func(c *commands.Config) { c.NoPasswords = true }))
	require.JSONEq(t, `{"password":{"enabled":false},"github":{"enabled":true,"default_provider_configured":false},
		"oidc":{"enabled":true,"signInText":"Our house","iconUrl":"/icon.svg"}}`, string(configured.Do("GET", users+"/authmethods", nil, nil).Body))
	require.Equal(t, "https://users.example.com", configured.Do("GET", "/api/v2/buildinfo", nil, nil).Map(configured)["dashboard_url"])
}

// TestRepeatedKeys: a key is shown once, and a repeat makes no other one.
func TestRepeatedKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, at := range []string{path("me", "/keys"), path("me", "/keys/tokens")} {
		key := map[string]string{"Idempotency-Key": "once" + at}
		require.Equal(t, http.StatusCreated, w.ada.Do(http.MethodPost, at, key, object{}).Status)
		head := w.head()
		require.Equal(t, http.StatusConflict, w.ada.Do(http.MethodPost, at, key, object{}).Status)
		require.Equal(t, head, w.head())
	}
}

// TestKeysBadInput: whatever is sent is refused in Coder's form, and writes nothing.
func TestKeysBadInput(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	head := w.head()
	for _, rest := range []string{
		"me/keys/", "me/keys//", "me/keys/tokens/", "me/keys/%00", "me/keys/%ff%fe", "me/keys/" + strings.Repeat("k", 5000), "me/keys/a/b",
		"me/keys/aaaaaaaaaa/expire/", "me/keys/aaaaaaaaaa/nonsense", "%00/keys", "%ff/keys/tokens", strings.Repeat("u", 5000) + "/keys", "me//keys",
		"../me/keys", "me/keys/..", "me/keys/tokens?include_expired=%ff", "me/keys/tokens?include_all=%00",
	} {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "BREW"} {
			a := w.ada.Do(method, users+"/"+rest, nil, "{\"token_name\":\"\xff\"}")
			require.Less(t, a.Status, 500, "%s %s: %s", method, rest, a.Body)
			if a.Status >= http.StatusBadRequest {
				require.NotEmpty(t, a.Map(w.System)["message"], "%s %s", method, rest)
				require.NotEmpty(t, a.Header.Get("X-Coder-Build-Version"))
			}
		}
	}
	for _, body := range []string{
		"", " ", "null", "7", "[]", `"x"`, "{", "{}x", `{"a":1,"a":2}`, "{\"token_name\":\"\xff\"}", `{"lifetime":9223372036854775808}`, `{"lifetime":1.5}`,
		`{"lifetime":"7"}`, `{"scopes":[7]}`, `{"scopes":{}}`, `{"scope":[]}`, `{"allow_list":[null]}`, `{"allow_list":[[]]}`, `{"allow_list":{"type":"*"}}`,
		`{"allow_list":[{"type":"user","id":7}]}`, strings.Repeat("[", 10_000), `{"token_name":"` + strings.Repeat("n", 1<<20) + `"}`,
	} {
		a := w.ada.Do("POST", path("me", "/keys/tokens"), nil, body)
		require.GreaterOrEqual(t, a.Status, 400, "%.60s", body)
		require.Less(t, a.Status, 500, "%.60s", body)
		require.NotEmpty(t, a.Map(w.System)["message"])
	}
	a := w.ada.Do("POST", path("me", "/keys/"), nil, nil)
	require.Equal(t, http.StatusNotFound, a.Status)
	require.Equal(t, head, w.head(), "nothing is written")
}
