package gate_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

// bell wakes, and remembers whom.
type bell struct {
	requests []commands.Request
	err      error
}

func (b *bell) Wake(_ context.Context, r commands.Request, userID string) (commands.Result, error) {
	b.requests = append(b.requests, r)
	return commands.Result{
		User: commands.User{ID: userID, Status: events.StatusActive}, Position: events.Position{Stream: events.Roster, Sequence: 7},
	}, b.err
}

func TestTheDormantWake(t *testing.T) {
	t.Parallel()
	s, b := newShelf(), &bell{}
	g := gate.New(gate.Config{Reads: s, Clock: func() time.Time { return now }, Waker: b}).For("coder")
	r := bearing(keyID + "-" + secret)
	r.Header.Set("Idempotency-Key", "of the handler")
	_, err := g.Identify(r, gate.DefaultForms())
	require.NoError(t, err)
	require.Empty(t, b.requests, "who is awake is left alone")

	s.found.Account.Status = events.StatusDormant
	caller, err := g.Identify(r, gate.DefaultForms())
	require.NoError(t, err)
	require.Equal(t, events.StatusActive, caller.Account.Status)
	require.Len(t, b.requests, 1)
	require.Equal(t, "u", b.requests[0].Actor.UserID)
	require.Equal(t, "coder", b.requests[0].Dialect)
	require.Empty(t, b.requests[0].IdempotencyKey)
	require.Equal(t, events.Position{Stream: events.Roster, Sequence: 7}, s.noted["u"], "the next read knows of it")

	b.err = errors.New("the log is away")
	caller, err = g.Identify(r, gate.DefaultForms())
	require.NoError(t, err, "nobody is kept out for it")
	require.Equal(t, events.StatusDormant, caller.Account.Status)
	s.found.Account.Confirmed = false
	_, err = g.Identify(r, gate.DefaultForms())
	require.Equal(t, gate.Unconfirmed, gate.ReasonOf(err))
	require.Len(t, b.requests, 2, "who is refused does not wake")
}

// voucher says what a provider of identities says.
type voucher struct {
	err   error
	asked int
}

func (v *voucher) Current(context.Context, string, events.LoginType) error {
	v.asked++
	return v.err
}

func TestSessionsOfProviders(t *testing.T) {
	t.Parallel()
	s, v := newShelf(), &voucher{}
	g := gate.New(gate.Config{Reads: s, Clock: func() time.Time { return now }, Providers: v})
	ask := func(by events.LoginType, err error) gate.Reason {
		s.found.LoginType, v.err = by, err
		_, refused := g.Identify(bearing(keyID+"-"+secret), gate.DefaultForms())
		return gate.ReasonOf(refused)
	}
	gone := &gate.Error{Reason: gate.LinkGone, LoginType: events.LoginOIDC}
	require.Empty(t, ask(events.LoginPassword, gone))
	require.Empty(t, ask(events.LoginToken, gone))
	require.Zero(t, v.asked, "they do not depend on one")
	require.Empty(t, ask(events.LoginOIDC, nil))
	require.Equal(t, gate.LinkGone, ask(events.LoginOIDC, gone))
	require.Equal(t, gate.RefreshFailed, ask(events.LoginGitHub, &gate.Error{Reason: gate.RefreshFailed}))
	require.Equal(t, gate.Unavailable, ask(events.LoginGitHub, errors.New("time-out")))
}

func TestCallersCarryTheirLimits(t *testing.T) {
	t.Parallel()
	s := newShelf()
	s.found.AllowList = []events.Resource{{Type: "user", ID: "*"}}
	s.found.Account.Memberships = []events.Membership{{Organization: "o", Roles: []string{events.OrganizationAdmin}}}
	caller, err := gateOf(s, false).Identify(bearing(keyID+"-"+secret), gate.DefaultForms())
	require.NoError(t, err)
	require.Equal(t, s.found.AllowList, caller.Actor.AllowList)
	require.Equal(t, s.found.Account.Memberships, caller.Actor.Memberships)
}

