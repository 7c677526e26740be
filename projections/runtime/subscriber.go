package runtime

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/ThreeDotsLabs/watermill/message"
)

// subscriber is a Watermill subscriber that owns the transaction: it sends one
// message at a time, with a run of events, and takes an Ack as "queued". Its channel
// closes when its context ends, never before: a router stops with its last channel.
type subscriber struct {
	worker *worker
	ctx    context.Context //nolint:containedctx // ends with Close, as message.Subscriber asks
	cancel context.CancelFunc
	mu     sync.Mutex
	done   chan struct{} // nil before Subscribe
}

func newSubscriber(w *worker) *subscriber {
	ctx, cancel := context.WithCancel(context.Background())
	return &subscriber{worker: w, ctx: ctx, cancel: cancel}
}

// Subscribe implements message.Subscriber. A subscriber serves one subscription:
// a second one would share its checkpoint.
func (s *subscriber) Subscribe(ctx context.Context, _ string) (<-chan *message.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return nil, errors.New("subscriber is closed")
	}
	if s.done != nil {
		return nil, errors.New("subscriber has a subscription already")
	}
	done, out := make(chan struct{}), make(chan *message.Message)
	s.done = done
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.ctx, cancel)
	go func() {
		defer close(done)
		defer close(out)
		defer cancel()
		defer stop()
		s.worker.run(ctx, &router{out: out})
	}()
	return out, nil
}

// Close implements message.Subscriber: it returns when the subscription ended.
func (s *subscriber) Close() error {
	s.cancel()
	s.mu.Lock()
	done := s.done
	s.mu.Unlock()
	if done != nil {
		<-done
	}
	return nil
}

// router is the way from a worker through Watermill to the handlers.
type router struct{ out chan<- *message.Message }

// dispatch sends events as one message and waits until their handlers queued what they
// do. A message for each event costs a goroutine and four hand-overs each.
func (r *router) dispatch(ctx context.Context, into *batch, run ...*inbound) error {
	d := &delivery{run: run, into: into}
	msg := message.NewMessageWithContext(withDelivery(ctx, d), run[0].id, nil)
	select {
	case r.out <- msg:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-msg.Acked():
		return nil
	case <-msg.Nacked():
		return refusal(d)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func refusal(d *delivery) error {
	if d.err != nil {
		return d.err
	}
	return fmt.Errorf("events from %s on were refused without a reason", d.run[0].id)
}

// noteFailure is a middleware that keeps why events were refused, which a Nack
// does not tell, and turns a panic into such a reason.
func noteFailure(next message.HandlerFunc) message.HandlerFunc {
	return func(msg *message.Message) (produced []*message.Message, err error) {
		d, ok := deliveryFrom(msg.Context())
		if !ok {
			return next(msg)
		}
		defer func() { d.err = err }()
		defer recovered(&err)
		return next(msg)
	}
}
