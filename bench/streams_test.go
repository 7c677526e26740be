package bench_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	streamClients  = 10_000
	streamUsers    = 1_000 // so that each event goes to ten clients
	streamRate     = 1_000 // events a second
	streamSeconds  = 10
	streamPosters  = 48
	streamDialling = 64
)

// BenchmarkStreams holds 10,000 clients of /v1/users/{id}/activities/stream open
// over HTTP/1.1, says what an idle one costs, and then records 1,000 activities a
// second, each for ten of them: how long after the answer to the recording does
// the activity arrive. The clients are goroutines of this process, on the same
// machine.
func BenchmarkStreams(b *testing.B) {
	for range b.N {
		p := start(b, "ROSTER_SYNC=always")
		users := p.registerMany(b, streamUsers)
		p.caughtUp(b, time.Minute)
		before := p.settled(b)
		c := p.openStreams(b, users)
		idle := p.settled(b)
		b.ReportMetric((idle-before)*1024/streamClients, "KiB/idle-client")
		b.ReportMetric(idle, "MiB-resident")
		c.measure(b, p, users)
		c.close()
	}
}

// registerMany makes users and returns their ids.
func (p *process) registerMany(b *testing.B, n int) []string {
	b.Helper()
	ids := make([]string, n)
	each(n, 64, func(i int) {
		_, answer, _ := p.do(b, http.MethodPost, "/v1/users", fmt.Sprintf(`{"username":"u%d"}`, i), nil)
		var user struct{ ID string }
		if err := json.Unmarshal(answer, &user); err != nil || user.ID == "" {
			b.Errorf("register: %s", answer)
		}
		ids[i] = user.ID
	})
	return ids
}

// settled waits until the process's memory does not fall any more, and returns it.
func (p *process) settled(b *testing.B) float64 {
	b.Helper()
	least := p.residentMiB(b)
	for still := 0; still < 8; {
		<-time.After(time.Second) // there is no event for memory that is given back
		now := p.residentMiB(b)
		if still++; now < least-0.5 {
			still = 0
		}
		least = min(least, now)
	}
	return least
}

// listeners are the clients.
type listeners struct {
	conns   []net.Conn
	running sync.WaitGroup

	mu       sync.Mutex
	arrivals map[string][]time.Time // of each source id
	total    atomic.Int64
}

func (p *process) openStreams(b *testing.B, users []string) *listeners {
	b.Helper()
	c := &listeners{conns: make([]net.Conn, streamClients), arrivals: map[string][]time.Time{}}
	address, err := url.Parse(p.url)
	require.NoError(b, err)
	took := each(streamClients, streamDialling, func(i int) {
		conn, err := net.Dial("tcp", address.Host)
		if err != nil {
			b.Error(err)
			return
		}
		c.conns[i] = conn
		_, _ = fmt.Fprintf(conn, "GET /v1/users/%s/activities/stream?type=commit HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %s\r\n\r\n",
			users[i%len(users)], p.token)
		reader := bufio.NewReaderSize(conn, 2048)
		status, err := reader.ReadString('\n')
		if err != nil || !strings.Contains(status, " 200 ") {
			b.Errorf("stream %d: %s %v", i, status, err)
			return
		}
		c.running.Go(func() { c.listen(reader) })
	})
	require.False(b, b.Failed())
	b.ReportMetric(streamClients/took.Seconds(), "opened/s")
	return c
}

var sourceID = []byte(`"sourceId":"`)

func (c *listeners) listen(reader *bufio.Reader) {
	for {
		line, err := reader.ReadSlice('\n')
		if err != nil {
			return
		}
		_, rest, ok := bytes.Cut(line, sourceID)
		if !ok {
			continue
		}
		now := time.Now()
		id, _, _ := bytes.Cut(rest, []byte{'"'})
		c.mu.Lock()
		c.arrivals[string(id)] = append(c.arrivals[string(id)], now)
		c.mu.Unlock()
		c.total.Add(1)
	}
}

func (c *listeners) close() {
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.running.Wait()
}

// measure records at a steady rate and compares answers with arrivals.
func (c *listeners) measure(b *testing.B, p *process, users []string) {
	b.Helper()
	const n = streamRate * streamSeconds
	answered := make([]time.Time, n)
	began := time.Now()
	took := each(n, streamPosters, func(i int) {
		<-time.After(time.Until(began.Add(time.Duration(i) * time.Second / streamRate))) // the rate
		body := fmt.Sprintf(`{"source":"bench","id":"%d","user":{"id":%q},"type":"commit","action":"pushed","entity":{"id":"web"},"occurredAt":"2026-01-01T00:00:00Z"}`,
			i, users[i%len(users)])
		status, answer, _ := p.do(b, http.MethodPost, "/v1/activities", body, nil)
		answered[i] = time.Now()
		if status != http.StatusOK {
			b.Errorf("record: %d %s", status, answer)
		}
	})
	const each = streamClients / streamUsers
	for deadline := time.Now().Add(10 * time.Second); c.total.Load() < n*each && time.Now().Before(deadline); {
		<-time.After(10 * time.Millisecond)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var latencies []float64
	lost, twice := 0, 0
	for i, at := range answered {
		arrived := c.arrivals[fmt.Sprint(i)]
		lost += max(0, each-len(arrived))
		twice += max(0, len(arrived)-each)
		for _, t := range arrived {
			latencies = append(latencies, float64(t.Sub(at).Microseconds())/1000)
		}
	}
	slices.Sort(latencies)
	require.NotEmpty(b, latencies)
	b.ReportMetric(n/took.Seconds(), "events/s")
	b.ReportMetric(latencies[len(latencies)/2], "p50-ms")
	b.ReportMetric(latencies[len(latencies)*99/100], "p99-ms")
	b.ReportMetric(float64(lost), "lost")
	b.ReportMetric(float64(twice), "twice")
}
