package coder_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/housekeeping"
	"github.com/rosterhq/roster/query"
)

// later is a world whose clock the test moves.
type later struct {
	world
	ahead *atomic.Int64
	began time.Time
}

func newLater(t *testing.T, options ...apitest.Option) later {
	t.Helper()
	l := later{ahead: &atomic.Int64{}, began: time.Now().UTC().Truncate(time.Microsecond)}
	s := apitest.New(t, append(options, apitest.WithOneClock(l.now))...)
	owner := s.FirstUser()
	l.world = world{System: s, t: t, owner: owner, ada: owner.NewUser("ada"), linus: owner.NewUser("linus")}
	return l
}

// now stands still between the steps of a test.
func (l later) now() time.Time { return l.began.Add(time.Duration(l.ahead.Load())) }

func (l later) pass(d time.Duration) { l.ahead.Add(int64(d)) }

// TestSliding_1_3: every key lives on by its use, written at most once an hour,
// and no use is an event.
func TestSliding_1_3(t *testing.T) {
	t.Parallel()
	l := newLater(t)
	for _, kind := range []string{"token", "session"} {
		id, user := "", l.ada
		switch kind {
		case "token":
			user = l.bearer(l.ada, l.token(l.ada, "me", object{"lifetime": 24 * hour}))
		case "session":
			user = l.Login(l.linus.Email, apitest.Password)
		}
		id = keyID(user.Token)
		began := l.now()
		use := func() { require.Equal(t, http.StatusOK, user.Do(http.MethodGet, path("me", ""), nil, nil).Status) }
		key := func() object {
			a := l.Login("owner@example.com", apitest.Password).Do(http.MethodGet, path("me", "/keys/"+id), nil, nil)
			require.Equal(t, http.StatusOK, a.Status, "%s", a.Body)
			return a.Map(l.System)
		}
		if kind == "token" { // the test's sign-in used the session already
			require.Equal(t, "1970-01-01T00:00:00Z", key()["last_used"])
		}
		for _, step := range []struct {
			pass, used, ends time.Duration // the last two since the beginning
		}{
			{0, 0, 24 * time.Hour}, // the first use is always written
			{59 * time.Minute, 0, 24 * time.Hour},
			{time.Minute, time.Hour, 25 * time.Hour},
			{30 * time.Minute, time.Hour, 25 * time.Hour},
			{20 * time.Hour, 21*time.Hour + 30*time.Minute, 45*time.Hour + 30*time.Minute},
			{20 * time.Hour, 41*time.Hour + 30*time.Minute, 65*time.Hour + 30*time.Minute},
		} {
			l.pass(step.pass)
			head := l.head()
			use()
			require.Equal(t, head, l.head(), "reads do not make the log grow")
			got := key()
			require.Equal(t, began.Add(step.used), moment(t, got["last_used"]), "%s after %v", kind, l.now().Sub(began))
			require.Equal(t, began.Add(step.ends), moment(t, got["expires_at"]), "%s after %v", kind, l.now().Sub(began))
			require.EqualValues(t, 24*3600, got["lifetime_seconds"])
			shown := l.get(l.Login("owner@example.com", apitest.Password), path(user.Username, ""))
			require.Equal(t, began.Add(step.used), moment(t, shown["last_seen_at"]), "last_seen_at moves with last_used")
			require.Equal(t, began.Add(step.used), moment(t, shown["updated_at"]), "and updated_at with it")
		}
		l.pass(24 * time.Hour)
		ended := user.Do(http.MethodGet, path("me", ""), nil, nil)
		require.Equal(t, http.StatusUnauthorized, ended.Status)
		require.Contains(t, ended.Map(l.System)["detail"], "API key expired at ")
	}
}

