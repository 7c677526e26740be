package reads_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/bench/wire"
	"github.com/rosterhq/roster/internal/testenv"
)

// seeded is how many users the cold reads choose from.
const seeded = 20_000

// BenchmarkCold reads profiles that are not in memory, with a session that is,
// beside a bare handler with one prepared query for the same row.
func BenchmarkCold(b *testing.B) {
	dsn := testenv.Postgres(b)
	s := startAPI(b, "DATABASE_URL="+dsn, "ROSTER_CACHE_SIZE=0.3") // MiB: a few hundred users
	paths := s.users(b, seeded)
	limit := startLimit(b, []byte("{}"), "DATABASE_URL="+dsn)
	ours, bare := make([][]byte, len(paths)), make([][]byte, len(paths))
	for i, path := range paths {
		ours[i] = wire.Request("GET", path, s.token, "")
		bare[i] = wire.Request("GET", "/query"+strings.TrimPrefix(path, "/v1/users"), s.token, "")
	}
	any := func(of [][]byte) func(int, int) []byte {
		return func(int, int) []byte { return of[rand.IntN(len(of))] }
	}
	beside(b, s, limit, any(ours), any(bare))
}

// users makes users and returns their paths once they can be read.
func (s *server) users(b *testing.B, n int) []string {
	b.Helper()
	paths := make([]string, n)
	var all sync.WaitGroup
	for w := range connections {
		all.Go(func() {
			for i := w; i < n; i += connections {
				var u struct{ ID string }
				answer := s.do(b, http.MethodPost, "/v1/users", fmt.Sprintf(`{"username":"user-%d","email":"user-%d@example.com","name":"User %d"}`, i, i, i))
				if err := json.Unmarshal(answer, &u); err != nil {
					b.Error(err)
					return
				}
				paths[i] = "/v1/users/" + u.ID
			}
		})
	}
	all.Wait()
	s.settle(b, paths[n-1])
	return paths
}

// settle waits until a read is not stale.
func (s *server) settle(b *testing.B, path string) {
	b.Helper()
	require.Eventually(b, func() bool {
		req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, s.url+path, nil)
		require.NoError(b, err)
		req.Header.Set("Authorization", "Bearer "+s.token)
		res, err := http.DefaultClient.Do(req)
		require.NoError(b, err)
		defer res.Body.Close()
		return res.StatusCode == http.StatusOK && res.Header.Get("Roster-Stale") == ""
	}, 5*time.Minute, 10*time.Millisecond)
}
