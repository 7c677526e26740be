package runwhen_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/mail"
)

const (
	badToken  = "Invalid or expired token"
	noAccount = "No active account found with the given credentials"
)

// hours is a clock that can be put forward.
type hours struct{ by atomic.Int64 }

func (h *hours) now() time.Time          { return time.Now().Add(time.Duration(h.by.Load())) }
func (h *hours) forward(d time.Duration) { h.by.Add(int64(d)) }

func credentials(name string) object { return object{"username": name, "password": apitest.Password} }

// signedIn returns somebody with the access token of a sign-in, and the refresh token.
func (w *world) signedIn(who *apitest.Session) (*apitest.Session, string) {
	w.t.Helper()
	a := w.as(nil, "POST", "/token/", credentials(who.Username), http.StatusOK).Map(w.System)
	require.Len(w.t, a, 2)
	return w.bearing(who, a["access"].(string)), a["refresh"].(string)
}

func TestObtainingTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, body := range []any{
		credentials("ada"), credentials("ADA"), credentials("ada@example.com"),
		object{"email": "ADA@example.com", "password": apitest.Password},
	} {
		for _, path := range []string{"/token", "/token/", "/users/login", "/users/login/"} {
			a := w.as(nil, "POST", path, body, http.StatusOK).Map(w.System)
			require.Equal(t, 2.0, w.get(w.bearing(w.ada, a["access"].(string)), "/users/whoami")["id"])
			if strings.Contains(path, "login") {
				require.Equal(t, w.get(w.ada, "/users/whoami"), a["user"])
			}
		}
	}
	form := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	values := url.Values{"username": {"ada"}, "password": {apitest.Password}}
	require.Equal(t, http.StatusOK, w.Do("POST", "/api/v3/token/", form, values.Encode()).Status)

	access, _ := w.signedIn(w.ada)
	var claims jwt.MapClaims
	_, _, err := jwt.NewParser().ParseUnverified(access.Token, &claims)
	require.NoError(t, err)
	require.InDelta(t, time.Now().Add(24*time.Hour).Unix(), claims["exp"], 60, "access lives for a day")
	require.Equal(t, 2.0, claims["userId"])

	for _, body := range []any{
		object{"username": "ada", "password": "wrong"},
		object{"username": "nobody", "password": "x"},
		object{"username": "", "password": "x"},
		object{"username": "ada", "password": ""},
		object{"email": "ada", "password": apitest.Password},
		object{"username": "ada", "password": strings.Repeat("x", 2000)},
	} {
		for _, path := range []string{"/token/", "/users/login"} {
			require.Equal(t, "Bearer", w.refused(nil, "POST", path, body, http.StatusUnauthorized, noAccount).Header.Get("WWW-Authenticate"))
		}
	}
	w.problems(nil, "POST", "/token/", object{"password": "secret"}, `[{"type":"missing","loc":["body","username"],"msg":"Field required","input":{"password":"**********"}}]`)
	w.problems(nil, "POST", "/token/", object{}, `[{"type":"missing","loc":["body","username"],"msg":"Field required","input":{}},
		{"type":"missing","loc":["body","password"],"msg":"Field required","input":{}}]`)
	w.problems(nil, "POST", "/users/login", object{"username": 1, "password": 5}, `[{"type":"string_type","loc":["body","username"],"msg":"Input should be a valid string","input":1},
		{"type":"string_type","loc":["body","password"],"msg":"Input should be a valid string","input":"**********"}]`)
	require.Equal(t, http.StatusOK, w.owner.Do("POST", "/v1/users/ada/suspend", nil, nil).Status)
	w.refused(nil, "POST", "/token/", credentials("ada"), http.StatusUnauthorized, noAccount)
	w.refused(access, "GET", "/users/whoami", nil, http.StatusUnauthorized, badToken)
}

