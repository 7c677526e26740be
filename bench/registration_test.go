package bench_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	connections   = 128
	registrations = 20_000
)

// each calls do for 0..n-1 from a number of workers and returns how long it took.
func each(n, workers int, do func(i int)) time.Duration {
	var next atomic.Int64
	var group sync.WaitGroup
	started := time.Now()
	for range workers {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	group.Wait()
	return time.Since(started)
}

// BenchmarkRegistration registers users over HTTP, 128 at once, each answered
// after fsync, without password hashing. Its limit: the same connections asking
// for an answer from memory.
func BenchmarkRegistration(b *testing.B) {
	p := start(b, "ROSTER_SYNC=always")
	for range b.N {
		limit := each(registrations, connections, func(int) { p.do(b, http.MethodGet, "/healthz", "", nil) })
		took := each(registrations, connections, func(i int) {
			name := fmt.Sprintf("u%d-%d", time.Now().UnixNano()%1e9, i)
			status, answer, _ := p.do(b, http.MethodPost, "/v1/users", fmt.Sprintf(`{"username":%q,"email":"%s@example.com","name":"User %d"}`, name, name, i), nil)
			if status != http.StatusCreated {
				b.Errorf("registration: %d %s", status, answer)
			}
		})
		answered := time.Now()
		listed := p.modelCaughtUp(b, "users_v2", time.Minute)
		followed := p.caughtUp(b, time.Minute)
		b.ReportMetric(registrations/took.Seconds(), "registrations/s")
		b.ReportMetric(registrations/limit.Seconds(), "limit-req/s")
		b.ReportMetric(limit.Seconds()/took.Seconds(), "of-limit")
		b.ReportMetric(listed.Sub(answered).Seconds()*1000, "ms-until-users")
		b.ReportMetric(followed.Sub(answered).Seconds()*1000, "ms-until-all-models")
		b.ReportMetric(registrations/(took+followed.Sub(answered)).Seconds(), "followed/s")
	}
}
