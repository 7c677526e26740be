package runtime

import (
	"context"
	"fmt"
	"time"
)

const (
	linger  = 200 * time.Microsecond // a silence that ends a batch
	crowd   = 16                     // events in a batch that make the next one gather
	spacing = 40 * time.Millisecond  // between such batches, at least
)

// collector reads the stream and makes batches, while the session commits the one
// before. It ends with its context, with an error, or after a batch with an error.
type collector struct {
	w      *worker
	router dispatcher
	parked map[string]bool // aggregates; nobody changes it while a collector runs
	opened chan struct{}   // closed when the place in the stream is verified
	out    chan *batch     // unbuffered: a batch grows until the session takes it
	err    error           // why it ended; valid when out is closed

	rested time.Time // until when batches gather more while events come in crowds
}

func (c *collector) run(ctx context.Context, at mark) {
	defer close(c.out)
	r, err := c.w.source.open(ctx, at, c.w.feed)
	if err != nil {
		c.err = err
		return
	}
	defer r.close()
	close(c.opened)
	c.err = c.loop(ctx, r)
}

func (c *collector) loop(ctx context.Context, r *reader) error {
	b := &batch{}
	for {
		fresh, err := c.gather(r, b, c.wait(b))
		if err != nil {
			return err
		}
		if b.empty() {
			head, err := r.idle(ctx)
			if err != nil {
				return err
			}
			if head.sequence == 0 {
				continue
			}
			b.last, b.seen = head, 1
		}
		c.fill(ctx, b, fresh)
		if b.err != nil || b.full() {
			select {
			case c.out <- b:
			case <-ctx.Done():
				return ctx.Err()
			}
			if b.err != nil {
				return nil //nolint:nilerr // the error travels with the batch
			}
			c.rest(b)
			b = &batch{}
			continue
		}
		if c.patience(b) > 0 {
			continue
		}
		select {
		case c.out <- b:
			c.rest(b)
			b = &batch{}
		case <-ctx.Done():
			return ctx.Err()
		default: // the session is busy: let the batch grow
		}
	}
}

// wait returns how long the next message may take.
func (c *collector) wait(b *batch) time.Duration {
	if b.empty() {
		return idleCheck
	}
	return max(c.patience(b), linger)
}

// patience returns for how long a batch may still wait for more.
func (c *collector) patience(b *batch) time.Duration {
	until := c.rested
	if p := c.w.projection.Patience; p > 0 {
		until = b.began.Add(p)
	}
	return time.Until(until)
}

// rest lets the next batch gather for a while behind one of many events: a
// transaction costs as much as a dozen of them. Behind one of few it goes at once.
func (c *collector) rest(b *batch) {
	c.rested = time.Time{}
	if len(b.msgs) >= crowd {
		c.rested = time.Now().Add(spacing)
	}
}

// gather reads until a silence or a full batch, and returns what concerns the
// projection.
func (c *collector) gather(r *reader, b *batch, wait time.Duration) ([]*inbound, error) {
	from := len(b.msgs)
	var newest *inbound
	for !b.full() {
		m, err := r.next(wait)
		if quiet(err) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", c.w.source.stream, err)
		}
		newest, wait = m, linger
		if b.empty() {
			b.began = time.Now()
		}
		b.seen++
		if c.w.admit(m) {
			b.msgs = append(b.msgs, m)
			b.bytes += len(m.data)
		}
	}
	if newest != nil {
		b.last = newest.place()
	}
	return b.msgs[from:], nil
}

// fill sends events through the router, which queues what they do; events of
// parked aggregates are parked behind the others.
func (c *collector) fill(ctx context.Context, b *batch, fresh []*inbound) {
	if len(fresh) == 0 {
		return
	}
	if b.err = c.w.prefetch(ctx, fresh); b.err != nil {
		return
	}
	for len(fresh) > 0 && b.err == nil {
		free := 0
		for free < len(fresh) && !c.isParked(fresh[free]) {
			free++
		}
		if free > 0 {
			b.err = c.router.dispatch(ctx, b, fresh[:free]...)
			fresh = fresh[free:]
			continue
		}
		b.err = b.park(c.w.projection, c.w.release, fresh[0], nil, 0)
		fresh = fresh[1:]
	}
}

// isParked says whether events of a message's aggregate are parked.
func (c *collector) isParked(m *inbound) bool {
	return len(c.parked) > 0 && c.parked[m.aggregate()]
}

// admit decides before the router whether a message concerns the projection.
func (w *worker) admit(m *inbound) bool {
	if _, _, handled := w.handled.of(m.typ); !handled {
		return false
	}
	m.readMeta()
	return true
}

// prefetch gets the data keys that a batch needs at once.
func (w *worker) prefetch(ctx context.Context, msgs []*inbound) error {
	seen := make(map[string]bool, len(msgs))
	users := make([]string, 0, len(msgs))
	for _, m := range msgs {
		if h, _, _ := w.handled.of(m.typ); h.public {
			continue
		}
		if u := m.meta.SealedFor; u != "" && !seen[u] {
			seen[u] = true
			users = append(users, u)
		}
	}
	if len(users) == 0 {
		return nil
	}
	if err := w.keys.PrefetchKeys(ctx, users); err != nil {
		return fmt.Errorf("fetch data keys of %d users: %w", len(users), err)
	}
	return nil
}
