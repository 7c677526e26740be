package reads_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/bench/wire"
)

const (
	many, few = 100_000, 100
	samples   = 400
)

// BenchmarkFeed reads feeds and statistics of a user with 100,000 activities, one
// request after the other, the first page beside that of a user with 100. Codimir
// shows 80,000 of them: it knows no commits.
func BenchmarkFeed(b *testing.B) {
	s := startAPI(b)
	s.record(b, "ada", many)
	s.do(b, http.MethodPost, "/v1/users", `{"username":"grace"}`)
	s.record(b, "grace", few)
	for range b.N {
		for name, path := range map[string]string{
			"first-page-of-100000": "/v1/users/ada/activities?limit=20",
			"first-page-of-100":    "/v1/users/grace/activities?limit=20",
			"page-2000-by-offset":  "/api/user/activity?limit=20&page=2000", // the middle: the worst
			"page-4000-by-offset":  "/api/user/activity?limit=20&page=4000",
			"statistics-of-a-year": "/v1/users/me/statistics?period=year",
		} {
			if strings.Contains(path, "limit=20") {
				require.Equal(b, 20, strings.Count(string(s.do(b, http.MethodGet, path, "")), `"type":`), "a full page of %s", name)
			}
			ask := wire.Request("GET", path, s.token, "")
			one(b, s, ask, samples/10)
			one(b, s, ask, samples).report(b, name)
		}
		b.ReportMetric(0, "ns/op")
	}
}

// record makes activities of a user, spread over a year, and waits for them.
func (s *server) record(b *testing.B, username string, n int) {
	b.Helper()
	var lines strings.Builder
	types := []string{"ticket", "comment", "commit", "review", "project"}
	now := time.Now().UTC()
	for i := range n {
		at := now.Add(-time.Duration(i) * (365 * 24 * time.Hour / time.Duration(n)))
		fmt.Fprintf(&lines, `{"source":"bench","id":"%s-%d","user":{"username":%q},"type":%q,"action":"created","entity":{"id":"E-%d","title":"Title %d"},"project":{"id":"P-%d"},"occurredAt":%q}`+"\n",
			username, i, username, types[i%len(types)], i, i, i%50, at.Format(time.RFC3339))
	}
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, s.url+"/v1/activities", strings.NewReader(lines.String()))
	require.NoError(b, err)
	req.Header.Set("Content-Type", "application/x-ndjson")
	req.Header.Set("Authorization", "Bearer "+s.token)
	res, err := http.DefaultClient.Do(req)
	require.NoError(b, err)
	require.NoError(b, res.Body.Close())
	require.Equal(b, http.StatusOK, res.StatusCode)
	s.settle(b, "/v1/users/"+username+"/activities")
	s.settle(b, "/v1/users/"+username+"/statistics?period=year")
}
