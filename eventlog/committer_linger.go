package eventlog

import (
	"runtime"
	"time"
)

// crowd is how many calls make it worth to wait longer than a linger; coarse is
// for how long a timer is exact enough.
const (
	crowd  = 8
	coarse = time.Millisecond
)

// linger lets a group fill while others are about to come: those being encoded
// now, and as many as came to the last groups. A lone writer never waits. Where
// the group goes as a batch, waiting for a part of what a batch costs pays: all
// who come meanwhile share it.
func (c *committer) linger(waiting int) {
	worth := c.pace.worthWaiting(max(waiting, c.recent), c.batched)
	switch {
	case c.recent < crowd || worth <= c.limits.linger:
	case worth >= coarse:
		c.reunite(worth)
		return
	default:
		c.gather(waiting, worth)
		return
	}
	expect := max(int(c.around.Load()), c.recent)
	if expect <= 1 || waiting >= expect {
		return
	}
	for end := time.Now().Add(c.limits.linger); time.Now().Before(end); {
		runtime.Gosched()
		if waiting, _ = c.waiting(); waiting >= expect {
			return
		}
	}
}

// gather waits for as long as others keep coming, within patience.
func (c *committer) gather(waiting int, patience time.Duration) {
	now := time.Now()
	end, quiet := now.Add(patience), now.Add(c.limits.linger)
	for ; now.Before(end) && now.Before(quiet); now = time.Now() {
		runtime.Gosched() // timers are too coarse for so little
		before := waiting
		if waiting, _ = c.waiting(); waiting >= c.limits.units {
			return
		}
		if waiting > before {
			quiet = now.Add(c.limits.linger)
		}
	}
}

// reunite waits, within patience, for those who were just answered to come again,
// beside those who wait already. Without it writers fall into two crowds that take
// turns, and pay for two batches what one would do.
func (c *committer) reunite(patience time.Duration) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	waiting, closed := c.waiting()
	enough := min(waiting+c.answered, c.limits.units)
	enough -= enough / 8 // some never come
	for !closed && waiting < enough {
		select {
		case <-c.wake:
			waiting, closed = c.waiting()
		case <-timer.C:
			return
		}
	}
}
