package gate_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

const (
	keyID  = "aB3dE6gH9j"
	secret = "aB3dE6gH9jaB3dE6gH9jaB"
)

var now = time.Date(2024, 1, 31, 12, 0, 0, 0, time.UTC)

// shelf is a read side with one credential.
type shelf struct {
	found query.Credential
	err   error
	noted map[string]events.Position
	keys  int
	used  []events.Usage
}

func (s *shelf) Credential(_ context.Context, id string) (query.Credential, error) {
	if s.err != nil {
		return query.Credential{}, s.err
	}
	if id != keyID {
		return query.Credential{}, query.ErrNotFound
	}
	return s.found, nil
}

func (s *shelf) Note(userID string, p events.Position) { s.noted[userID] = p }
func (s *shelf) NoteCredentials(userID string, p events.Position) {
	s.noted[userID] = p
	s.keys++
}

func (s *shelf) NoteAny(p events.Position) { s.noted[""] = p }
func (s *shelf) NoteUse(u events.Usage)    { s.used = append(s.used, u) }

func newShelf() *shelf {
	sum := sha256.Sum256([]byte(secret))
	return &shelf{noted: map[string]events.Position{}, found: query.Credential{
		Key: query.Key{
			ID: keyID, UserID: "u", LoginType: events.LoginPassword, ExpiresAt: now.Add(time.Second),
		},
		SecretHash: sum[:], Epoch: 2,
		Account: query.Account{Status: events.StatusActive, Confirmed: true, Epoch: 2, Roles: []events.Role{events.RoleOwner}},
	}}
}

func gateOf(s *shelf, limits bool) *gate.Gate {
	return gate.New(gate.Config{Reads: s, Clock: func() time.Time { return now }, RateLimits: limits})
}

func bearing(token string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

func TestIdentify(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*shelf)
		token  string
		want   gate.Reason
	}{
		"good":           {want: ""},
		"dormant":        {change: func(s *shelf) { s.found.Account.Status = events.StatusDormant }},
		"no token":       {token: " ", want: gate.NoCredential},
		"malformed":      {token: "abc", want: gate.Malformed},
		"not alphabetic": {token: "aB3dE6gH9\x00-" + secret, want: gate.Malformed},
		"unknown":        {token: "aB3dE6gH9k-" + secret, want: gate.UnknownKey},
		"wrong secret":   {token: keyID + "-" + strings.Repeat("x", 22), want: gate.WrongSecret},
		"no hash":        {change: func(s *shelf) { s.found.SecretHash = nil }, want: gate.WrongSecret},
		"expired":        {change: func(s *shelf) { s.found.ExpiresAt = now }, want: gate.Expired},
		"older epoch":    {change: func(s *shelf) { s.found.Epoch = 1 }, want: gate.Revoked},
		"suspended":      {change: func(s *shelf) { s.found.Account.Status = events.StatusSuspended }, want: gate.Suspended},
		"deleted":        {change: func(s *shelf) { s.found.Account.Status = events.StatusDeleted }, want: gate.Deleted},
		"unconfirmed":    {change: func(s *shelf) { s.found.Account.Confirmed = false }, want: gate.Unconfirmed},
		"unavailable":    {change: func(s *shelf) { s.err = query.ErrUnavailable }, want: gate.Unavailable},
		"ahead":          {change: func(s *shelf) { s.err = query.ErrAhead }, want: gate.Ahead},
		"broken":         {change: func(s *shelf) { s.err = errors.New("boom") }, want: gate.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShelf()
			if c.change != nil {
				c.change(s)
			}
			if c.token == "" {
				c.token = keyID + "-" + secret
			}
			caller, err := gateOf(s, false).Identify(bearing(c.token), gate.DefaultForms())
			require.Equal(t, c.want, gate.ReasonOf(err), "%v", err)
			require.Equal(t, c.want != "", caller.Anonymous())
			if c.want == "" {
				require.Equal(t, []string{"all"}, caller.Actor.Scopes, "a session may do what its user may")
				require.True(t, caller.HasRole(events.RoleOwner))
				require.True(t, caller.Is("u"))
			}
		})
	}
}

