package signin_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/signin"
	"github.com/rosterhq/roster/signin/signintest"
)

// shelf keeps tokens in memory.
type shelf struct {
	mu     sync.Mutex
	tokens map[string]signin.Token
	looks  int
	broken error
	seen   chan struct{} // one for each look, as far as there is room
}

func (s *shelf) Tokens(_ context.Context, userID string, _ events.LoginType) (signin.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looks++
	select {
	case s.seen <- struct{}{}:
	default:
	}
	t, ok := s.tokens[userID]
	if !ok {
		return signin.Token{}, signin.ErrNoLink
	}
	return t, nil
}

func (s *shelf) Keep(_ context.Context, userID string, _ events.LoginType, t signin.Token) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken == nil {
		s.tokens[userID] = t
	}
	return s.broken
}

func (s *shelf) set(t signin.Token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens["ada"] = t
}

func (s *shelf) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = err
}

func (s *shelf) looked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.looks
}

// hand is a clock that is moved by hand.
type hand struct {
	mu  sync.Mutex
	now time.Time
}

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

type watched struct {
	provider *signintest.OIDC
	shelf    *shelf
	clock    *hand
	sessions *signin.Sessions
}

func watch(t *testing.T) watched {
	t.Helper()
	w := watched{provider: signintest.NewOIDC(t), shelf: &shelf{tokens: map[string]signin.Token{}, seen: make(chan struct{}, 1)}, clock: &hand{now: time.Now()}}
	w.provider.SignsIn(ada(), nil)
	o := oidcOf(w.provider, func(c *signin.OIDCConfig) { c.Clock = w.clock.Now })
	person, err := signIn(t, o)
	require.NoError(t, err)
	w.shelf.set(person.Token)
	w.sessions, err = signin.NewSessions(signin.Providers{OIDC: o}, w.shelf, w.clock.Now)
	require.NoError(t, err)
	return w
}

func (w watched) current() error {
	return w.sessions.Current(context.Background(), "ada", events.LoginOIDC)
}

const tokenPath = "/token"

func TestALivingTokenCostsNothing(t *testing.T) {
	t.Parallel()
	w := watch(t)
	before := w.provider.Calls(tokenPath)
	for range 100 {
		require.NoError(t, w.current())
	}
	require.Equal(t, 1, w.shelf.looked())
	require.Equal(t, before, w.provider.Calls(tokenPath))
	require.ErrorIs(t, w.sessions.Current(t.Context(), "eve", events.LoginOIDC), signin.ErrNoLink)
}

func TestAnEndedTokenIsRenewedOnceForAll(t *testing.T) {
	t.Parallel()
	w := watch(t)
	require.NoError(t, w.current())
	before := w.provider.Calls(tokenPath)
	w.clock.pass(61 * time.Minute)
	hold := make(chan struct{})
	w.provider.Fail(signintest.Faults{Hold: hold})
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			if err := w.current(); err != nil {
				t.Error(err)
			}
		})
	}
	close(hold)
	group.Wait()
	require.Equal(t, before+1, w.provider.Calls(tokenPath))
	w.clock.pass(59 * time.Minute)
	require.NoError(t, w.current())
	require.Equal(t, before+1, w.provider.Calls(tokenPath))
	w.clock.pass(2 * time.Minute)
	require.NoError(t, w.current(), "the new refresh token was kept")
	require.Equal(t, before+2, w.provider.Calls(tokenPath))
}

func TestARefusedRenewalEndsTheSession(t *testing.T) {
	t.Parallel()
	w := watch(t)
	w.clock.pass(2 * time.Hour)
	w.provider.Fail(signintest.Faults{NoRefresh: true})
	before := w.provider.Calls(tokenPath)
	for range 5 {
		err := w.current()
		require.ErrorIs(t, err, signin.ErrExpired)
		require.NotContains(t, err.Error(), "refresh-")
	}
	require.Equal(t, before+1, w.provider.Calls(tokenPath), "it is not asked for each request")
	w.provider.Fail(signintest.Faults{})
	w.clock.pass(time.Minute)
	require.NoError(t, w.current(), "a provider that was down is asked again")

	w.clock.pass(2 * time.Hour)
	w.provider.Fail(signintest.Faults{NoRefresh: true})
	require.ErrorIs(t, w.current(), signin.ErrExpired)
	w.shelf.set(signin.Token{Access: "new", Refresh: "another", ExpiresAt: w.clock.Now().Add(time.Hour)})
	require.NoError(t, w.current(), "a new sign-in counts at once")
}

func TestATokenWithoutEnd(t *testing.T) {
	t.Parallel()
	w := watch(t)
	w.shelf.set(signin.Token{Access: "a"})
	require.NoError(t, w.current())
	w.shelf.set(signin.Token{Access: "a", ExpiresAt: w.clock.Now().Add(-time.Hour)})
	w.clock.pass(time.Hour)
	require.NoError(t, w.current(), "without a refresh token the session has its own time")
}

func TestAnotherProcessWasFirst(t *testing.T) {
	t.Parallel()
	w := watch(t)
	w.clock.pass(2 * time.Hour)
	hold := make(chan struct{})
	w.provider.Fail(signintest.Faults{NoRefresh: true, Hold: hold})
	done := make(chan error, 1)
	go func() { done <- w.current() }()
	<-w.shelf.seen // it has read the old token
	w.shelf.set(signin.Token{Access: "new", Refresh: "of the other process", ExpiresAt: w.clock.Now().Add(time.Hour)})
	close(hold)
	require.NoError(t, <-done)
}

func TestARenewedTokenIsNotLost(t *testing.T) {
	t.Parallel()
	w := watch(t)
	w.clock.pass(2 * time.Hour)
	trouble := errors.New("the log can not be reached")
	w.shelf.fail(trouble)
	before := w.provider.Calls(tokenPath)
	require.ErrorIs(t, w.current(), trouble)
	require.ErrorIs(t, w.current(), trouble)
	w.shelf.fail(nil)
	require.NoError(t, w.current())
	require.Equal(t, before+1, w.provider.Calls(tokenPath))
	w.clock.pass(2 * time.Hour)
	require.NoError(t, w.current())
}

func TestAClientThatGoesAwayDoesNotSpoilARenewal(t *testing.T) {
	t.Parallel()
	w := watch(t)
	w.clock.pass(2 * time.Hour)
	hold := make(chan struct{})
	w.provider.Fail(signintest.Faults{Hold: hold})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.sessions.Current(ctx, "ada", events.LoginOIDC) }()
	<-w.shelf.seen
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	close(hold)
	require.NoError(t, w.current())
}

func TestWithoutTheProviderNothingIsRenewed(t *testing.T) {
	t.Parallel()
	s := &shelf{tokens: map[string]signin.Token{"ada": {Refresh: "r", ExpiresAt: time.Now().Add(-time.Hour)}}}
	sessions, err := signin.NewSessions(signin.Providers{}, s, nil)
	require.NoError(t, err)
	require.ErrorIs(t, sessions.Current(t.Context(), "ada", events.LoginOIDC), signin.ErrExpired)
}
