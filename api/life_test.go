package api_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
)

type object = map[string]any

// life is one user, seen and changed through five dialects at once.
type life struct {
	*apitest.System
	t     *testing.T
	owner *apitest.Session // who reads and helps; nobody's life
	post  *postbox
	token string

	// What each dialect must show. The id, the number and the username are known once
	// the user was read; they never change.
	email, name, first, last, password string
	username, id                       string
	number                             float64
}

// do sends a request as the user.
func (l *life) do(method, path string, body any) object {
	l.t.Helper()
	return l.done(l.Do(method, path, map[string]string{"Authorization": "Bearer " + l.token}, body), method+" "+path)
}

// done is the body of an answer that must be good.
func (l *life) done(a apitest.Answer, what string) object {
	l.t.Helper()
	require.Less(l.t, a.Status, 300, "%s: %d %s", what, a.Status, a.Body)
	if len(a.Body) == 0 {
		return nil
	}
	return a.Map(l.System)
}

// whole is the name as readers of one name see it.
func (l *life) whole() any {
	switch {
	case l.name != "":
		return l.name
	case l.first+l.last != "":
		return l.first + " " + l.last
	default:
		return nil
	}
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func orEmpty(v any) any {
	if v == nil {
		return ""
	}
	return v
}

// ownPaths are where each dialect, and the own API, show who is calling.
var ownPaths = []string{"/api/user/profile", "/api/user", "/api/v3/users/whoami", "/api/v2/users/me", "/api/v1/user.json", "/v1/users/me"} //nolint:gochecknoglobals // a constant list

// check reads the user in every dialect.
func (l *life) check(step string) {
	l.t.Helper()
	own := l.do("GET", "/v1/users/me", nil)
	if l.id == "" {
		l.id, l.number, l.username = own["id"].(string), own["number"].(float64), own["username"].(string)
	}
	require.Equal(l.t, []any{l.id, l.number, l.username, l.email, orNil(l.name), orNil(l.first), orNil(l.last)},
		[]any{own["id"], own["number"], own["username"], own["email"], own["name"], own["firstName"], own["lastName"]}, "/v1 after %s", step)
	codimir := l.do("GET", "/api/user/profile", nil)["data"].(object)
	require.Equal(l.t, []any{l.id, l.email, orEmpty(l.whole()), l.first, l.last},
		[]any{codimir["id"], codimir["email"], orEmpty(codimir["name"]), orEmpty(codimir["firstName"]), orEmpty(codimir["lastName"])}, "codimir after %s", step)
	pm415 := l.do("GET", "/api/user", nil)["user"].(object)
	require.Equal(l.t, []any{l.number, l.email, orNil(l.first), orNil(l.last)},
		[]any{pm415["id"], pm415["email"], pm415["firstName"], pm415["lastName"]}, "pm415 after %s", step)
	l.checkRunWhen(l.do("GET", "/api/v3/users/whoami", nil), step)
	l.checkCoder(l.do("GET", "/api/v2/users/me", nil), step)
	l.checkABF(l.do("GET", "/api/v1/user.json", nil)["user"].(object), step)
}

func (l *life) checkRunWhen(got object, step string) {
	l.t.Helper()
	require.Equal(l.t, []any{l.number, l.username, l.email, l.email, l.first, l.last},
		[]any{got["id"], got["username"], got["email"], got["primaryEmail"], got["firstName"], got["lastName"]}, "runwhen after %s", step)
}

func (l *life) checkCoder(got object, step string) {
	l.t.Helper()
	require.Equal(l.t, []any{l.id, l.username, l.email, orEmpty(l.whole())},
		[]any{got["id"], got["username"], got["email"], got["name"]}, "coder after %s", step)
}

func (l *life) checkABF(got object, step string) {
	l.t.Helper()
	require.Equal(l.t, []any{l.number, l.uname(), l.email, l.whole()},
		[]any{got["id"], got["uname"], got["email"], got["name"]}, "abf after %s", step)
}

// uname is the username as ABF shows it.
func (l *life) uname() string { return strings.ReplaceAll(l.username, "-", "_") }

// checkByOthers reads the user as somebody else does, in the dialects that have that.
func (l *life) checkByOthers(step string) {
	l.t.Helper()
	read := func(path string) object { return l.done(l.owner.Do("GET", path, nil, nil), path) }
	l.checkRunWhen(read(runWhenPath(l.number)), step)
	l.checkCoder(read("/api/v2/users/"+l.username), step)
	l.checkABF(read("/api/v1/users/" + l.uname() + ".json")["user"].(object), step)
	own := read("/v1/users/" + l.id)
	require.Equal(l.t, []any{l.number, l.username, l.email}, []any{own["number"], own["username"], own["email"]}, "/v1 after %s", step)
}

// signIn signs in through every dialect with the password of now, and with no other
// one.
func (l *life) signIn(step string) {
	l.t.Helper()
	for path, body := range map[string]object{
		"/api/v2/users/login": {"email": l.email, "password": l.password},
		"/api/account/login":  {"email": l.email, "password": l.password},
		"/api/v3/token/":      {"email": l.email, "password": l.password},
	} {
		a := l.Do("POST", path, nil, body)
		require.Less(l.t, a.Status, 300, "%s after %s: %s", path, step, a.Body)
		body["password"] = "not " + l.password
		require.Equal(l.t, http.StatusUnauthorized, l.Do("POST", path, nil, body).Status, "%s after %s", path, step)
	}
	for password, want := range map[string]int{l.password: http.StatusOK, "not " + l.password: http.StatusUnauthorized} {
		require.Equal(l.t, want, l.basic(password).Status, "abf after %s", step)
		require.Equal(l.t, want, l.nextAuth(password).Status, "codimir after %s", step)
	}
	a := l.Do("POST", "/api/v2/users/login", nil, object{"email": l.email, "password": l.password})
	l.token = l.done(a, step)["session_token"].(string)
}

// refuse tries a password that must be good nowhere; byPM415 is the status by which
// that dialect says so.
func (l *life) refuse(password string, byPM415 int, step string) {
	l.t.Helper()
	for path, want := range map[string]int{
		"/api/v2/users/login": http.StatusUnauthorized, "/api/account/login": byPM415, "/api/v3/token/": http.StatusUnauthorized,
	} {
		a := l.Do("POST", path, nil, object{"email": l.email, "password": password})
		require.Equal(l.t, want, a.Status, "%s after %s: %s", path, step, a.Body)
	}
	require.Equal(l.t, http.StatusUnauthorized, l.basic(password).Status, "abf after %s", step)
	require.Equal(l.t, http.StatusUnauthorized, l.nextAuth(password).Status, "codimir after %s", step)
}

// basic is ABF's way to sign in: with each call.
func (l *life) basic(password string) apitest.Answer {
	l.t.Helper()
	credentials := base64.StdEncoding.EncodeToString([]byte(l.email + ":" + password))
	return l.Do("GET", "/api/v1/user.json", map[string]string{"Authorization": "Basic " + credentials}, nil)
}

// nextAuth is Codimir's way to sign in: a form with a token against forgery.
func (l *life) nextAuth(password string) apitest.Answer {
	l.t.Helper()
	asked := l.Do("GET", "/api/auth/csrf", nil, nil)
	cookies, err := http.ParseSetCookie(asked.Header.Get("Set-Cookie"))
	require.NoError(l.t, err)
	form := url.Values{"csrfToken": {asked.Map(l.System)["csrfToken"].(string)}, "email": {l.email}, "password": {password}, "json": {"true"}}
	return l.Do("POST", "/api/auth/callback/credentials", map[string]string{
		"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookies.Name + "=" + cookies.Value,
	}, form.Encode())
}
