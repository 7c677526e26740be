package bench_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

const exported = 1_000_000

// BenchmarkExport exports a log of a million events to Parquet by the command line,
// beside what the server sends to a client that throws it away.
func BenchmarkExport(b *testing.B) {
	bin, err := binary()
	require.NoError(b, err)
	p := start(b, "ROSTER_SYNC=interval")
	p.fill(b, exported)
	p.caughtUp(b, 10*time.Minute)
	for range b.N {
		events, took := p.exports(b, bin)
		served := p.served(b)
		b.ReportMetric(events/took.Seconds(), "events/s")
		b.ReportMetric(events/served.Seconds(), "served/s")
		b.ReportMetric(p.residentMiB(b), "MiB-resident")
	}
}

// fill records activities of the user who is signed in.
func (p *process) fill(b *testing.B, n int) {
	b.Helper()
	patient := *p
	patient.client = &http.Client{Transport: p.client.Transport} // projectors work at the same time
	const atOnce = 5000
	var group errgroup.Group
	group.SetLimit(4)
	for first := 0; first < n; first += atOnce {
		group.Go(func() error {
			var body strings.Builder
			for i := first; i < first+atOnce; i++ {
				fmt.Fprintf(&body, `{"source":"bench","id":"%d","user":{"username":"ada"},"type":"ticket","action":"created",`+
					`"entity":{"id":"T-%d","title":"Ticket number %d"},"project":{"id":"P-%d","name":"Project"},"occurredAt":"2026-05-03T10:%02d:00Z"}`+"\n",
					i, i, i, i%100, i%60)
			}
			status, answer, _ := patient.do(b, http.MethodPost, "/v1/activities", body.String(), http.Header{"Content-Type": {"application/x-ndjson"}})
			if status != http.StatusOK {
				return fmt.Errorf("record: %d %s", status, answer)
			}
			return nil
		})
	}
	require.NoError(b, group.Wait())
}

var exportedLine = regexp.MustCompile(`^exported (\d+) events`)

func (p *process) exports(b *testing.B, bin string) (events float64, took time.Duration) {
	b.Helper()
	dir, err := os.MkdirTemp("/tmp", "roster-bench-export")
	require.NoError(b, err)
	defer func() { _ = os.RemoveAll(dir) }()
	cmd := exec.Command(filepath.Join(bin, "roster"), "export", "--out", dir)
	cmd.Env = append(os.Environ(), "ROSTER_SERVER="+p.url, "ROSTER_TOKEN="+p.token)
	began := time.Now()
	out, err := cmd.Output()
	took = time.Since(began)
	require.NoError(b, err, "%s", out)
	m := exportedLine.FindSubmatch(out)
	require.NotNil(b, m, "%s", out)
	events, err = strconv.ParseFloat(string(m[1]), 64)
	require.NoError(b, err)
	require.GreaterOrEqual(b, events, float64(exported))
	return events, took
}

// served reads all events and throws them away.
func (p *process) served(b *testing.B) time.Duration {
	b.Helper()
	return p.servedAt(b, "/v1/events?format=ndjson&stream=roster") + p.servedAt(b, "/v1/events?format=ndjson&stream=activity")
}
