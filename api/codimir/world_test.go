package codimir_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/eventlog"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/testenv"
	"github.com/rosterhq/roster/query"
)

func TestMain(m *testing.M) { testenv.Main(m) }

const site = "http://codimir.test"

// world is the whole system around the dialect: log, commands, projections and
// queries, all real.
type world struct {
	handler  http.Handler
	commands *commands.Service
	queries  *query.Queries
	log      *eventlog.Log
	contract *contract
	clock    func() time.Time
	users    atomic.Int64
}

func newWorld(t *testing.T, options ...apitest.Option) *world {
	t.Helper()
	s := apitest.New(t, append([]apitest.Option{apitest.WithLogger(zaptest.NewLogger(t, zaptest.Level(zap.ErrorLevel)))}, options...)...)
	return &world{handler: s.Handler, commands: s.Commands, queries: s.Queries, log: s.Log, contract: newContract(t), clock: time.Now}
}

var system = commands.Request{Actor: commands.Actor{UserID: commands.SystemActor}, Dialect: "test"}

const password = "correct horse battery staple"

// register makes a user with a fresh username and e-mail where none is given.
func (w *world) register(t testing.TB, r commands.Register) commands.User {
	t.Helper()
	n := w.users.Add(1)
	if r.Username == "" {
		r.Username = fmt.Sprintf("user%d", n)
	}
	if r.Email == "" {
		r.Email = fmt.Sprintf("user%d@example.com", n)
	}
	if r.Password == "" && r.LoginType == "" {
		r.Password = password
	}
	result, err := w.commands.Register(context.Background(), system, r)
	require.NoError(t, err)
	w.queries.Note(result.User.ID, result.Position)
	return result.User
}

// client is a browser: it keeps cookies.
type client struct {
	w       *world
	user    commands.User
	cookies map[string]string
	header  http.Header
}

func (w *world) anonymous() *client {
	return &client{w: w, cookies: map[string]string{}, header: http.Header{}}
}

// enter registers a user and signs in as NextAuth's own client does.
func (w *world) enter(t testing.TB, r commands.Register) *client {
	t.Helper()
	c := w.anonymous()
	c.user = w.register(t, r)
	c.signIn(t, c.user.Email, password)
	return c
}

func (c *client) signIn(t testing.TB, email, secret string) {
	t.Helper()
	a := c.postForm(t, "/api/auth/callback/credentials", url.Values{
		"csrfToken": {c.csrf(t)}, "email": {email}, "password": {secret}, "json": {"true"},
	})
	require.Equal(t, http.StatusOK, a.status, a.body)
	require.JSONEq(t, `{"url":"`+site+`"}`, a.body)
	require.NotEmpty(t, c.cookies["next-auth.session-token"])
}

func (c *client) csrf(t testing.TB) string {
	t.Helper()
	var got struct{ CsrfToken string }
	a := c.get(t, "/api/auth/csrf")
	require.Equal(t, http.StatusOK, a.status)
	require.NoError(t, json.Unmarshal([]byte(a.body), &got))
	return got.CsrfToken
}

type answer struct {
	status int
	header http.Header
	body   string
	set    map[string]*http.Cookie
}

// at returns the member at a dotted path, nil when it is absent.
func (a answer) at(t testing.TB, path string) any {
	t.Helper()
	var value any
	require.NoError(t, json.Unmarshal([]byte(a.body), &value), a.body)
	for name := range strings.SplitSeq(path, ".") {
		members, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = members[name]
	}
	return value
}

// members lists the names in an object, sorted.
func (a answer) members(t testing.TB, path string) []string {
	t.Helper()
	object, ok := a.at(t, path).(map[string]any)
	require.True(t, ok, "%s in %s", path, a.body)
	return slices.Sorted(maps.Keys(object))
}

func (c *client) get(t testing.TB, path string) answer {
	t.Helper()
	return c.do(t, http.MethodGet, path, "", nil)
}

func (c *client) put(t testing.TB, path, body string) answer {
	t.Helper()
	return c.do(t, http.MethodPut, path, "application/json", []byte(body))
}

func (c *client) postForm(t testing.TB, path string, form url.Values) answer {
	t.Helper()
	return c.do(t, http.MethodPost, path, "application/x-www-form-urlencoded", []byte(form.Encode()))
}

func (c *client) do(t testing.TB, method, path, contentType string, body []byte) answer {
	t.Helper()
	r := httptest.NewRequest(method, site+path, bytes.NewReader(body))
	for name, values := range c.header {
		r.Header[name] = values
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	for _, name := range slices.Sorted(maps.Keys(c.cookies)) {
		r.AddCookie(&http.Cookie{Name: name, Value: c.cookies[name]})
	}
	recorder := httptest.NewRecorder()
	c.w.handler.ServeHTTP(recorder, r)
	response := recorder.Result()
	raw, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	if method == http.MethodHead { // a real server leaves it out
		raw = nil
	}
	c.w.contract.check(t, r, response.StatusCode, response.Header, raw)
	a := answer{status: response.StatusCode, header: response.Header, body: string(raw), set: map[string]*http.Cookie{}}
	for _, set := range response.Cookies() {
		a.set[set.Name] = set
		if set.MaxAge < 0 {
			delete(c.cookies, set.Name)
		} else {
			c.cookies[set.Name] = set.Value
		}
	}
	return a
}

// requireFault fails the test unless the answer is this error.
func (a answer) requireFault(t testing.TB, status int, code string) {
	t.Helper()
	require.Equal(t, status, a.status, a.body)
	require.Equal(t, code, a.at(t, "error.code"), a.body)
	require.Nil(t, a.at(t, "data"), "no data beside an error")
}

const unauthorized = `{"error":{"code":"UNAUTHORIZED","message":"Authentication required"}}`

func (a answer) requireUnauthorized(t testing.TB) {
	t.Helper()
	require.Equal(t, http.StatusUnauthorized, a.status)
	require.Equal(t, unauthorized, a.body)
	require.Empty(t, a.header.Get("WWW-Authenticate"))
}

// position is where the user's last event lies.
func (w *world) position(t testing.TB, userID string) uint64 {
	t.Helper()
	tip, err := w.log.LeaderTip(context.Background(), events.Aggregate{Kind: events.User, ID: userID})
	require.NoError(t, err)
	return tip.Sequence
}

// did records activities of a user and lets reads wait for them.
func (w *world) did(t testing.TB, userID string, in ...commands.ActivityInput) {
	t.Helper()
	for i := range in {
		in[i].Source, in[i].User = "test-"+userID, commands.UserRef{ID: userID}
		if in[i].SourceID == "" {
			in[i].SourceID = fmt.Sprintf("s%d", w.users.Add(1))
		}
		if in[i].OccurredAt.IsZero() {
			in[i].OccurredAt = w.clock()
		}
	}
	out, err := w.commands.RecordActivities(context.Background(), system, in)
	require.NoError(t, err)
	for _, o := range out {
		require.Nil(t, o.Err)
		w.queries.Note(o.UserID, events.Position{Stream: events.Activity, Sequence: o.Sequence})
	}
}
