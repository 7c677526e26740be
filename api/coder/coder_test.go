package coder_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

type object = map[string]any

const (
	first  = "/api/v2/users/first"
	login  = "/api/v2/users/login"
	logout = "/api/v2/users/logout"
)

func message(t *testing.T, s *apitest.System, a apitest.Answer) string {
	t.Helper()
	require.Equal(t, "application/json; charset=utf-8", a.Header.Get("Content-Type"))
	require.NotEmpty(t, a.Header.Get("X-Coder-Build-Version"))
	require.True(t, strings.HasSuffix(string(a.Body), "\n"))
	return a.Map(s)["message"].(string)
}

func TestTheWayIn(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	none := s.Do("GET", first, nil, nil)
	require.Equal(t, http.StatusNotFound, none.Status)
	require.Equal(t, "The initial user has not been created!", message(t, s, none))
	require.Equal(t, "Incorrect email or password.", message(t, s, s.Do("POST", login, nil, object{"email": "owner@example.com", "password": "x"})))

	weak := s.Do("POST", first, nil, object{"email": "owner@example.com", "username": "owner", "password": "testing"})
	require.Equal(t, http.StatusBadRequest, weak.Status)
	require.Equal(t, "Password is invalid", message(t, s, weak))
	require.Contains(t, string(weak.Body), "insecure password, try ")

	made := s.Do("POST", first, nil, object{
		"email": "Owner@example.com", "username": "owner", "password": "SomeSecurePassword!", "name": "The Owner",
		"trial": false, "onboarding_info": nil, "something": "else",
	})
	require.Equal(t, http.StatusCreated, made.Status, "%s", made.Body)
	require.Empty(t, made.Header.Values("Set-Cookie"), "no session is opened")
	require.Equal(t, s.Commands.DefaultOrganization(), made.Map(s)["organization_id"])

	there := s.Do("GET", first, nil, nil)
	require.Equal(t, http.StatusOK, there.Status)
	require.Equal(t, "The initial user has already been created!", message(t, s, there))
	again := s.Do("POST", first, nil, object{"email": "b@example.com", "username": "b", "password": "weak"})
	require.Equal(t, http.StatusConflict, again.Status)
	require.Equal(t, "The initial user has already been created.", message(t, s, again))

	in := s.Do("POST", login, nil, object{"email": "OWNER@example.com", "password": "SomeSecurePassword!"})
	require.Equal(t, http.StatusCreated, in.Status, "%s", in.Body)
	token := in.Map(s)["session_token"].(string)
	require.Regexp(t, `^[0-9A-Za-z]{10}-[0-9A-Za-z]{22}$`, token)
	cookie := in.Header.Get("Set-Cookie")
	for _, part := range []string{"coder_session_token=" + token, "Path=/", "Max-Age=31536000", "HttpOnly", "SameSite=Lax"} {
		require.Contains(t, cookie, part)
	}
	require.NotContains(t, cookie, "Secure;")

	for name, headers := range map[string]map[string]string{
		"cookie":        {"Cookie": "coder_session_token=" + token},
		"next cookie":   {"Cookie": "next-auth.session-token=" + token},
		"secure cookie": {"Cookie": "__Secure-next-auth.session-token=" + token},
		"header":        {"Coder-Session-Token": token},
		"bearer":        {"Authorization": "bEARER " + token},
	} {
		require.Equal(t, http.StatusOK, s.Do("GET", "/v1/users/me", headers, nil).Status, name)
	}
	require.Equal(t, http.StatusUnauthorized, s.Do("GET", "/v1/users/me?coder_session_token="+token, nil, nil).Status, "query names are Coder's alone")

	out := s.Do("POST", logout+"?coder_session_token="+token, nil, nil)
	require.Equal(t, http.StatusOK, out.Status, "%s", out.Body)
	require.Equal(t, "Logged out!", message(t, s, out))
	require.Contains(t, out.Header.Get("Set-Cookie"), "coder_session_token=; Path=/; Max-Age=0")
	gone := s.Do("POST", logout, map[string]string{"Coder-Session-Token": token}, nil)
	require.Equal(t, http.StatusUnauthorized, gone.Status)
	require.Equal(t, "API key is invalid.", gone.Map(s)["detail"])
}

