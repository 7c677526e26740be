package bench_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	burst       = 50_000
	feedReaders = 100
	feedItems   = 40 // of each reader, before
	readFor     = 3 * time.Second
)

// BenchmarkBurst records a burst of activities of some users while others read
// their own feeds. Its limit: the same reads when nothing else happens.
func BenchmarkBurst(b *testing.B) {
	p := start(b, "ROSTER_SYNC=always")
	names := make([]string, 2*feedReaders) // the first half reads, the other half is busy
	for i := range names {
		names[i] = fmt.Sprintf("reader-%d", i)
	}
	each(len(names), 32, func(i int) { p.do(b, http.MethodPost, "/v1/users", fmt.Sprintf(`{"username":%q}`, names[i]), nil) })
	p.record(b, "before", names[:feedReaders], feedReaders*feedItems)
	p.caughtUp(b, time.Minute)
	for n := range b.N {
		idle := p.readFeeds(b, names[:feedReaders], func() { <-time.After(readFor) })
		var took time.Duration
		loaded := p.readFeeds(b, names[:feedReaders], func() {
			began := time.Now()
			p.record(b, fmt.Sprintf("burst-%d", n), names[feedReaders:], burst)
			p.caughtUp(b, time.Minute)
			took = time.Since(began)
		})
		b.ReportMetric(percentile(idle, 99), "ms-p99-idle")
		b.ReportMetric(percentile(loaded, 99), "ms-p99-burst")
		b.ReportMetric(percentile(loaded, 99)/percentile(idle, 99), "of-idle")
		b.ReportMetric(burst/took.Seconds(), "recorded-and-projected/s")
	}
}

// record sends activities of users in turn, as one NDJSON stream.
func (p *process) record(b *testing.B, source string, users []string, n int) {
	b.Helper()
	var lines strings.Builder
	for i := range n {
		fmt.Fprintf(&lines, `{"source":%q,"id":"%d","user":{"username":%q},"type":"comment","action":"created","entity":{"id":"e%d"},"occurredAt":"2026-05-03T10:00:00Z"}`+"\n",
			source, i, users[i%len(users)], i)
	}
	status, answer, _ := p.do(b, http.MethodPost, "/v1/activities", lines.String(), http.Header{"Content-Type": {"application/x-ndjson"}})
	require.Equal(b, http.StatusOK, status, string(answer))
	require.Contains(b, string(answer), fmt.Sprintf(`"accepted":%d`, n))
}

// readFeeds reads feeds from as many clients as users until during returns, and
// returns how long each read took, sorted.
func (p *process) readFeeds(b *testing.B, users []string, during func()) []time.Duration {
	b.Helper()
	done := make(chan struct{})
	var mu sync.Mutex
	var all []time.Duration
	var group sync.WaitGroup
	for _, name := range users {
		group.Go(func() {
			var mine []time.Duration
			for {
				select {
				case <-done:
					mu.Lock()
					defer mu.Unlock()
					all = append(all, mine...)
					return
				default:
				}
				began := time.Now()
				if status, answer, _ := p.do(b, http.MethodGet, "/v1/users/"+name+"/activities?limit=20", "", nil); status != http.StatusOK {
					b.Errorf("read: %d %s", status, answer)
				}
				mine = append(mine, time.Since(began))
			}
		})
	}
	during()
	close(done)
	group.Wait()
	slices.Sort(all)
	return all
}

// percentile of sorted durations, in milliseconds.
func percentile(sorted []time.Duration, p int) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[len(sorted)*p/100]) / float64(time.Millisecond)
}