func TestTokensOpenEveryDialect(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	access, refresh := w.signedIn(w.ada)
	for _, path := range []string{"/v1/users/me", "/api/v2/users/me"} {
		require.Equal(t, http.StatusOK, access.Do("GET", path, nil, nil).Status, path)
		require.Equal(t, http.StatusUnauthorized, w.bearing(w.ada, refresh).Do("GET", path, nil, nil).Status, "a refresh token opens nothing")
	}
	require.Equal(t, http.StatusOK, w.Do("GET", "/api/v3/users/whoami", map[string]string{"Cookie": "coder_session_token=" + w.ada.Token}, nil).Status)
	crossed := w.Do("DELETE", "/api/v3"+w.path(w.eve), map[string]string{"Cookie": "coder_session_token=" + w.eve.Token, "Sec-Fetch-Site": "cross-site"}, nil)
	require.Equal(t, http.StatusForbidden, crossed.Status)
}

func TestRefreshingTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	access, first := w.signedIn(w.ada)
	a := w.as(nil, "POST", "/token/refresh/", object{"refresh": first}, http.StatusOK).Map(w.System)
	second := a["refresh"].(string)
	renewed := w.bearing(w.ada, a["access"].(string))
	w.get(renewed, "/users/whoami")
	w.get(access, "/users/whoami")
	w.as(nil, "POST", "/token/verify/", object{"token": second}, http.StatusOK)
	w.refused(nil, "POST", "/token/verify/", object{"token": first}, http.StatusUnauthorized, badToken)
	other, _ := w.signedIn(w.ada)
	w.refused(nil, "POST", "/token/refresh", object{"refresh": first}, http.StatusUnauthorized, badToken)
	for _, token := range []string{second, first} {
		w.refused(nil, "POST", "/token/refresh", object{"refresh": token}, http.StatusUnauthorized, badToken)
	}
	for _, who := range []*apitest.Session{access, renewed} {
		w.refused(who, "GET", "/users/whoami", nil, http.StatusUnauthorized, badToken)
	}
	w.get(other, "/users/whoami")
	for _, token := range []string{"", "x", "a.b.c", access.Token, other.Token, w.ada.Token, first[:len(first)-2] + "xx"} {
		w.refused(nil, "POST", "/token/refresh/", object{"refresh": token}, http.StatusUnauthorized, badToken)
	}
	w.problems(nil, "POST", "/token/refresh/", object{"refresh": nil}, `[{"type":"string_type","loc":["body","refresh"],"msg":"Input should be a valid string","input":"**********"}]`)
	w.problems(nil, "POST", "/token/refresh/", object{}, `[{"type":"missing","loc":["body","refresh"],"msg":"Field required","input":{}}]`)
}

func TestVerifyingTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	access, refresh := w.signedIn(w.ada)
	for _, token := range []string{access.Token, refresh, w.ada.Token} {
		for _, path := range []string{"/token/verify", "/token/verify/"} {
			require.Equal(t, "{}", string(w.as(nil, "POST", path, object{"token": token}, http.StatusOK).Body))
		}
	}
	unsigned := jwt.NewWithClaims(jwt.SigningMethodNone, jwt.MapClaims{"sub": w.ada.ID})
	none, err := unsigned.SignedString(jwt.UnsafeAllowNoneSignatureType)
	require.NoError(t, err)
	for _, token := range []string{"", "x", none, access.Token + "x", "aaaaaaaaaa-bbbbbbbbbbbbbbbbbbbbbb", "\n", strings.Repeat("x.", 5000)} {
		w.refused(nil, "POST", "/token/verify/", object{"token": token}, http.StatusUnauthorized, badToken)
	}
	w.problems(nil, "POST", "/token/verify/", object{}, `[{"type":"missing","loc":["body","token"],"msg":"Field required","input":{}}]`)
	w.as(access, "POST", "/users/logout", nil, http.StatusNoContent)
	for _, token := range []string{access.Token, refresh} {
		w.refused(nil, "POST", "/token/verify/", object{"token": token}, http.StatusUnauthorized, badToken)
	}
}

