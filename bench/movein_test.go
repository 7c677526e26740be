package bench_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const movers = 100_000

// BenchmarkMoveIn moves 100,000 users in with ids, hashes, an API key each and
// preferences, by the command line, twice: the second time nothing is new.
func BenchmarkMoveIn(b *testing.B) {
	bin, err := binary()
	require.NoError(b, err)
	file := moversFile(b)
	for range b.N {
		p := start(b, "ROSTER_SYNC=always")
		b.ReportMetric(movers/p.movesIn(b, bin, file, fmt.Sprintf("imported %d new", movers)).Seconds(), "users/s")
		b.ReportMetric(movers/p.movesIn(b, bin, file, fmt.Sprintf("imported 0 new, %d unchanged", movers)).Seconds(), "again/s")
		b.ReportMetric(p.residentMiB(b), "MiB-resident")
	}
}

func moversFile(b *testing.B) string {
	b.Helper()
	name := filepath.Join(b.TempDir(), "users.ndjson")
	file, err := os.Create(name)
	require.NoError(b, err)
	out := bufio.NewWriter(file)
	for i := range movers {
		_, err := fmt.Fprintf(out, `{"id":"0190c3a8-0000-7000-8000-%012x","number":%d,"username":"mover%d","email":"mover%d@example.com",`+
			`"name":"Mover %d","passwordHash":"$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",`+
			`"keys":[{"id":"%010d","secretHash":"%064x","name":"ci","expiresAt":"2090-01-01T00:00:00Z"}],`+
			`"preferences":{"abf-notifiers":{"can_notify":false}},"createdAt":"2019-05-03T10:00:00Z"}`+"\n", i, i+1000, i, i, i, i, i)
		require.NoError(b, err)
	}
	require.NoError(b, out.Flush())
	require.NoError(b, file.Close())
	return name
}

func (p *process) movesIn(b *testing.B, bin, file, want string) time.Duration {
	b.Helper()
	started := time.Now()
	cmd := exec.CommandContext(b.Context(), filepath.Join(bin, "roster"), "import", "users", file)
	cmd.Env = append(os.Environ(), "ROSTER_SERVER="+p.url, "ROSTER_TOKEN="+p.token)
	out, err := cmd.CombinedOutput()
	took := time.Since(started)
	require.NoError(b, err, string(out))
	require.Contains(b, string(out), want)
	b.Logf("%s", out)
	return took
}