func TestKeysKeepTheirScopes(t *testing.T) {
	t.Parallel()
	s := newShelf()
	s.found.LoginType, s.found.Scopes = events.LoginToken, []string{"users:read"}
	caller, err := gateOf(s, false).Identify(bearing(keyID+"-"+secret), gate.DefaultForms())
	require.NoError(t, err)
	require.Equal(t, []string{"users:read"}, caller.Actor.Scopes)
}

func TestForms(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodGet, "/?coder_session_token=q1&access_token=q2", nil)
	require.Equal(t, "q1", first(gate.CoderForms(), r))
	require.Empty(t, first(gate.DefaultForms(), r))
	r.Header.Set("Authorization", "Basic x")
	require.Empty(t, first(gate.DefaultForms(), r))
	r.Header.Set("Authorization", "BEARER  b ")
	require.Equal(t, "b", first(gate.DefaultForms(), r))
	r.Header.Set("Coder-Session-Token", "h")
	require.Equal(t, "h", first(gate.DefaultForms(), r))
	require.Equal(t, "q1", first(gate.CoderForms(), r))
	for _, c := range []struct{ name, value string }{{"coder_session_token", "c1"}, {"next-auth.session-token", "c2"}, {"__Secure-next-auth.session-token", "c3"}} {
		r.AddCookie(&http.Cookie{Name: c.name, Value: c.value})
		token, fromCookie := gate.DefaultForms().Find(r)
		require.Equal(t, c.value, token)
		require.True(t, fromCookie)
	}
	require.Equal(t, "c1", first(gate.CoderForms(), r))
}

func first(f gate.Forms, r *http.Request) string {
	token, _ := f.Find(r)
	return token
}

func TestCookieWritesFromOtherSites(t *testing.T) {
	t.Parallel()
	g := gateOf(newShelf(), false)
	for _, c := range []struct {
		method, site, origin string
		want                 gate.Reason
	}{
		{"POST", "", "", ""},
		{"POST", "same-origin", "", ""},
		{"POST", "none", "", ""},
		{"POST", "same-site", "", gate.CrossOrigin},
		{"POST", "cross-site", "", gate.CrossOrigin},
		{"PUT", "", "https://evil.example", gate.CrossOrigin},
		{"PUT", "", "http://example.com", ""},
		{"GET", "cross-site", "https://evil.example", ""},
	} {
		r := httptest.NewRequest(c.method, "/", nil)
		r.AddCookie(&http.Cookie{Name: gate.NextCookie, Value: keyID + "-" + secret})
		r.Header.Set("Sec-Fetch-Site", c.site)
		r.Header.Set("Origin", c.origin)
		_, err := g.Identify(r, gate.DefaultForms())
		require.Equal(t, c.want, gate.ReasonOf(err), "%+v", c)
	}
}

func TestGuessesAreLimited(t *testing.T) {
	t.Parallel()
	g := gateOf(newShelf(), true)
	for range 300 {
		_, err := g.Identify(bearing("aaaaaaaaaa-"+secret), gate.DefaultForms())
		require.Equal(t, gate.UnknownKey, gate.ReasonOf(err))
	}
	_, err := g.Identify(bearing(keyID+"-"+secret), gate.DefaultForms())
	var refused *gate.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, gate.RateLimited, refused.Reason)
	require.GreaterOrEqual(t, refused.RetryAfter, time.Second)
	other := bearing(keyID + "-" + secret)
	other.RemoteAddr = "198.51.100.7:1"
	_, err = g.Identify(other, gate.DefaultForms())
	require.NoError(t, err, "another address is not concerned")
}

func TestOneLimitForANetwork(t *testing.T) {
	t.Parallel()
	g := gateOf(newShelf(), true)
	login := func(address string) error {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.RemoteAddr = address
		return g.AllowLogin(r, "")
	}
	for range 30 {
		require.NoError(t, login("[2001:db8::1]:1"))
		require.NoError(t, login("[2001:db8::2]:1"))
	}
	require.Error(t, login("[2001:db8::3]:1"))
	require.NoError(t, login("[2001:db8:0:1::1]:1"))
	require.NoError(t, login("192.0.2.1:1"))
}
