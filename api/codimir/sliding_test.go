package codimir_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
)

// A session lives for as long after its last use as it was given at sign-in, and
// signing out ends it also when it is older than that.
func TestSessionLivesByUse(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	s := apitest.New(t, apitest.WithClock(func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }))
	ada := s.FirstUser()
	status := func() int {
		answer, err := ada.Try("GET", "/api/user/profile", nil, nil)
		require.NoError(t, err)
		return answer.Status
	}
	for range 4 { // a session of 24 hours, used every 20
		require.Equal(t, http.StatusOK, status())
		ahead.Add(int64(20 * time.Hour))
	}
	require.Equal(t, http.StatusOK, status())
	ahead.Add(int64(25 * time.Hour))
	require.Equal(t, http.StatusUnauthorized, status(), "a day without use ended it")
}
