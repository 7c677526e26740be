package runtime

import (
	"context"
	"fmt"
	goruntime "runtime"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rosterhq/roster/events"
)

// pass reads a stream once for several targets: an event is decoded one time, and
// each target commits many events in a transaction.
type pass struct {
	source  source
	targets []*target
	pace    *pace
	until   uint64 // no event behind this sequence; 0 for none
}

// chunk is what targets take at once.
type chunk struct {
	msgs []*inbound
	last mark
	done sync.WaitGroup
}

// run brings all targets to where the stream ends when it begins. It returns how
// many events that were.
func (p *pass) run(ctx context.Context) (read int, err error) {
	c, err := p.open(ctx)
	if err != nil {
		return 0, err
	}
	defer c.close()
	for _, t := range p.targets {
		t.expect(int64(c.ahead))
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	var loading errgroup.Group
	to := make([]chan *chunk, len(p.targets))
	for i, t := range p.targets {
		to[i] = make(chan *chunk, 1)
		loading.Go(func() error { return t.consume(ctx, end, to[i]) })
	}
	read, err = p.read(ctx, c, to)
	for _, ch := range to {
		close(ch)
	}
	if loaded := loading.Wait(); loaded != nil {
		return read, loaded
	}
	return read, err
}

// open begins to read behind the target that is least far, once the log is known
// to hold what each was made from.
func (p *pass) open(ctx context.Context) (*consumer, error) {
	from := p.targets[0].at
	for _, t := range p.targets {
		if err := p.source.holds(ctx, t.at); err != nil {
			return nil, err
		}
		if t.at.sequence < from.sequence {
			from = t.at
		}
	}
	return p.source.consume(ctx, from.sequence)
}

func (p *pass) read(ctx context.Context, c *consumer, to []chan *chunk) (read int, err error) {
	for left := int(c.ahead); left > 0; {
		began := time.Now()
		msgs, err := p.gather(c, min(left, p.pace.size()))
		if err != nil {
			return read, err
		}
		if len(msgs) == 0 {
			return read, nil // as far as it was to go, or fewer than the server counted
		}
		left -= len(msgs)
		read += len(msgs)
		part := &chunk{msgs: msgs, last: msgs[len(msgs)-1].place()}
		if err := p.decode(ctx, part.msgs); err != nil {
			return read, err
		}
		part.done.Add(len(to))
		for _, ch := range to {
			select {
			case ch <- part:
			case <-ctx.Done():
				return read, ctx.Err()
			}
		}
		if p.pace.limited() && !part.wait(ctx) || !p.pace.rest(ctx, len(msgs), began) {
			return read, ctx.Err()
		}
		if p.deserted() {
			return read, nil
		}
	}
	return read, nil
}

// deserted says that every target was cancelled.
func (p *pass) deserted() bool {
	for _, t := range p.targets {
		if !t.cancelled.Load() {
			return false
		}
	}
	return true
}

// wait returns when every target has the chunk; false when ctx ended before.
func (c *chunk) wait(ctx context.Context) bool {
	all := make(chan struct{})
	go func() {
		c.done.Wait()
		close(all)
	}()
	select {
	case <-all:
		return true
	case <-ctx.Done():
		return false
	}
}

func (p *pass) gather(c *consumer, n int) ([]*inbound, error) {
	msgs := make([]*inbound, 0, n)
	for len(msgs) < n {
		m, err := c.next(2 * idleCheck)
		if quiet(err) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", p.source.stream, err)
		}
		if p.until != 0 && m.sequence > p.until {
			break
		}
		msgs = append(msgs, m)
	}
	return msgs, nil
}

// decode opens the events that targets handle, on as many processors as the pace
// allows. What can not be opened is left for the target to find out.
func (p *pass) decode(ctx context.Context, msgs []*inbound) error {
	if err := p.prefetch(ctx, msgs); err != nil {
		return err
	}
	parts := goruntime.GOMAXPROCS(0)
	if p.pace.limited() {
		parts = 1
	}
	var running sync.WaitGroup
	for part := range parts {
		running.Go(func() {
			for i := part; i < len(msgs); i += parts {
				p.decodeOne(ctx, msgs[i])
			}
		})
	}
	running.Wait()
	return ctx.Err()
}

func (p *pass) decodeOne(ctx context.Context, m *inbound) {
	if by := p.opener(m); by != nil {
		_, _, _ = by.direct.payload(ctx, m)
	}
}

// opener returns a target that handles a message: one that wants the private part,
// if there is any.
func (p *pass) opener(m *inbound) *target {
	var found *target
	for _, t := range p.targets {
		h, stored, ok := t.handled.of(m.typ)
		if !ok || stored {
			continue
		}
		if found = t; !h.public {
			return t
		}
	}
	return found
}

// prefetch gets the data keys that a chunk needs at once, and reads the envelopes.
func (p *pass) prefetch(ctx context.Context, msgs []*inbound) error {
	seen := map[string]bool{}
	var users []string
	var keys Keyring
	for _, m := range msgs {
		if m.typ == "" {
			continue
		}
		m.readMeta()
		by := p.opener(m)
		if by == nil || m.meta.SealedFor == "" || seen[m.meta.SealedFor] {
			continue
		}
		if h, _, _ := by.handled.of(m.typ); !h.public {
			seen[m.meta.SealedFor], keys = true, by.keys
			users = append(users, m.meta.SealedFor)
		}
	}
	if len(users) == 0 {
		return nil
	}
	if err := keys.PrefetchKeys(ctx, users); err != nil {
		return fmt.Errorf("fetch data keys of %d users: %w", len(users), err)
	}
	return nil
}

// streamsOf groups targets by what they read.
func streamsOf(targets []*target) map[events.Stream][]*target {
	out := map[events.Stream][]*target{}
	for _, t := range targets {
		out[t.projection.Stream] = append(out[t.projection.Stream], t)
	}
	return out
}