func TestUsesAreShown(t *testing.T) {
	t.Parallel()
	v := visit(month, 1)
	for _, after := range []time.Duration{0, time.Minute, 2 * time.Hour} {
		_, err := v.use(after)
		require.NoError(t, err)
	}
	require.Equal(t, []events.Usage{
		{KeyID: keyID, UserID: "u", LastUsed: now, ExpiresAt: now.Add(month)},
		{KeyID: keyID, UserID: "u", LastUsed: now.Add(2 * time.Hour), ExpiresAt: now.Add(2*time.Hour + month)},
	}, v.shelf.used)
}

func TestCallsAreLimited(t *testing.T) {
	t.Parallel()
	g := gate.New(gate.Config{Reads: newShelf(), Clock: func() time.Time { return now }, RateLimits: true, CallsPerMinute: 2})
	member := gate.Caller{Actor: commands.Actor{UserID: "m"}}
	owner := gate.Caller{Actor: commands.Actor{UserID: "o", Roles: []events.Role{events.RoleOwner}}}
	call := func(c gate.Caller, endpoint, bypass, address string) gate.Reason {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set(gate.BypassHeader, bypass)
		r.RemoteAddr = address
		return gate.ReasonOf(g.AllowCall(r, c, endpoint))
	}
	const here, there = "192.0.2.1:1", "192.0.2.2:1"
	for range 2 {
		require.Empty(t, call(member, "a", "", here))
		require.Empty(t, call(owner, "a", "", here))
		require.Empty(t, call(gate.Caller{}, "a", "", here))
	}
	require.Equal(t, gate.RateLimited, call(member, "a", "", there), "by user, from wherever")
	require.Equal(t, gate.RateLimited, call(member, "a", "true", here))
	require.Empty(t, call(member, "b", "", here))
	require.Equal(t, gate.RateLimited, call(owner, "a", "false", here))
	require.Empty(t, call(owner, "a", "true", here))
	require.Equal(t, gate.RateLimited, call(gate.Caller{}, "a", "true", here))
	require.Empty(t, call(gate.Caller{}, "a", "", there), "of nobody known, by address")
	unlimited := gateOf(newShelf(), false)
	for range 1000 {
		require.NoError(t, unlimited.AllowCall(httptest.NewRequest(http.MethodGet, "/", nil), member, "a"))
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodGet, "http://roster.example/x", nil)
	onTLS := httptest.NewRequest(http.MethodGet, "https://roster.example/x", nil)
	require.Equal(t, "http://roster.example", gate.Settings{}.BaseURL(r))
	require.Equal(t, "https://roster.example", gate.Settings{}.BaseURL(onTLS))
	require.Equal(t, "https://users.example", gate.Settings{AccessURL: "https://users.example"}.BaseURL(r))
	require.False(t, gate.Settings{}.SecureCookies(r))
	require.True(t, gate.Settings{}.SecureCookies(onTLS))
	require.True(t, gate.Settings{AccessURL: "https://users.example"}.SecureCookies(r))
	require.False(t, gate.Settings{AccessURL: "https://users.example", Cookies: gate.CookiesUnguarded}.SecureCookies(r))
	require.True(t, gate.Settings{Cookies: gate.CookiesSecure}.SecureCookies(r))
}

func TestPositionsOfOtherThings(t *testing.T) {
	t.Parallel()
	s := newShelf()
	g := gateOf(s, false)
	p := events.Position{Stream: events.Roster, Sequence: 9}
	w := httptest.NewRecorder()
	g.WroteAt(w, nil, "", p)
	require.Equal(t, "r9", w.Header().Get(gate.PositionHeader))
	require.Equal(t, p, s.noted[""], "reads of anybody wait")
	g.WroteAt(w, nil, "somebody", p)
	require.Equal(t, p, s.noted["somebody"])
}

func FuzzParseToken(f *testing.F) {
	for _, token := range []string{"", "-", keyID + "-" + secret, "a-b-c", keyID, "\x00-\xff"} {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token string) {
		id, rest, err := gate.ParseToken(token)
		if err != nil {
			require.Equal(t, gate.Malformed, gate.ReasonOf(err))
			return
		}
		require.True(t, gate.IsKeyID(id))
		require.Equal(t, token, id+"-"+rest)
	})
}
