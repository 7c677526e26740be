package eventlog

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/rosterhq/roster/events"
)

// unit is what is stored whole or not at all: one commit. The committer owns
// its messages from submit on.
type unit struct {
	msgs     []*nats.Msg
	expected []uint64 // of each message's subject; unguarded for a later event of the same commit
	deciding int      // the message whose place in the log says whether the unit is stored: a commit's first event

	first uint64 // answer: the sequence of the first message
	err   error  // answer
	call  *call
}

// unguarded marks a message without an expectation.
const unguarded = ^uint64(0)

// call is one submission: done is closed when all its units are answered.
type call struct {
	open int
	done chan struct{}
}

// answered tells the caller that the unit has its answer. Only the committer's
// goroutine counts.
func (u *unit) answered() {
	if u.call.open--; u.call.open == 0 {
		close(u.call.done)
	}
}

// limits of a committer.
type limits struct {
	queue    int // units that may wait; more are refused
	units    int // in a group
	messages int // in a group
	linger   time.Duration
}

// committer merges the commits of concurrent writers. One goroutine takes what
// waits, publishes it as one group and answers each unit for itself.
//
// A small group goes as plain publishes, a larger one, and any with a unit of
// several messages, as one atomic batch: a batch costs as much as about ten
// synced publishes, whatever its size. Where the border lies is measured as it
// goes (pace), since without a sync at each publish it is far higher.
//
// A unit that touches a subject already in the group waits for the next one. A
// refused batch is sifted and halved until the unit at fault stands alone.
type committer struct {
	pub    publisher
	limits limits
	// lasts returns the last sequence of each subject, or 0; it may lag.
	lasts func(ctx context.Context, subjects []string) ([]uint64, error)

	around atomic.Int32 // calls being prepared or waiting

	mu     sync.Mutex
	queue  []*unit
	closed bool
	wake   chan struct{} // 1: there is something in the queue, or it was closed

	ctx    context.Context // of the publishes; ends when Close gives up waiting
	cancel context.CancelFunc
	done   chan struct{}

	pace     pace
	batched  bool // the last group went as a batch
	answered int  // calls in the last group
	recent   int  // calls in the last groups, falling slowly

	// Reused by the goroutine.
	group    []*unit
	msgs     []*nats.Msg
	acks     []ack
	subjects map[string]struct{}
	deferred bool              // the last take left units behind for their subjects
	stored   map[string]uint64 // last sequences of the last group, where units were left behind
}

func newCommitter(pub publisher, l limits, lasts func(context.Context, []string) ([]uint64, error)) *committer {
	c := &committer{
		pub: pub, limits: l, lasts: lasts, pace: newPace(),
		wake: make(chan struct{}, 1), done: make(chan struct{}),
		msgs: make([]*nats.Msg, 0, l.messages), subjects: make(map[string]struct{}, l.messages), stored: map[string]uint64{},
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// enter and leave frame a call from its preparation on, so that a group knows
// for how many it is worth to linger.
func (c *committer) enter() { c.around.Add(1) }
func (c *committer) leave() { c.around.Add(-1) }

// submit stores units, each for itself, and returns when all have their
// answers. An error means that there are none to look at: events.ErrUnavailable
// when nothing was stored, errUnknown when the caller's context ended first.
// The units go their way all the same then.
func (c *committer) submit(ctx context.Context, units ...*unit) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", events.ErrUnavailable, err)
	}
	waiting := &call{open: len(units), done: make(chan struct{})}
	for _, u := range units {
		u.call = waiting
	}
	if err := c.enqueue(units); err != nil {
		return err
	}
	select {
	case <-waiting.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", errUnknown, ctx.Err())
	}
}

func (c *committer) enqueue(units []*unit) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return fmt.Errorf("%w: the log is closed", events.ErrUnavailable)
	}
	// A call larger than the queue passes when it is alone.
	if len(c.queue) > 0 && len(c.queue)+len(units) > c.limits.queue {
		return fmt.Errorf("%w: %d commits are waiting", events.ErrUnavailable, len(c.queue))
	}
	c.queue = append(c.queue, units...)
	c.signal()
	return nil
}

func (c *committer) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// run is the committer's goroutine. It ends when the queue is closed and empty.
func (c *committer) run() {
	defer close(c.done)
	for {
		waiting, closed := c.waiting()
		if waiting == 0 {
			if closed {
				return
			}
			<-c.wake
			continue
		}
		if !closed {
			c.linger(waiting)
		}
		c.take()
		c.publish()
		c.refuseLate()
		for _, u := range c.group {
			u.answered()
		}
		clear(c.group)
	}
}

func (c *committer) waiting() (int, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.queue), c.closed
}

// take moves the next group out of the queue.
func (c *committer) take() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.group = c.group[:0]
	clear(c.subjects)
	messages, calls := 0, 0
	var last *call
	c.deferred = false
	kept := c.queue[:0]
	for i, u := range c.queue {
		if len(c.group) == c.limits.units || (messages > 0 && messages+len(u.msgs) > c.limits.messages) {
			kept = append(kept, c.queue[i:]...)
			break
		}
		if c.touches(u) {
			kept = append(kept, u)
			c.deferred = true
			continue
		}
		for _, m := range u.msgs {
			c.subjects[m.Subject] = struct{}{}
		}
		messages += len(u.msgs)
		if u.call != last {
			calls, last = calls+1, u.call
		}
		c.group = append(c.group, u)
	}
	clear(c.queue[len(kept):])
	c.queue = kept
	c.answered = calls
	c.recent = max(calls, c.recent-1-c.recent/8)
}

func (c *committer) touches(u *unit) bool {
	for _, m := range u.msgs {
		if _, ok := c.subjects[m.Subject]; ok {
			return true
		}
	}
	return false
}

// refuseLate answers those left behind that the group just stored made late, so
// that many writers on one subject cost one publish, not one each.
func (c *committer) refuseLate() {
	if !c.deferred {
		return
	}
	clear(c.stored)
	for _, u := range c.group {
		for i, m := range u.msgs {
			if u.err == nil {
				c.stored[m.Subject] = u.first + uint64(i)
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := c.queue[:0]
	for _, u := range c.queue {
		if c.late(u) {
			u.err = fmt.Errorf("%w: a newer message was just stored", events.ErrConflict)
			u.answered()
			continue
		}
		kept = append(kept, u)
	}
	clear(c.queue[len(kept):])
	c.queue = kept
}

func (c *committer) late(u *unit) bool {
	for i, m := range u.msgs {
		if u.expected[i] != unguarded && c.stored[m.Subject] > u.expected[i] {
			return true
		}
	}
	return false
}

// close refuses new commits, lets those that wait go out, and ends the
// goroutine. When ctx ends first, what is left is answered as unknown.
func (c *committer) close(ctx context.Context) error {
	c.mu.Lock()
	c.closed = true
	c.signal()
	c.mu.Unlock()
	defer c.pub.close()
	defer c.cancel()
	select {
	case <-c.done:
		return nil
	case <-ctx.Done():
		c.cancel()
		<-c.done
		return fmt.Errorf("stop committer: %w", ctx.Err())
	}
}
