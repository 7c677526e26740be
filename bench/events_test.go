package bench_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

const eventsServed = 200_000

// BenchmarkEvents reads the whole log by GET /v1/events, all of it and without a
// filter, as a client that throws it away. Memory is what the process takes more
// at its end than after having answered the same before.
func BenchmarkEvents(b *testing.B) {
	p := start(b, "ROSTER_SYNC=interval")
	p.fill(b, eventsServed)
	p.caughtUp(b, 10*time.Minute)
	p.servedAt(b, "/v1/events?format=ndjson") // what the broker keeps of blocks it read is there from now on
	for range b.N {
		before := p.residentMiB(b)
		used := p.cpu(b)
		took := p.servedAt(b, "/v1/events?format=ndjson")
		b.ReportMetric(float64((p.cpu(b)-used).Microseconds())/eventsServed, "us-cpu/event")
		b.ReportMetric(eventsServed/took.Seconds(), "events/s")
		b.ReportMetric(max(p.residentMiB(b)-before, 0), "MiB-more")
		b.ReportMetric(0, "ns/op")
	}
}

// awaitCheckpoint waits until a read model is at a sequence.
func awaitCheckpoint(b *testing.B, dsn string, sequence uint64) {
	b.Helper()
	conn, err := pgx.Connect(b.Context(), dsn)
	require.NoError(b, err)
	defer func() { _ = conn.Close(context.Background()) }()
	_, err = conn.Exec(b.Context(), "listen roster_checkpoint")
	require.NoError(b, err)
	for {
		var at int64
		require.NoError(b, conn.QueryRow(b.Context(), "select coalesce(max(sequence), 0) from roster.checkpoints").Scan(&at))
		if uint64(at) >= sequence {
			return
		}
		_, err := conn.WaitForNotification(b.Context())
		require.NoError(b, err)
	}
}

// servedAt reads an answer and throws it away.
func (p *process) servedAt(b *testing.B, path string) time.Duration {
	b.Helper()
	began := time.Now()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, p.url+path, nil)
	require.NoError(b, err)
	req.Header.Set("Authorization", "Bearer "+p.token)
	client := &http.Client{Transport: p.client.Transport} // without its time-out
	res, err := client.Do(req)
	require.NoError(b, err)
	require.Equal(b, http.StatusOK, res.StatusCode)
	_, err = io.Copy(io.Discard, bufio.NewReaderSize(res.Body, 256<<10))
	require.NoError(b, err)
	require.NoError(b, res.Body.Close())
	return time.Since(began)
}

// cpu is the processor time that the process has used.
func (p *process) cpu(b *testing.B) time.Duration {
	b.Helper()
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(p.pid) + "/stat")
	require.NoError(b, err)
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	user, err := strconv.Atoi(fields[11])
	require.NoError(b, err)
	system, err := strconv.Atoi(fields[12])
	require.NoError(b, err)
	return time.Duration(user+system) * 10 * time.Millisecond // Linux counts in hundredths
}
