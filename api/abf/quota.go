package abf

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/rosterhq/roster/api/gate"
)

// quotaKept bounds for how many callers the hour is counted.
const quotaKept = 16 << 10

// quota counts what a user, or an address, asks in an hour. A nil one counts
// nothing.
type quota struct {
	limit int
	clock func() time.Time

	mu    sync.Mutex
	spent *lru.Cache[string, hour]
}

// hour is what was asked since its start.
type hour struct {
	start time.Time
	asked int
}

// newQuota makes a quota of so many requests an hour; 0 means none.
func newQuota(limit int, clock func() time.Time) *quota {
	if limit <= 0 {
		return nil
	}
	spent, err := lru.New[string, hour](quotaKept)
	if err != nil { // only for a size below 1
		panic(err)
	}
	return &quota{limit: limit, clock: clock, spent: spent}
}

// spend counts a request and tells the client what is left.
func (q *quota) spend(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	if q == nil {
		return nil
	}
	who := "user " + c.UserID()
	if c.Anonymous() {
		who = "address " + gate.ClientAddress(r)
	}
	asked := q.count(who)
	w.Header().Set("X-RateLimit-Limit", strconv.Itoa(q.limit))
	w.Header().Set("X-RateLimit-Remaining", strconv.Itoa(max(q.limit-asked, 0)))
	if asked > q.limit {
		return errRateLimit
	}
	return nil
}

func (q *quota) count(who string) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.clock()
	h, ok := q.spent.Get(who)
	if !ok || now.Sub(h.start) >= time.Hour {
		h = hour{start: now}
	}
	h.asked++
	q.spent.Add(who, h)
	return h.asked
}
