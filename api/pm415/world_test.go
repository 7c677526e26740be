package pm415_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/mail"
	"github.com/rosterhq/roster/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

type (
	object = map[string]any
	list   = []any
)

// post takes what is mailed.
type post struct {
	mu     sync.Mutex
	mails  []mail.Message
	broken bool
}

func (p *post) Send(_ context.Context, m mail.Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken {
		return errors.New("no connection")
	}
	p.mails = append(p.mails, m)
	return nil
}

var tokenLine = regexp.MustCompile(`(?m)^Token: (\S+)$`)

// token is what the last message to an address carries.
func (p *post) token(t *testing.T, to string) string {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := len(p.mails) - 1; i >= 0; i-- {
		if p.mails[i].To == to {
			found := tokenLine.FindStringSubmatch(p.mails[i].Text)
			require.NotNil(t, found, p.mails[i].Text)
			return found[1]
		}
	}
	require.Fail(t, "nothing was mailed", to)
	return ""
}

func (p *post) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.mails)
}

// clock is a clock that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// world is a system that is open to everybody, with its owner.
type world struct {
	*apitest.System
	t     *testing.T
	owner *apitest.Session
	post  *post
	clock *clock
}

func newWorld(t *testing.T, options ...apitest.Option) *world {
	t.Helper()
	w := &world{t: t, post: &post{}, clock: &clock{now: time.Now()}}
	options = append([]apitest.Option{
		apitest.WithMail(w.post), apitest.WithOneClock(w.clock.Now),
		apitest.WithSettings(func(s *gate.Settings) { s.SignUp = true }),
	}, options...)
	w.System = apitest.New(t, options...)
	w.owner = w.FirstUser()
	return w
}

// member is somebody who signed in through this dialect.
type member struct {
	w        *world
	token    string
	email    string
	number   float64
	password string
}

func (w *world) person(name string) *member {
	w.t.Helper()
	w.owner.NewUser(name)
	return w.login(name+"@example.com", apitest.Password)
}

func (w *world) login(email, password string) *member {
	w.t.Helper()
	a := w.ask("POST", "/api/account/login", object{"email": email, "password": password}, http.StatusOK)
	u := a["user"].(object)
	return &member{w: w, token: a["token"].(string), email: email, number: u["id"].(float64), password: password}
}

// ask asks as nobody.
func (w *world) ask(method, path string, body any, want int) object {
	w.t.Helper()
	return w.askWith(method, path, nil, body, want)
}

// askWith asks with headers; errors must have their four members.
func (w *world) askWith(method, path string, headers map[string]string, body any, want int) object {
	w.t.Helper()
	a := w.Do(method, path, headers, body)
	require.Equal(w.t, want, a.Status, "%s %s: %s", method, path, a.Body)
	require.Equal(w.t, "application/json; charset=utf-8", a.Header.Get("Content-Type"))
	require.Empty(w.t, a.Header.Get("WWW-Authenticate"))
	m := a.Map(w.System)
	if want != http.StatusOK {
		require.Len(w.t, m, 4, "%s", a.Body)
		require.EqualValues(w.t, want, m["statusCode"])
		require.Equal(w.t, http.StatusText(want), m["error"])
		require.Equal(w.t, false, m["success"])
		require.NotEmpty(w.t, m["message"])
	}
	return m
}

// refused asks as nobody for what is refused with a message.
func (w *world) refused(method, path string, body any, status int, message string) {
	w.t.Helper()
	require.Equal(w.t, message, w.ask(method, path, body, status)["message"])
}

func bearer(token string) map[string]string {
	return map[string]string{"Authorization": "Bearer " + token}
}

func (m *member) ask(method, path string, body any, want int) object {
	m.w.t.Helper()
	return m.w.askWith(method, path, bearer(m.token), body, want)
}

func (m *member) ok(method, path string, body any) object {
	m.w.t.Helper()
	a := m.ask(method, path, body, http.StatusOK)
	require.Equal(m.w.t, true, a["success"])
	return a
}

func (m *member) refused(method, path string, body any, status int, message string) {
	m.w.t.Helper()
	require.Equal(m.w.t, message, m.ask(method, path, body, status)["message"])
}

// me is the answer to GET /api/user.
func (m *member) me() object {
	m.w.t.Helper()
	return m.ok("GET", "/api/user", nil)
}

// found makes an organization and returns its number.
func (m *member) found(name string) float64 {
	m.w.t.Helper()
	return m.ok("POST", "/api/org", object{"name": name})["organization"].(object)["id"].(float64)
}

func orgPath(id float64, rest string) string {
	return "/api/org/" + strconv.FormatFloat(id, 'f', -1, 64) + rest
}

// invite returns the token of an invitation.
func (m *member) invite(organization float64, email string) string {
	m.w.t.Helper()
	m.ok("POST", orgPath(organization, "/invitelink"), object{"email": email})
	return m.w.post.token(m.w.t, email)
}

// join lets somebody into an organization, as Pending.
func (w *world) join(m *member, token string) {
	w.t.Helper()
	w.ask("POST", "/api/account/login", object{"email": m.email, "password": m.password, "token": token}, http.StatusOK)
}

// v1 asks Roster's own API as the owner.
func (w *world) v1(method, path string, body any, want int) object {
	w.t.Helper()
	a := w.owner.Do(method, path, nil, body)
	require.Equal(w.t, want, a.Status, "%s %s: %s", method, path, a.Body)
	if len(a.Body) == 0 {
		return nil
	}
	return a.Map(w.System)
}

// robot is a user who signs in in no way.
func (w *world) robot() {
	w.t.Helper()
	request := commands.Request{Actor: commands.Actor{UserID: commands.SystemActor}}
	c := commands.Register{Username: "robot", Email: "robot@example.com", LoginType: events.LoginNone}
	_, err := w.Commands.Register(context.Background(), request, c)
	require.NoError(w.t, err)
}

func (w *world) suspend(email string) {
	w.t.Helper()
	w.v1("POST", "/v1/users/"+w.idOf(email)+"/suspend", nil, http.StatusOK)
}

// idOf is a user's UUID.
func (w *world) idOf(email string) string {
	w.t.Helper()
	u, err := w.Commands.Find(context.Background(), refOf(email))
	require.NoError(w.t, err)
	return u.ID
}

func with(base object, changes object) object {
	out := maps.Clone(base)
	maps.Copy(out, changes)
	return out
}

func without(base object, name string) object {
	out := maps.Clone(base)
	delete(out, name)
	return out
}