// TestProlongedKeysEnd: what the log takes for ended, but use kept alive, can
// still be ended, listed and deleted.
func TestProlongedKeysEnd(t *testing.T) {
	t.Parallel()
	l := newLater(t)
	expired := l.bearer(l.ada, l.token(l.ada, "me", object{"token_name": "expired", "lifetime": 24 * hour}))
	deleted := l.bearer(l.ada, l.token(l.ada, "me", object{"token_name": "deleted", "lifetime": 24 * hour}))
	session := l.Login(l.ada.Email, apitest.Password)
	all := []*apitest.Session{expired, deleted, session}
	for range 3 {
		l.pass(20 * time.Hour)
		for _, s := range all {
			require.Equal(t, http.StatusOK, s.Do(http.MethodGet, path("me", ""), nil, nil).Status)
		}
	}
	require.ElementsMatch(t, []string{"expired", "deleted"}, names(l.tokens(session, "me", "")), "they are listed as alive")
	taken := session.Do(http.MethodPost, path("me", "/keys/tokens"), nil, object{"token_name": "expired"})
	require.Equal(t, http.StatusConflict, taken.Status, "and hold their names")
	require.Equal(t, http.StatusNoContent, session.Do(http.MethodPut, path("me", "/keys/"+keyID(expired.Token)+"/expire"), nil, nil).Status)
	require.Equal(t, http.StatusNoContent, session.Do(http.MethodDelete, path("me", "/keys/"+keyID(deleted.Token)), nil, nil).Status)
	require.Equal(t, http.StatusOK, session.Do(http.MethodPost, logout, nil, nil).Status)
	for _, s := range all {
		require.Equal(t, http.StatusUnauthorized, s.Do(http.MethodGet, path("me", ""), nil, nil).Status)
	}
	require.Empty(t, l.tokens(l.Login(l.ada.Email, apitest.Password), "me", ""))
}

// TestWaking_2_5: any request of a dormant user, in any dialect, wakes the account.
func TestWaking_2_5(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for dialect, at := range map[string]string{"coder": path("me", ""), "v1": "/v1/users/me", "codimir": "/api/user/profile"} {
		name := "sleeper-" + dialect
		require.Equal(t, "dormant", w.make(name, nil)["status"])
		key := w.owner.Do(http.MethodPost, path(name, "/keys"), nil, nil)
		require.Equal(t, http.StatusCreated, key.Status)
		require.Equal(t, "dormant", w.get(w.owner, path(name, ""))["status"], "a key that others made is no use")
		sleeper := w.bearer(w.ada, key.Map(w.System)["key"].(string))
		require.Equal(t, http.StatusOK, sleeper.Do(http.MethodGet, at, map[string]string{"Idempotency-Key": "mine"}, nil).Status)
		woken := w.get(w.owner, path(name, ""))
		require.Equal(t, "active", woken["status"], dialect)
		history, err := w.Log.Read(t.Context(), events.Aggregate{Kind: events.User, ID: woken["id"].(string)}, 1)
		require.NoError(t, err)
		last := history[len(history)-1]
		require.IsType(t, &events.UserActivated{}, last.Payload)
		require.Equal(t, dialect, last.Dialect)
		require.Equal(t, woken["id"], last.Actor)
		require.Equal(t, http.StatusOK, sleeper.Do(http.MethodGet, at, nil, nil).Status)
	}
}

// TestDormancy_2_5: the sweep puts to sleep whom nobody saw for the period.
func TestDormancy_2_5(t *testing.T) {
	t.Parallel()
	l := newLater(t)
	dormancy, err := housekeeping.New(housekeeping.Config{Period: 90 * 24 * time.Hour, Reads: l.Queries, Writes: l.Commands, Clock: l.now})
	require.NoError(t, err)
	l.pass(50 * 24 * time.Hour)
	ada := l.Login(l.ada.Email, apitest.Password) // and uses the session
	l.pass(45 * 24 * time.Hour)
	owner := l.Login("owner@example.com", apitest.Password)
	slept, err := dormancy.Sweep(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, slept)
	for name, status := range map[string]string{"owner": "active", "ada": "active", "linus": "dormant"} {
		require.Equal(t, status, l.get(owner, path(name, ""))["status"], name)
	}
	require.Equal(t, http.StatusUnauthorized, ada.Do(http.MethodGet, path("me", ""), nil, nil).Status, "her session ended long ago")
	linus := l.Login(l.linus.Email, apitest.Password)
	require.Equal(t, "active", l.get(linus, path("me", ""))["status"])
	slept, err = dormancy.Sweep(t.Context())
	require.NoError(t, err)
	require.Zero(t, slept, "who was just seen stays awake")
	u, err := l.Queries.User(t.Context(), query.UserRef{Username: "linus"})
	require.NoError(t, err)
	require.Equal(t, l.now(), u.LastSeenAt.UTC())
}
