package eventlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/rosterhq/roster/events"
)

// usageOverlap is how far before the last message that it read a follower of uses
// begins again. The stream may lose its end with the server; it then grows anew
// with later times.
const usageOverlap = 10 * time.Minute

// FollowUsage calls f, on one goroutine, with the newest use of each key that was
// kept since a moment (zero: ever), and with each that is kept from then on, until
// ctx ends; at is when the server took it. A use may come more than once, and an
// older one after a newer. It reconnects by itself.
func (l *Log) FollowUsage(ctx context.Context, since time.Time, f func(u events.Usage, at time.Time)) error {
	js, err := jetstream.New(l.read.nc)
	if err != nil {
		return fmt.Errorf("follow uses: %w", err)
	}
	w := &usageFollowing{js: js, name: l.names.usage, since: since, to: f, logger: l.logger}
	if err := w.run(ctx); err != nil {
		return fmt.Errorf("follow uses: %w", err)
	}
	return nil
}

type usageFollowing struct {
	js     jetstream.JetStream
	name   string    // of the stream on the server
	since  time.Time // of the last message that was read
	to     func(events.Usage, time.Time)
	logger *zap.Logger
}

func (w *usageFollowing) run(ctx context.Context) error {
	wait := firstReopen
	for {
		began := time.Now()
		err := w.session(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if w.js.Conn().IsClosed() {
			return nats.ErrConnectionClosed
		}
		if time.Since(began) > lastReopen {
			wait = firstReopen
			w.logger.Warn("uses are not followed, trying again", zap.Error(err))
		}
		if err := pause(ctx, wait); err != nil {
			return err
		}
		wait = min(2*wait, lastReopen)
	}
}

// session reads through one consumer until something is wrong.
func (w *usageFollowing) session(ctx context.Context) error {
	if !w.js.Conn().IsConnected() {
		return errDisconnected
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	// What the server sent into a dying connection is gone: it is read again.
	broken := w.js.Conn().StatusChanged(nats.DISCONNECTED, nats.RECONNECTING, nats.CLOSED)
	defer w.js.Conn().RemoveStatusListener(broken)
	c, err := w.open(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	var watching sync.WaitGroup
	defer watching.Wait()
	defer end()
	watching.Go(func() {
		select {
		case <-broken:
			end()
		case <-ctx.Done():
		}
	})
	for expect := uint64(1); ; expect++ {
		msg, err := c.it.Next()
		if err != nil {
			return fmt.Errorf("read %s: %w", w.name, err)
		}
		meta, err := msg.Metadata()
		if err != nil {
			return fmt.Errorf("message of %s: %w", w.name, err)
		}
		if meta.Sequence.Consumer != expect {
			return fmt.Errorf("%w in %s", errGap, w.name)
		}
		w.deliver(msg, meta.Timestamp)
	}
}

func (w *usageFollowing) open(ctx context.Context) (*consumer, error) {
	config := jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverAllPolicy, AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, Replicas: 1,
		InactiveThreshold: forgetConsumer,
	}
	if !w.since.IsZero() {
		start := w.since.Add(-usageOverlap)
		config.DeliverPolicy, config.OptStartTime = jetstream.DeliverByStartTimePolicy, &start
	}
	bounded, cancel := context.WithTimeout(ctx, openConsumer)
	defer cancel()
	made, err := w.js.CreateConsumer(bounded, w.name, config)
	if err != nil {
		return nil, fmt.Errorf("consume %s: %w", w.name, err)
	}
	c := &consumer{js: w.js, stream: w.name, name: made.CachedInfo().Name}
	if c.it, err = made.Messages(jetstream.PullMaxMessages(followAhead)); err != nil {
		c.delete()
		return nil, fmt.Errorf("consume %s: %w", w.name, err)
	}
	c.done = context.AfterFunc(ctx, c.it.Stop)
	return c, nil
}

func (w *usageFollowing) deliver(msg jetstream.Msg, at time.Time) {
	var u events.Usage
	err := json.Unmarshal(msg.Data(), &u)
	if err == nil && u.KeyID == "" {
		err = errors.New("no key")
	}
	if err != nil {
		w.logger.Error("a message is no use of a key", zap.String("subject", msg.Subject()), zap.Error(err))
		return
	}
	w.since = at
	w.to(u, at)
}
