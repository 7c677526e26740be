package coder_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/housekeeping"
)

// TestSweep: what ended long ago leaves the lists, and its names are free; what lives
// on by its use, and what ended of late, stays.
func TestSweep(t *testing.T) {
	t.Parallel()
	l := newLater(t)
	const day = 24 * time.Hour
	counted := 0
	keys, err := housekeeping.NewKeys(housekeeping.KeysConfig{
		Retention: 30 * day, Reads: l.Queries, Writes: l.Commands, Clock: l.now, Swept: func(n int) { counted += n },
	})
	require.NoError(t, err)
	token := func(name string) *apitest.Session {
		return l.bearer(l.ada, l.token(l.ada, "me", object{"token_name": name, "lifetime": 10 * 24 * hour}))
	}
	unused, used := token("unused"), token("used")
	sweep := func(want int) {
		t.Helper()
		n, err := keys.Sweep(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	said := func(s *apitest.Session) string {
		a := s.Do(http.MethodGet, path("me", ""), nil, nil)
		if a.Status == http.StatusOK {
			return ""
		}
		return a.Map(l.System)["message"].(string) + " " + fmt.Sprint(a.Map(l.System)["detail"])
	}
	for range 6 {
		l.pass(6 * day)
		require.Empty(t, said(used), "it lives by its use")
	}
	ada := l.Login(l.ada.Email, apitest.Password)
	listed := func() []string { return names(l.tokens(ada, "me", "?include_expired=true")) }
	require.Contains(t, said(unused), "API key expired at ")
	sweep(3) // the first sessions of three people: what ended 26 days ago waits
	require.ElementsMatch(t, []string{"unused", "used"}, listed(), "made at one time, they come in any order")
	l.pass(5 * day)
	ada = l.Login(l.ada.Email, apitest.Password)
	sweep(2) // the token, and with it the session of five days ago
	require.Equal(t, []string{"used"}, listed())
	require.NotContains(t, said(unused), "expired at", "it is nobody's any more")
	require.Empty(t, said(used))
	l.token(ada, "me", object{"token_name": "unused"}) // its name is free
	require.Equal(t, 5, counted)

	history, err := l.Log.Read(t.Context(), events.Aggregate{Kind: events.User, ID: l.get(ada, path("me", ""))["id"].(string)}, 1)
	require.NoError(t, err)
	swept := 0
	for _, e := range history {
		if p, ok := e.Payload.(*events.UserCredentialsSwept); ok {
			swept += len(p.KeyIDs)
		}
	}
	require.Equal(t, 3, swept)
	sweep(0)
}
