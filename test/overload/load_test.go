package overload_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// tally counts answers.
type tally struct {
	answered, refused atomic.Int64

	mu    sync.Mutex
	wrong []string
}

func (a *tally) count(status int, answer []byte, err error) {
	switch {
	case err != nil:
		a.complain(err.Error())
	case refusal(status):
		a.refused.Add(1)
	case status == http.StatusOK:
		a.answered.Add(1)
	default:
		a.complain(fmt.Sprintf("%d %s", status, answer))
	}
}

func (a *tally) complain(text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.wrong = append(a.wrong, text)
}

// mixed makes the n-th request of a load: three reads to one write.
func (s *server) mixed(c *http.Client, n int) (int, []byte, error) {
	switch n % 4 {
	case 0:
		return s.call(c, http.MethodPatch, "/v1/users/me", fmt.Sprintf(`{"name":"name %d"}`, n))
	case 1:
		return s.call(c, http.MethodGet, "/v1/users?limit=10", "")
	default:
		return s.call(c, http.MethodGet, "/v1/users/me", "")
	}
}

// sustainable is how many requests a second get an answer when each client waits for
// the one before.
func (s *server) sustainable(clients int, d time.Duration) float64 {
	var all tally
	end := time.Now().Add(d)
	var group sync.WaitGroup
	for i := range clients {
		group.Go(func() {
			for n := i; time.Now().Before(end); n += clients {
				all.count(s.mixed(s.client, n))
			}
		})
	}
	group.Wait()
	return float64(all.answered.Load()) / d.Seconds()
}

// step is how often an open load makes requests.
const step = 5 * time.Millisecond

// mostOpen bounds what the test itself keeps open. A client with more of them than
// this waits, which only those can bring about who leave requests without answers.
const mostOpen = 6000

// flood sends so many requests a second, whatever becomes of those before.
func (s *server) flood(t *testing.T, rate float64, d time.Duration) *tally {
	t.Helper()
	all := &tally{}
	room := make(chan struct{}, mostOpen)
	var group sync.WaitGroup
	began := time.Now()
	tick := time.NewTicker(step)
	defer tick.Stop()
	sent := 0
	for now := began; now.Sub(began) < d; now = <-tick.C {
		for due := int(now.Sub(began).Seconds() * rate); sent < due; sent++ {
			room <- struct{}{}
			n := sent
			group.Go(func() {
				all.count(s.mixed(s.client, n))
				<-room
			})
		}
	}
	group.Wait()
	return all
}

// watch calls f again and again, until it is stopped, and tells its errors.
func watch(every time.Duration, f func() error) (stop func() []string) {
	done, ended := make(chan struct{}), make(chan []string, 1)
	go func() {
		var wrong []string
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			if err := f(); err != nil {
				wrong = append(wrong, err.Error())
			}
			select {
			case <-tick.C:
			case <-done:
				ended <- wrong
				return
			}
		}
	}()
	return func() []string {
		close(done)
		return <-ended
	}
}
