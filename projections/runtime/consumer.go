package runtime

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/rosterhq/roster/events"
)

const (
	pullAhead      = 2000
	forgetConsumer = 60 * time.Second // after which the server drops one whose process died
)

// consumer reads a stream for one worker. It is ephemeral and without
// acknowledgements: the checkpoint in PostgreSQL is the only truth, several
// processes must not share a place, and nothing is left behind on the server.
type consumer struct {
	source
	name   string
	it     jetstream.MessagesContext
	expect uint64 // next sequence of the consumer
	ahead  uint64 // messages that it had to deliver when it was made
	done   func() bool
}

// consume makes a consumer that begins behind a sequence.
func (s source) consume(ctx context.Context, after uint64) (*consumer, error) {
	made, err := s.js.CreateConsumer(ctx, s.stream, jetstream.ConsumerConfig{
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       after + 1,
		FilterSubject:     s.filter,
		AckPolicy:         jetstream.AckNonePolicy,
		MemoryStorage:     true,
		Replicas:          1,
		InactiveThreshold: forgetConsumer,
	})
	if err != nil {
		return nil, fmt.Errorf("consume %s from %d: %w", s.stream, after, err)
	}
	c := &consumer{source: s, name: made.CachedInfo().Name, expect: 1, ahead: made.CachedInfo().NumPending}
	if c.it, err = made.Messages(jetstream.PullMaxMessages(pullAhead)); err != nil {
		c.delete()
		return nil, fmt.Errorf("consume %s from %d: %w", s.stream, after, err)
	}
	c.done = context.AfterFunc(ctx, c.it.Stop)
	return c, nil
}

// next returns the next message; nats.ErrTimeout when there is none for so long.
func (c *consumer) next(wait time.Duration) (*inbound, error) {
	msg, err := c.it.Next(jetstream.NextMaxWait(wait))
	if err != nil {
		return nil, err
	}
	meta, err := msg.Metadata()
	if err != nil {
		return nil, fmt.Errorf("message of %s: %w", c.stream, err)
	}
	if meta.Sequence.Consumer != c.expect {
		return nil, fmt.Errorf("%w: got its message %d, want %d", errReposition, meta.Sequence.Consumer, c.expect)
	}
	c.expect++
	return arrive(c.catalogue, msg.Subject(), events.Headers(msg.Headers()), msg.Data(), meta.Sequence.Stream), nil
}

func (c *consumer) close() {
	c.done()
	c.it.Stop()
	c.delete()
}

// delete is a courtesy: the server drops an unused consumer by itself.
func (c *consumer) delete() {
	ctx, cancel := context.WithTimeout(context.Background(), naturalEnd)
	defer cancel()
	_ = c.js.DeleteConsumer(ctx, c.stream, c.name)
}
