package bench_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/bench/wire"
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

// send sends requests 0..n-1 over all connections at once, each answered with that
// status, and returns how long it took.
func (p *process) send(b *testing.B, n int, status string, of func(i int) []byte) time.Duration {
	b.Helper()
	free := make(chan *wire.Conn, connections)
	for range connections {
		conn, err := wire.Dial(b.Context(), p.url)
		require.NoError(b, err)
		defer conn.Close()
		free <- conn
	}
	return each(n, connections, func(i int) {
		conn := <-free
		if err := conn.Exchange(of(i), status); err != nil {
			b.Error(err)
		}
		free <- conn
	})
}

// BenchmarkRegistration registers users over HTTP, 128 at once, each answered
// after fsync, without password hashing. Its limit: the same connections asking
// for an answer from memory.
func BenchmarkRegistration(b *testing.B) {
	p := start(b, "ROSTER_SYNC=always")
	for range b.N {
		health := wire.Request(http.MethodGet, "/healthz", "", "")
		limit := p.send(b, registrations, "200", func(int) []byte { return health })
		took := p.send(b, registrations, "201", func(i int) []byte {
			name := fmt.Sprintf("u%d-%d", time.Now().UnixNano()%1e9, i)
			return wire.Request(http.MethodPost, "/v1/users", p.token,
				fmt.Sprintf(`{"username":%q,"email":"%s@example.com","name":"User %d"}`, name, name, i))
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
