package overload_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestOverload: twice of what can be done, a crowd at the sign-in, and slow clients,
// one after the other, on one server.
func TestOverload(t *testing.T) {
	p := planned(t)
	s := start(t, p)
	before := s.resident()
	s.twice(t, p)
	s.recovers(t)
	s.crowdAtSignIn(t)
	s.recovers(t)
	s.slow(t, p)
	s.recovers(t)
	after := s.resident()
	t.Logf("memory: %d MiB at the start, at most %d MiB", before, after)
	require.Less(t, after-before, p.memory, "MiB")
}

// bounded says what is wrong with the counts of requests.
func (s *server) bounded(p plan) func() error {
	return func() error {
		if err := s.health(s.client); err != nil {
			return err
		}
		m, err := s.metrics()
		if err != nil {
			return err
		}
		for name, most := range map[string]int{
			"roster_http_requests_at_work": p.requests, "roster_http_requests_waiting": p.requests, "roster_http_connections": p.connections,
		} {
			if n, ok := m[name]; !ok || n > float64(most) {
				return fmt.Errorf("%s is %v of %d", name, n, most)
			}
		}
		return nil
	}
}

// measuredBy is how many clients find out what can be done: fewer than would be
// refused.
const measuredBy = 16

func (s *server) twice(t *testing.T, p plan) {
	t.Helper()
	rate := s.sustainable(measuredBy, time.Second)
	require.Positive(t, rate)
	stop := watch(100*time.Millisecond, s.bounded(p))
	all := s.flood(t, 2*rate, p.overload)
	require.Empty(t, stop(), "while it was flooded")
	t.Logf("it can do %.0f requests a second; of twice as many, in %s, %d were answered and %d refused",
		rate, p.overload, all.answered.Load(), all.refused.Load())
	require.Empty(t, all.wrong)
	require.Positive(t, all.answered.Load())
	require.Positive(t, all.refused.Load(), "twice of what can be done is too much")
}

// recovers does what is usual again, without one refusal, within the time promised.
func (s *server) recovers(t *testing.T) {
	t.Helper()
	const enough = 20
	done := 0
	require.Eventually(t, func() bool {
		status, _, err := s.mixed(s.client, done)
		if err != nil || status != http.StatusOK {
			done = 0
			return false
		}
		done++
		return done >= enough
	}, recovery, time.Millisecond)
	require.NoError(t, s.health(s.client))
}

// crowdAtSignIn: more want to sign in than may wait; reads go on as if nobody did.
func (s *server) crowdAtSignIn(t *testing.T) {
	t.Helper()
	const (
		signingIn = 200
		reading   = 4
		least     = 20 // password hashes that are made meanwhile
	)
	var hashed, busy atomic.Int64
	var reads tally
	end := make(chan struct{})
	var group sync.WaitGroup
	over := func() bool {
		select {
		case <-end:
			return true
		default:
			return false
		}
	}
	for range signingIn {
		group.Go(func() {
			for !over() {
				status, _, err := s.call(s.client, http.MethodPost, "/api/v3/token/", `{"username":"ada","password":"wrong"}`)
				switch {
				case err == nil && refusal(status):
					busy.Add(1)
				case err == nil && status == http.StatusUnauthorized:
					hashed.Add(1)
				default:
					reads.complain(fmt.Sprintf("sign-in: %d %v", status, err))
				}
			}
		})
	}
	for range reading {
		group.Go(func() {
			for !over() {
				reads.count(s.call(s.client, http.MethodGet, "/v1/users/me", ""))
			}
		})
	}
	require.Eventually(t, func() bool { return hashed.Load() >= least }, patience, time.Millisecond)
	close(end)
	group.Wait()
	t.Logf("%d passwords were compared and %d refused, while %d reads were answered and %d refused",
		hashed.Load(), busy.Load(), reads.answered.Load(), reads.refused.Load())
	require.Empty(t, reads.wrong)
	require.Positive(t, busy.Load(), "more wanted to sign in than may wait")
	require.Greater(t, reads.answered.Load(), hashed.Load(), "reads are not kept waiting by passwords")
}

// slow: who comes with a request is heard, whoever else holds on to the server.
func (s *server) slow(t *testing.T, p plan) {
	t.Helper()
	fresh := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	idle := s.oneByOne(fresh, p.slowFor/4)
	stop := s.slowClients(p.slow)
	defer stop()
	require.Eventually(t, func() bool {
		m, err := s.metrics()
		return err == nil && m["roster_http_connections_cut_total"] > float64(p.slow)
	}, patience, 20*time.Millisecond, "the slow clients fill the connections")
	watched := watch(100*time.Millisecond, s.bounded(p))
	all := s.oneByOne(fresh, p.slowFor)
	wrong := watched()
	t.Logf("beside %d slow clients %d requests were answered and %d refused", 4*p.slow, all.answered.Load(), all.refused.Load())
	require.Empty(t, wrong)
	require.Empty(t, all.wrong)
	require.Zero(t, all.refused.Load())
	// At a sixteenth of the pace of before somebody holds the server.
	require.Greater(t, all.answered.Load(), idle.answered.Load()/4, "%d were answered in a quarter of the time before they came", idle.answered.Load())
}

// oneByOne makes one request after the other.
func (s *server) oneByOne(c *http.Client, d time.Duration) *tally {
	all := &tally{}
	end := time.Now().Add(d)
	for n := 0; time.Now().Before(end); n++ {
		all.count(s.mixed(c, n))
	}
	return all
}
