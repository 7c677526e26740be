package gate

import (
	"strings"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// How wrong passwords are met. They count for an account and a network together: who
// guesses locks out nobody but those who come from where the guesses come from.
const (
	freeTries  = 10 // before anybody waits
	firstWait  = 6 * time.Second
	longestOut = 15 * time.Minute
	forgetting = time.Hour // without a try
)

// lockout makes those wait longer and longer who try to sign in to one account from
// one network in vain. It is safe for concurrent use.
type lockout struct {
	clock func() time.Time

	mu    sync.Mutex // looking and counting must be one step
	tries *lru.Cache[string, vain]
}

// vain is what was tried in vain.
type vain struct {
	times int
	last  time.Time
	until time.Time // nothing is tried before
}

func newLockout(clock func() time.Time) *lockout {
	tries, err := lru.New[string, vain](maxBuckets)
	if err != nil { // only for a size below 1
		panic(err)
	}
	return &lockout{clock: clock, tries: tries}
}

// attempt is the name of tries at an account from a network.
func attempt(account, network string) string {
	const most = 128
	account = strings.ToLower(account)
	if len(account) > most {
		account = account[:most]
	}
	return network + " " + account
}

// begin counts a try as one in vain, until it is known to be none: so tries at the
// same time do not slip through together. Who must wait is told for how long; it does
// not count.
func (l *lockout) begin(name string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock()
	v, _ := l.tries.Get(name)
	if now.Before(v.until) {
		return &Error{Reason: RateLimited, RetryAfter: max(v.until.Sub(now), time.Second)}
	}
	if now.Sub(v.last) >= forgetting {
		v = vain{}
	}
	v.times++
	v.last = now
	if over := v.times - freeTries; over >= 0 {
		v.until = now.Add(min(firstWait<<min(over, 16), longestOut))
	}
	l.tries.Add(name, v)
	return nil
}

// succeeded forgets what was tried in vain.
func (l *lockout) succeeded(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tries.Remove(name)
}

// takeBack forgets the last try.
func (l *lockout) takeBack(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	v, ok := l.tries.Get(name)
	if !ok {
		return
	}
	v.times, v.until = max(v.times-1, 0), time.Time{}
	l.tries.Add(name, v)
}
