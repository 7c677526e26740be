package bench_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkImport imports the sample hour of public activity twice, provisioning
// and projections included, and takes the process's memory after it.
func BenchmarkImport(b *testing.B) {
	sample := os.Getenv("ROSTER_SAMPLE_DATA")
	if sample == "" {
		b.Skip("ROSTER_SAMPLE_DATA names no file of GH Archive")
	}
	bin, err := binary()
	require.NoError(b, err)
	for range b.N {
		p := start(b, "ROSTER_SYNC=always")
		b.ReportMetric(p.imports(b, bin, sample), "s-first")
		b.ReportMetric(p.imports(b, bin, sample), "s-again")
		b.ReportMetric(p.residentMiB(b), "MiB-resident")
	}
}

func (p *process) imports(b *testing.B, bin, file string) float64 {
	b.Helper()
	started := time.Now()
	cmd := exec.CommandContext(b.Context(), filepath.Join(bin, "roster"), "import", "gharchive", file)
	cmd.Env = append(os.Environ(), "ROSTER_SERVER="+p.url, "ROSTER_TOKEN="+p.token)
	out, err := cmd.CombinedOutput()
	require.NoError(b, err, string(out))
	followed := p.caughtUp(b, time.Minute)
	b.Logf("%s", out)
	return followed.Sub(started).Seconds()
}
