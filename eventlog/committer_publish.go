package eventlog

import (
	"fmt"
	"time"

	"github.com/rosterhq/roster/events"
)

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
