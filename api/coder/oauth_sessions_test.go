package coder_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/signin"
	"github.com/rosterhq/roster/signin/signintest"
)

// hand is a clock that is moved by hand.
type hand struct {
	mu  sync.Mutex
	now time.Time
}

func newHand() *hand { return &hand{now: time.Now()} }

func (h *hand) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *hand) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

func TestOIDC_SessionsDependOnTheProvider(t *testing.T) {
	t.Parallel()
	clock := newHand()
	s, p := oidcSystem(t, func(c *signin.OIDCConfig) { c.Clock = clock.Now }, apitest.WithClock(clock.Now))
	p.KeepsTime(clock.Now)
	p.SignsIn(claimsOf("1", "ada"), nil)
	ada := newBrowser(t, s).enters(oidcCallback)
	token := ada.Do(http.MethodPost, "/api/v2/users/me/keys/tokens", nil, object{})
	require.Equal(t, http.StatusCreated, token.Status, "%s", token.Body)
	named := &apitest.Session{System: s, Token: token.Map(s)["key"].(string)}
	head := func() uint64 {
		n, err := s.Log.Head(t.Context(), events.Roster)
		require.NoError(t, err)
		return n
	}
	const me, endpoint = "/api/v2/users/me", "/token"
	asked, written := p.Calls(endpoint), head()
	for range 20 {
		require.Equal(t, http.StatusOK, ada.Do(http.MethodGet, me, nil, nil).Status)
	}
	require.Equal(t, asked, p.Calls(endpoint), "5.2: not while the token lives")
	require.Equal(t, written, head(), "reads write nothing")

	clock.pass(61 * time.Minute)
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			a, err := ada.Try(http.MethodGet, me, nil, nil)
			if err != nil || a.Status != http.StatusOK {
				t.Errorf("%d %s %v", a.Status, a.Body, err)
			}
		})
	}
	group.Wait()
	require.Equal(t, asked+1, p.Calls(endpoint), "5.2: refreshed at use, once")
	require.Equal(t, written+1, head())

	clock.pass(61 * time.Minute)
	p.Fail(signintest.Faults{NoRefresh: true})
	for range 3 {
		ended := ada.Do(http.MethodGet, me, nil, nil)
		require.Equal(t, http.StatusUnauthorized, ended.Status)
		require.Equal(t, "Could not refresh expired OpenID Connect token. Try re-authenticating to resolve this issue.", message(t, s, ended))
	}
	require.Equal(t, asked+2, p.Calls(endpoint))
	require.Equal(t, http.StatusOK, named.Do(http.MethodGet, me, nil, nil).Status, "named tokens are their own")
	p.Fail(signintest.Faults{})
	again := newBrowser(t, s).enters(oidcCallback)
	require.Equal(t, ada.ID, again.ID)
	require.Equal(t, http.StatusOK, ada.Do(http.MethodGet, me, nil, nil).Status, "the new sign-in vouches for the older session too")
}

func TestOIDC_NothingSecretIsLogged(t *testing.T) {
	t.Parallel()
	core, logs := observer.New(zap.DebugLevel)
	clock := newHand()
	s, p := oidcSystem(t, func(c *signin.OIDCConfig) { c.Clock = clock.Now }, apitest.WithClock(clock.Now), apitest.WithLogger(zap.New(core)))
	p.KeepsTime(clock.Now)
	p.SignsIn(claimsOf("1", "ada"), nil)
	ada := newBrowser(t, s).enters(oidcCallback)
	for _, f := range []signintest.Faults{{CodesEnd: true}, {Nonce: "x"}, {ForeignKey: true}, {OtherUserInfo: "x"}, {NoIDToken: true}} {
		p.Fail(f)
		newBrowser(t, s).refusal(oidcCallback)
	}
	p.Fail(signintest.Faults{NoRefresh: true})
	clock.pass(2 * time.Hour)
	require.Equal(t, http.StatusUnauthorized, ada.Do(http.MethodGet, "/api/v2/users/me", nil, nil).Status)
	require.NotZero(t, logs.FilterMessage("a sign-in by a provider failed").Len(), "operators are told why")
	for _, entry := range logs.All() {
		text := fmt.Sprint(entry.Message, entry.ContextMap())
		require.NotRegexp(t, `(code|access|refresh|client)-[a-z0-9]{20}|eyJ|`+ada.Token, text)
	}
}
