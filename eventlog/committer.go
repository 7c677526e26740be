package eventlog

import (
	"context"
	"fmt"
	"runtime"
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

// crowd is how many calls make it worth to wait longer than a linger.
const crowd = 8

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

	pace    pace
	batched bool // the last group went as a batch
	recent  int  // calls in the last groups, falling slowly

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

// linger lets a group fill while others are about to come: those being encoded
// now, and as many as came to the last groups. A lone writer never waits. Where
// the group goes as a batch, waiting for a part of what a batch costs pays: all
// who come meanwhile share it.
func (c *committer) linger(waiting int) {
	if worth := c.pace.worthWaiting(max(waiting, c.recent), c.batched); c.recent >= crowd && worth > c.limits.linger {
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

func (c *committer) publish() {
	single := true
	for _, u := range c.group {
		single = single && len(u.msgs) == 1
	}
	c.batched = !single || !c.pace.plain(len(c.group))
	if !c.batched {
		start := time.Now()
		c.publishPlain(c.group)
		c.pace.tookPlain(len(c.group), time.Since(start))
		return
	}
	start := time.Now()
	n, err := c.publishBatch(c.group)
	c.pace.tookBatch(n, time.Since(start))
	if err == nil {
		return
	}
	if !refusedGroup(err) || len(c.group) == 1 {
		fail(c.group, err)
		return
	}
	c.halve(c.sift(c.group))
}

func (c *committer) publishPlain(units []*unit) {
	c.msgs = c.msgs[:0]
	for _, u := range units {
		unbatch(u.msgs[0])
		c.msgs = append(c.msgs, u.msgs[0])
	}
	if cap(c.acks) < len(units) {
		c.acks = make([]ack, c.limits.messages)
	}
	acks := c.acks[:len(units)]
	clear(acks)
	c.pub.plain(c.ctx, c.msgs, acks)
	for i, u := range units {
		u.first, u.err = acks[i].sequence, nil
		if acks[i].err != nil {
			u.err = classify(acks[i].err)
		}
	}
}

// publishBatch publishes units as one atomic batch and answers them when it
// was stored. It returns the number of messages.
func (c *committer) publishBatch(units []*unit) (int, error) {
	c.msgs = c.msgs[:0]
	for _, u := range units {
		c.msgs = append(c.msgs, u.msgs...)
	}
	for _, m := range c.msgs {
		m.Reply = ""
	}
	last, err := c.pub.batch(c.ctx, c.msgs)
	if err != nil {
		return len(c.msgs), err
	}
	next := last - uint64(len(c.msgs)) + 1
	for _, u := range units {
		u.first, u.err = next, nil
		next += uint64(len(u.msgs))
	}
	return len(c.msgs), nil
}

// halve publishes units after their batch was refused: those that are left are
// tried in ever smaller groups, so that the one at fault harms nobody else.
func (c *committer) halve(units []*unit) {
	if len(units) == 0 {
		return
	}
	_, err := c.publishBatch(units)
	if err == nil {
		return
	}
	if !refusedGroup(err) || len(units) == 1 {
		fail(units, err)
		return
	}
	half := len(units) / 2
	c.halve(units[:half])
	c.halve(units[half:])
}

// siftFrom is the group size from which looking at the subjects' last
// sequences is cheaper than halving.
const siftFrom = 4

// sift answers the units of a refused batch that the log itself shows to be
// late, and returns the rest. Sequences only grow, so one beyond the expected
// is proof even from a server that lags.
func (c *committer) sift(units []*unit) []*unit {
	if len(units) < siftFrom {
		return units
	}
	subjects := make([]string, 0, len(units)*2)
	for _, u := range units {
		for _, m := range u.msgs {
			subjects = append(subjects, m.Subject)
		}
	}
	lasts, err := c.lasts(c.ctx, subjects)
	if err != nil {
		return units // halving needs no answers
	}
	left := make([]*unit, 0, len(units))
	for _, u := range units {
		late := false
		for i := range u.msgs {
			late = late || u.expected[i] != unguarded && lasts[i] > u.expected[i]
		}
		lasts = lasts[len(u.msgs):]
		if late {
			u.err = fmt.Errorf("%w: a newer message is there", events.ErrConflict)
			continue
		}
		left = append(left, u)
	}
	return left
}

// fail answers all of a group that could not be published.
func fail(units []*unit, err error) {
	err = classify(err)
	for _, u := range units {
		u.err = err
	}
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