func TestTokensEnd(t *testing.T) {
	t.Parallel()
	clock := &hours{}
	w := newWorld(t, apitest.WithOneClock(clock.now))
	access, refresh := w.signedIn(w.ada)
	clock.forward(25 * time.Hour)
	w.refused(access, "GET", "/users/whoami", nil, http.StatusUnauthorized, badToken)
	a := w.as(nil, "POST", "/token/refresh/", object{"refresh": refresh}, http.StatusOK).Map(w.System)
	clock.forward(31 * 24 * time.Hour)
	w.refused(nil, "POST", "/token/refresh/", object{"refresh": a["refresh"]}, http.StatusUnauthorized, badToken)
}

func TestPasswordChangesAndTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	access, refresh := w.signedIn(w.ada)
	res, err := w.Commands.SetPassword(t.Context(), w.system, commands.SetPassword{UserID: w.ada.ID, New: "another horse 43"})
	require.NoError(t, err)
	w.Queries.NoteCredentials(w.ada.ID, res.Position)
	w.get(access, "/users/whoami")
	res, err = w.Commands.SetPassword(t.Context(), w.system, commands.SetPassword{UserID: w.ada.ID, New: "yet another horse 44", Revoke: true})
	require.NoError(t, err)
	w.Queries.NoteCredentials(w.ada.ID, res.Position)
	w.refused(access, "GET", "/users/whoami", nil, http.StatusUnauthorized, badToken)
	w.refused(nil, "POST", "/token/refresh/", object{"refresh": refresh}, http.StatusUnauthorized, badToken)
}

func TestLogout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	access, refresh := w.signedIn(w.ada)
	require.Empty(t, w.as(access, "POST", "/users/logout/", object{"refresh": refresh}, http.StatusNoContent).Body)
	w.refused(access, "GET", "/users/whoami", nil, http.StatusUnauthorized, badToken)
	w.refused(nil, "POST", "/token/refresh/", object{"refresh": refresh}, http.StatusUnauthorized, badToken)
	w.get(w.ada, "/users/whoami")
	w.refused(nil, "POST", "/users/logout", nil, http.StatusUnauthorized, "Not authenticated")
}

func TestGetToken(t *testing.T) {
	t.Parallel()
	clock := &hours{}
	w := newWorld(t, apitest.WithOneClock(clock.now))
	for query, want := range map[string]string{"": "30 days, 0:00:00", "?days=1": "1 day, 0:00:00", "?days=365": "365 days, 0:00:00"} {
		a := w.get(w.ada, "/users/get-token"+query)
		require.Len(t, a, 2)
		require.Equal(t, want, a["lifetime"])
		w.get(w.bearing(w.ada, a["access"].(string)), "/users/whoami")
	}
	require.Equal(t, "7 days, 0:00:00", w.get(w.owner, "/users/get-token")["lifetime"], "what the installation gives owners at most")
	w.problems(w.owner, "GET", "/users/get-token?days=8", nil, `[{"type":"less_than_equal","loc":["query","days"],"msg":"Input should be less than or equal to 7","input":"8","ctx":{"le":7}}]`)
	w.problems(w.ada, "GET", "/users/get-token?days=366", nil, `[{"type":"less_than_equal","loc":["query","days"],"msg":"Input should be less than or equal to 365","input":"366","ctx":{"le":365}}]`)
	w.problems(w.ada, "GET", "/users/get-token?days=0", nil, `[{"type":"greater_than_equal","loc":["query","days"],"msg":"Input should be greater than or equal to 1","input":"0","ctx":{"ge":1}}]`)
	w.problems(w.ada, "GET", "/users/get-token?days=x", nil, `[{"type":"int_parsing","loc":["query","days"],"msg":"Input should be a valid integer, unable to parse string as an integer","input":"x"}]`)
	long := w.bearing(w.ada, w.get(w.ada, "/users/get-token?days=60")["access"].(string))
	clock.forward(59 * 24 * time.Hour)
	w.get(long, "/users/whoami")
	clock.forward(2 * 24 * time.Hour)
	w.refused(long, "GET", "/users/whoami", nil, http.StatusUnauthorized, badToken)
}