func TestOneFirstUser(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	var mu sync.Mutex
	statuses := map[int]int{}
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			name := "user-" + strings.Repeat("x", i%20+1)
			a, err := s.Try("POST", first, nil, object{"email": name + "@example.com", "username": name, "password": "SomeSecurePassword!"})
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

func TestRefusals(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	head := func() uint64 {
		n, err := s.Log.Head(t.Context(), events.Roster)
		require.NoError(t, err)
		return n
	}
	before := head()
	valid := `{"email":"a@example.com","username":"a","password":"SomeSecurePassword!"}`
	with := func(from, to string) string { return strings.Replace(valid, from, to, 1) }
	for _, c := range []struct {
		path, body string
		status     int
		message    string
		contains   string
	}{
		{first, ``, 400, "Request body must be valid JSON.", ""},
		{first, `{`, 400, "Request body must be valid JSON.", ""},
		{first, `[]`, 400, "Request body must be valid JSON.", ""},
		{first, `null`, 400, "Request body must be valid JSON.", ""},
		{first, valid + "x", 400, "Request body must be valid JSON.", ""},
		{first, "{\"email\":\"\xff\"}", 400, "Request body must be valid JSON.", "UTF-8"},
		{first, with(`"a@example.com"`, `"a\u0000@example.com"`), 400, "Request body must be valid JSON.", "email"},
		{first, with(`"a@example.com"`, `7`), 400, "Request body must be valid JSON.", "email"},
		{first, with(`"a@example.com"`, `1e999`), 400, "Request body must be valid JSON.", "email"},
		{first, `{}`, 400, "Validation failed.", `Validation failed for tag \"required\" with value: \"\"`},
		{first, with("a@example.com", "nonsense"), 400, "Validation failed.", `{"field":"email","detail":"Validation failed for tag \"email\" with value: \"nonsense\""}`},
		{first, with(`"username":"a"`, `"username":"new"`), 400, "Validation failed.", `"username"`},
		{first, with(`"username":"a"`, `"username":"a_b"`), 400, "Validation failed.", `"username"`},
		{first, with(`{`, `{"name":" x ",`), 400, "Validation failed.", "user_real_name"},
		{first, with("SomeSecurePassword!", strings.Repeat("aB3$", 300)), 400, "Password is invalid", "64"},
		{first, `{"name":"` + strings.Repeat("x", 2<<20) + `"}`, 413, "Request body too large.", ""},
		{login, `{}`, 400, "Validation failed.", "required"},
		{login, `{"email":"a","password":"b"}`, 400, "Validation failed.", "email"},
		{login, `{"email":"a@example.com","password":""}`, 400, "Validation failed.", "password"},
		{login, `{"email":"a@example.com","password":["x"]}`, 400, "Request body must be valid JSON.", "password"},
		{login, `{"email":"a@example.com","password":"` + strings.Repeat("x", 100000) + `"}`, 401, "Incorrect email or password.", ""},
	} {
		a := s.Do("POST", c.path, nil, c.body)
		require.Equal(t, c.status, a.Status, "%.200s: %s", c.body, a.Body)
		require.Equal(t, c.message, message(t, s, a), "%.200s", c.body)
		require.Contains(t, string(a.Body), c.contains)
		require.Less(t, len(a.Body), 2048)
	}
	require.Equal(t, before, head(), "nothing was written")

	for token, detail := range map[string]string{
		"":                                  `Cookie "coder_session_token" or query parameter must be provided.`,
		"a-b-c":                             "Invalid API key format: incorrect amount of API key parts, expected 2 got 3",
		"a":                                 "Invalid API key format: incorrect amount of API key parts, expected 2 got 1",
		"ab-c":                              "Invalid API key format: invalid API key ID length, expected 10 got 2",
		"aaaaaaaaaa-c":                      "Invalid API key format: invalid API key secret length, expected 22 got 1",
		"aaaaaaaaaa-bbbbbbbbbbbbbbbbbbbbbb": "API key is invalid.",
	} {
		a := s.Do("POST", logout, map[string]string{"Coder-Session-Token": token}, nil)
		require.Equal(t, http.StatusUnauthorized, a.Status)
		require.Contains(t, message(t, s, a), "session has expired")
		require.Equal(t, detail, a.Map(s)["detail"], token)
		require.Contains(t, a.Header.Get("WWW-Authenticate"), `Bearer realm="coder", error="invalid_token"`)
	}
	for _, path := range []string{"/api/v2", "/api/v2/nonsense", "/api/v2/users/first/", "/api/experimental/x"} {
		a := s.Do("GET", path, nil, nil)
		require.Equal(t, http.StatusNotFound, a.Status, path)
		require.Equal(t, "Route not found.", message(t, s, a))
	}
	method := s.Do("PATCH", first, nil, nil)
	require.Equal(t, http.StatusMethodNotAllowed, method.Status)
	require.Equal(t, "GET, HEAD, POST, DELETE", method.Header.Get("Allow"), "somebody may have the name first")
	message(t, s, method)
	message(t, s, s.Do("POST", first, map[string]string{"Idempotency-Key": strings.Repeat("k", 300)}, valid))
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	ada := owner.NewUser("ada")
	require.Equal(t, http.StatusOK, owner.Do("POST", "/v1/users/ada/suspend", nil, nil).Status)
	suspended := s.Do("POST", login, nil, object{"email": ada.Email, "password": apitest.Password})
	require.Equal(t, http.StatusUnauthorized, suspended.Status)
	require.Contains(t, message(t, s, suspended), "Contact an admin")
	wrong := s.Do("POST", login, nil, object{"email": ada.Email, "password": "wrong"})
	require.Equal(t, "Incorrect email or password.", message(t, s, wrong))
	refused := ada.Do("POST", logout, nil, nil)
	require.Equal(t, `User is not active (status = "suspended"). Contact an admin to reactivate your account.`, message(t, s, refused))

	crossSite := map[string]string{"Sec-Fetch-Site": "cross-site", "Cookie": "coder_session_token=" + owner.Token, "Authorization": ""}
	require.Equal(t, http.StatusBadRequest, owner.Do("POST", logout, crossSite, nil).Status, "without the CSRF token")
	require.Equal(t, http.StatusForbidden, s.Do("POST", login, map[string]string{"Origin": "https://evil.example"}, object{}).Status)
	require.Equal(t, http.StatusForbidden, owner.Do("PATCH", "/v1/users/me", crossSite, "{}").Status)
	require.Equal(t, http.StatusOK, owner.Do("GET", "/v1/users/me", crossSite, nil).Status, "reads are safe")
	require.Equal(t, http.StatusOK, owner.Do("PATCH", "/v1/users/me", map[string]string{"Sec-Fetch-Site": "cross-site"}, "{}").Status, "a header is no cookie")
}

func TestRepeatedFirstUser(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	key := map[string]string{"Idempotency-Key": "setup"}
	body := object{"email": "a@example.com", "username": "a", "password": "SomeSecurePassword!"}
	made := s.Do("POST", first, key, body)
	require.Equal(t, http.StatusCreated, made.Status, "%s", made.Body)
	again := s.Do("POST", first, key, body)
	require.Equal(t, http.StatusCreated, again.Status, "%s", again.Body)
	require.Equal(t, made.Body, again.Body)
	body["username"] = "b"
	require.Equal(t, http.StatusUnprocessableEntity, s.Do("POST", first, key, body).Status)
}

func TestLoginsAreLimited(t *testing.T) {
	t.Parallel()
	s := apitest.New(t, apitest.WithRateLimits())
	for range 10 {
		require.Equal(t, http.StatusUnauthorized, s.Do("POST", login, nil, object{"email": "a@example.com", "password": "x"}).Status)
	}
	limited := s.Do("POST", login, nil, object{"email": "A@example.com", "password": "x"})
	require.Equal(t, http.StatusTooManyRequests, limited.Status)
	require.True(t, strings.HasPrefix(message(t, s, limited), "You've been rate limited for sending"))
	require.NotEmpty(t, limited.Header.Get("Retry-After"))
	require.Equal(t, http.StatusUnauthorized, s.Do("POST", login, nil, object{"email": "b@example.com", "password": "x"}).Status)
}
