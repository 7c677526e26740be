package reads_test

import (
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/bench/wire"
)

const connections = 64

// outcome is what a load measured.
type outcome struct {
	perSecond float64
	p50, p99  time.Duration
	cpu       time.Duration // of the server's process, per request
}

// report adds the figures to a benchmark's line under a name.
func (o outcome) report(b *testing.B, name string) {
	b.Helper()
	b.ReportMetric(o.perSecond, name+"-req/s")
	b.ReportMetric(float64(o.cpu.Nanoseconds())/1e3, name+"-cpu-us/req")
	b.ReportMetric(float64(o.p50.Microseconds())/1e3, name+"-p50-ms")
	b.ReportMetric(float64(o.p99.Microseconds())/1e3, name+"-p99-ms")
}

// load sends requests over 64 connections for a while; of returns the n-th
// request of a connection.
func load(b *testing.B, s *server, lasts time.Duration, of func(connection, n int) []byte) outcome {
	b.Helper()
	var all sync.WaitGroup
	var done atomic.Bool
	took := make([][]time.Duration, connections)
	before, began := s.cpu(b), time.Now()
	for i := range connections {
		all.Go(func() {
			conn, err := wire.Dial(b.Context(), s.url)
			if err != nil {
				b.Error(err)
				return
			}
			defer conn.Close()
			for n := 0; !done.Load(); n++ {
				sent := time.Now()
				if err := conn.Exchange(of(i, n), "200"); err != nil {
					b.Error(err)
					return
				}
				took[i] = append(took[i], time.Since(sent))
			}
		})
	}
	<-time.After(lasts)
	done.Store(true)
	all.Wait()
	elapsed, used := time.Since(began), s.cpu(b)-before
	every := slices.Concat(took...)
	require.NotEmpty(b, every)
	slices.Sort(every)
	return outcome{
		perSecond: float64(len(every)) / elapsed.Seconds(), p50: every[len(every)/2], p99: every[len(every)*99/100],
		cpu: used / time.Duration(len(every)),
	}
}

// cpu is what a process has used so far, from /proc.
func (s *server) cpu(b *testing.B) time.Duration {
	b.Helper()
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(s.pid) + "/stat")
	require.NoError(b, err)
	_, rest, _ := strings.Cut(string(raw), ") ")
	fields := strings.Fields(rest)
	var ticks int64
	for _, f := range fields[11:13] { // user and system time
		n, err := strconv.ParseInt(f, 10, 64)
		require.NoError(b, err)
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// get makes one request with the usual client.
func (s *server) do(b *testing.B, method, path, body string) []byte {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), method, s.url+path, strings.NewReader(body))
	require.NoError(b, err)
	req.Header.Set("Content-Type", "application/json")
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(b, err)
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	require.NoError(b, err)
	require.Less(b, res.StatusCode, 300, "%s %s: %s", method, path, answer)
	return answer
}

// one sends requests over one connection, one after the other.
func one(b *testing.B, s *server, ask []byte, n int) outcome {
	b.Helper()
	conn, err := wire.Dial(b.Context(), s.url)
	require.NoError(b, err)
	defer conn.Close()
	took := make([]time.Duration, n)
	before, began := s.cpu(b), time.Now()
	for i := range took {
		sent := time.Now()
		require.NoError(b, conn.Exchange(ask, "200"))
		took[i] = time.Since(sent)
	}
	elapsed := time.Since(began)
	slices.Sort(took)
	return outcome{
		perSecond: float64(n) / elapsed.Seconds(), p50: took[n/2], p99: took[n*99/100],
		cpu: (s.cpu(b) - before) / time.Duration(n),
	}
}