// TestRegistered but not confirmed: in by no door before the address is confirmed.
func TestRegistration(t *testing.T) {
	t.Parallel()
	box := make(postbox, 8)
	w := newWorld(t, apitest.WithMail(box), apitest.WithSettings(func(s *gate.Settings) { s.SignUp = true }))
	done := w.as(nil, "POST", "/users/register", object{
		"email": "jane@example.com", "password": "12345678", "username": "jane", "confirm_password": "12345678", "first_name": "Jane", "last_name": "Doe",
	}, http.StatusCreated).Map(w.System)
	require.Equal(t, object{
		"id": 5.0, "username": "jane", "email": "jane@example.com", "message": "User registered successfully. Please check your email to verify your account.",
	}, done)
	login := object{"username": "jane", "password": "12345678"}
	w.refused(nil, "POST", "/token/", login, http.StatusUnauthorized, noAccount)
	token := box.token(t)
	w.refused(w.bearing(w.ada, token), "GET", "/users/whoami", nil, http.StatusUnauthorized, badToken)
	for range 2 {
		require.Equal(t, "Email verified successfully", w.as(nil, "POST", "/users/verify-email", object{"token": token}, http.StatusOK).Map(w.System)["message"])
	}
	a := w.as(nil, "POST", "/users/login", login, http.StatusOK).Map(w.System)
	require.Equal(t, "Jane Doe", a["user"].(object)["fullName"])
	jane := w.bearing(w.ada, a["access"].(string))
	w.as(jane, "PATCH", "/users/5", object{"email": "other@example.com"}, http.StatusOK)
	for _, bad := range []string{token, "x", "", jane.Token} {
		w.refused(nil, "POST", "/users/verify-email/", object{"token": bad}, http.StatusBadRequest, badToken)
	}
	w.problems(nil, "POST", "/users/verify-email", object{}, `[{"type":"missing","loc":["body","token"],"msg":"Field required","input":{}}]`)

	made := w.as(nil, "POST", "/users/register/", object{"email": "john.q@example.com", "password": "12345678"}, http.StatusCreated).Map(w.System)
	require.Equal(t, "johnq", made["username"], "made from the address")
	w.refused(nil, "POST", "/users/register", object{"email": "JOHN.Q@example.com", "password": "12345678"}, http.StatusConflict, "Email already exists")
	w.refused(nil, "POST", "/users/register", object{"email": "new@example.com", "username": "JANE", "password": "12345678"}, http.StatusConflict, "Username already exists")
	head := w.head()
	w.problems(nil, "POST", "/users/register", object{}, `[{"type":"missing","loc":["body","email"],"msg":"Field required","input":{}},
		{"type":"missing","loc":["body","password"],"msg":"Field required","input":{}}]`)
	w.problems(nil, "POST", "/users/register", object{
		"email": "x", "password": "1234567", "username": "ab", "confirm_password": "other", "first_name": strings.Repeat("x", 101), "last_name": 5,
	}, `[
		{"type":"value_error","loc":["body","email"],"msg":"value is not a valid email address: An email address must have an @-sign.","input":"x","ctx":{"reason":"An email address must have an @-sign."}},
		{"type":"string_too_short","loc":["body","password"],"msg":"String should have at least 8 characters","input":"**********","ctx":{"min_length":8}},
		{"type":"string_too_short","loc":["body","username"],"msg":"String should have at least 3 characters","input":"ab","ctx":{"min_length":3}},
		{"type":"string_too_long","loc":["body","first_name"],"msg":"String should have at most 100 characters","input":"`+strings.Repeat("x", 101)+`","ctx":{"max_length":100}},
		{"type":"string_type","loc":["body","last_name"],"msg":"Input should be a valid string","input":5}]`)
	w.problems(nil, "POST", "/users/register", object{"email": "a@example.com", "password": strings.Repeat("x", 129)},
		`[{"type":"string_too_long","loc":["body","password"],"msg":"String should have at most 128 characters","input":"**********","ctx":{"max_length":128}}]`)
	w.problems(nil, "POST", "/users/register", object{"email": "a@example.com", "password": "12345678", "confirm_password": "12345679"},
		`[{"type":"value_error","loc":["body","confirm_password"],"msg":"Value error, Passwords do not match","input":"**********","ctx":{"error":{}}}]`)
	require.Equal(t, head, w.head(), "nothing was written")
	w.as(nil, "POST", "/users/register", object{"email": "long@example.com", "password": strings.Repeat("x", 128)}, http.StatusCreated)
}

func TestRegistrationIsClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.refused(nil, "POST", "/users/register", object{"email": "a@example.com", "password": "12345678"}, http.StatusForbidden, "Registration is not open")
}

// postbox takes the mail.
type postbox chan mail.Message

// Send implements mail.Mailer.
func (p postbox) Send(_ context.Context, m mail.Message) error {
	p <- m
	return nil
}

var mailed = regexp.MustCompile(`Verification token: (\S+)`)

func (p postbox) token(t *testing.T) string {
	t.Helper()
	m := <-p // sent before the answer
	require.Equal(t, "jane@example.com", m.To)
	found := mailed.FindStringSubmatch(m.Text)
	require.Len(t, found, 2)
	return found[1]
}

func TestPersonalTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := w.as(w.ada, "POST", "/users/tokens/create", object{"name": "laptop"}, http.StatusCreated).Map(w.System)
	token := made["token"].(string)
	require.Contains(t, strings.Split(token, "-")[0], made["tokenSuffix"])
	require.Len(t, made, 10)
	for member, want := range (object{"name": "laptop", "isRevoked": false, "isExpired": false, "isActive": true, "lastUsedAt": nil}) {
		require.Equal(t, want, made[member], member)
	}
	ends, err := time.Parse(time.RFC3339, made["expiresAt"].(string))
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(30*24*time.Hour), ends, time.Minute)
	w.get(w.bearing(w.ada, token), "/users/whoami")
	second := w.as(w.ada, "POST", "/users/tokens/create/", object{"name": strings.Repeat("я", 200), "days": 180}, http.StatusCreated).Map(w.System)

	list := w.list(w.ada, "/users/tokens")
	require.Len(t, list, 2)
	require.Equal(t, []any{second["id"], made["id"]}, []any{list[0]["id"], list[1]["id"]}, "newest first")
	require.NotContains(t, list[1], "token", "shown once")
	require.NotNil(t, list[1]["lastUsedAt"])
	require.Empty(t, w.list(w.bob, "/users/tokens/"))

	id := made["id"].(string)
	path := "/users/tokens/" + id
	w.refused(w.bob, "POST", path+"/revoke", nil, http.StatusNotFound, "Token not found")
	w.refused(w.bob, "DELETE", path, nil, http.StatusNotFound, "Token not found")
	for range 2 {
		revoked := w.as(w.ada, "POST", path+"/revoke", nil, http.StatusOK).Map(w.System)
		require.Equal(t, []any{true, true, false}, []any{revoked["isRevoked"], revoked["isExpired"], revoked["isActive"]})
	}
	w.refused(w.bearing(w.ada, token), "GET", "/users/whoami", nil, http.StatusUnauthorized, badToken)
	require.Equal(t, true, w.list(w.ada, "/users/tokens")[1]["isRevoked"], "it stays listed")
	require.Empty(t, w.as(w.ada, "DELETE", path, nil, http.StatusNoContent).Body)
	w.refused(w.ada, "DELETE", path+"/", nil, http.StatusNotFound, "Token not found")
	require.Len(t, w.list(w.ada, "/users/tokens"), 1)

	w.refused(w.ada, "POST", "/users/tokens/create", object{"name": strings.Repeat("я", 200)}, http.StatusConflict, "Token name already exists")
	w.refused(w.ada, "DELETE", "/users/tokens/"+w.ada.ID, nil, http.StatusNotFound, "Token not found")
	w.problems(w.ada, "DELETE", "/users/tokens/nonsense", nil, `[{"type":"uuid_parsing","loc":["path","token_id"],
		"msg":"Input should be a valid UUID, invalid length: expected length 32 for simple format","input":"nonsense","ctx":{"error":"invalid length: expected length 32 for simple format"}}]`)
	w.problems(w.ada, "POST", "/users/tokens/create", object{"days": 0}, `[{"type":"missing","loc":["body","name"],"msg":"Field required","input":{"days":0}},
		{"type":"greater_than_equal","loc":["body","days"],"msg":"Input should be greater than or equal to 1","input":0,"ctx":{"ge":1}}]`)
	for days, kind := range map[any]string{181: "less_than_equal", "x": "int_parsing", 1.5: "int_from_float", true: "int_type", "": "int_parsing", 1e300: "less_than_equal"} {
		detail := w.as(w.ada, "POST", "/users/tokens/create", object{"name": "n", "days": days}, http.StatusUnprocessableEntity).Map(w.System)["detail"].([]any)
		require.Equal(t, kind, detail[0].(object)["type"], "%v", days)
		require.Len(t, detail, 1)
	}
	for name, kind := range map[string]string{"": "string_too_short", strings.Repeat("x", 201): "string_too_long"} {
		detail := w.as(w.ada, "POST", "/users/tokens/create", object{"name": name}, http.StatusUnprocessableEntity).Map(w.System)["detail"].([]any)
		require.Equal(t, kind, detail[0].(object)["type"])
	}
	w.as(w.ada, "POST", "/users/tokens/create", object{"name": "text", "days": "7"}, http.StatusCreated)
	own := w.as(w.owner, "POST", "/users/tokens/create", object{"name": "mine"}, http.StatusCreated).Map(w.System)
	ends, err = time.Parse(time.RFC3339, own["expiresAt"].(string))
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(7*24*time.Hour), ends, time.Minute, "what the installation gives owners at most")
	coder := w.ada.Do("GET", "/api/v2/users/me/keys/tokens", nil, nil)
	require.Contains(t, string(coder.Body), `"token_name":"text"`, "the same keys in another dialect")
}

func TestWorkspaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	page := w.get(w.bob, "/workspaces")
	require.Equal(t, 1.0, page["count"])
	one := page["results"].([]any)[0].(object)
	for member, want := range (object{"name": "main", "displayName": "Main", "owner": "ada@example.com", "enabledLocations": []any{"eu-1"}}) {
		require.Equal(t, want, one[member], member)
	}
	require.Empty(t, w.get(w.eve, "/workspaces/")["results"])
	for i := range 5 {
		made, err := w.Commands.CreateWorkspace(t.Context(), w.system, commands.CreateWorkspace{Name: fmt.Sprint("more-", i), Owner: w.eve.ID})
		w.noted(made.Position, err)
	}
	require.Equal(t, 6.0, w.get(w.owner, "/workspaces")["count"], "staff see all")
	seen := []any{}
	next := "/workspaces?limit=2"
	for next != "" {
		page := w.get(w.owner, next)
		for _, one := range page["results"].([]any) {
			seen = append(seen, one.(object)["name"])
		}
		link, _ := page["next"].(string)
		next = strings.TrimPrefix(link, w.URL+"/api/v3")
	}
	require.Equal(t, []any{"main", "more-0", "more-1", "more-2", "more-3", "more-4"}, seen)
	require.Equal(t, w.URL+"/api/v3/workspaces?limit=2", w.get(w.owner, "/workspaces?limit=2&offset=2")["previous"])
	require.Empty(t, w.get(w.owner, "/workspaces?offset=99999999999999999999")["results"])
	require.Nil(t, w.get(w.owner, "/workspaces?limit=1000")["next"])
	w.problems(w.owner, "GET", "/workspaces?limit=1001", nil, `[{"type":"less_than_equal","loc":["query","limit"],"msg":"Input should be less than or equal to 1000","input":"1001","ctx":{"le":1000}}]`)
	w.problems(w.owner, "GET", "/workspaces?limit=x&offset=-1", nil, `[
		{"type":"int_parsing","loc":["query","limit"],"msg":"Input should be a valid integer, unable to parse string as an integer","input":"x"},
		{"type":"greater_than_equal","loc":["query","offset"],"msg":"Input should be greater than or equal to 0","input":"-1","ctx":{"ge":0}}]`)
	revoked, err := w.Commands.RevokePermission(t.Context(), w.system, w.workspace, events.Grantee{User: w.bob.ID})
	w.noted(revoked.Position, err)
	require.Empty(t, w.get(w.bob, "/workspaces")["results"])
}
