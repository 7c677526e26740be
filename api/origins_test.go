package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
)

func TestPagesOfOtherOrigins(t *testing.T) {
	t.Parallel()
	asked := func(origin string) map[string]string {
		return map[string]string{
			"Origin": origin, "Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization,content-type",
		}
	}
	const page = "https://app.example.com"
	t.Run("none by default", func(t *testing.T) {
		t.Parallel()
		s := apitest.New(t)
		for _, a := range []apitest.Answer{s.Do("OPTIONS", "/v1/users", asked(page), nil), s.Do("GET", "/healthz", asked(page), nil)} {
			require.Empty(t, a.Header.Get("Access-Control-Allow-Origin"))
		}
	})
	t.Run("those that are listed", func(t *testing.T) {
		t.Parallel()
		s := apitest.New(t, apitest.WithOrigins(page))
		owner := s.FirstUser()
		a := s.Do("OPTIONS", "/v1/users/me", asked(page), nil)
		require.Equal(t, http.StatusNoContent, a.Status)
		require.Equal(t, page, a.Header.Get("Access-Control-Allow-Origin"))
		require.Equal(t, "PATCH", a.Header.Get("Access-Control-Allow-Methods"))
		require.Equal(t, "600", a.Header.Get("Access-Control-Max-Age"))

		a = owner.Do("GET", "/v1/users/me", map[string]string{"Origin": page}, nil)
		require.Equal(t, http.StatusOK, a.Status)
		require.Equal(t, page, a.Header.Get("Access-Control-Allow-Origin"))
		require.Contains(t, a.Header.Get("Access-Control-Expose-Headers"), "Roster-Position")
		require.Empty(t, a.Header.Get("Access-Control-Allow-Credentials"), "cookies stay at home")

		for _, other := range []string{"https://evil.example.com", "null", "https://app.example.com.evil.com", "http://app.example.com"} {
			require.Empty(t, s.Do("OPTIONS", "/v1/users/me", asked(other), nil).Header.Get("Access-Control-Allow-Origin"), other)
			require.Empty(t, owner.Do("GET", "/v1/users/me", map[string]string{"Origin": other}, nil).Header.Get("Access-Control-Allow-Origin"), other)
		}
	})
}
