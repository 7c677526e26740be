package eventlog

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// scanKeys hands messages of the stream of keys to f, until there is none left: the
// last one of each subject, or all from a sequence on. It reads a bounded number ahead.
func (l *Log) scanKeys(ctx context.Context, which jetstream.DeliverPolicy, from uint64, f func(subject string, m stored) error) error {
	js, err := jetstream.New(l.read.nc)
	if err != nil {
		return err
	}
	opening, cancel := context.WithTimeout(ctx, openConsumer)
	defer cancel()
	made, err := js.CreateConsumer(opening, l.names.keys, jetstream.ConsumerConfig{
		DeliverPolicy: which, OptStartSeq: from, FilterSubject: l.names.root + "keys.>",
		AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, Replicas: 1, InactiveThreshold: forgetConsumer,
	})
	if err != nil {
		return unavailable("open", err)
	}
	info := made.CachedInfo()
	c := &consumer{js: js, stream: l.names.keys, name: info.Name}
	if c.it, err = made.Messages(jetstream.PullMaxMessagesWithBytesLimit(scanAhead, scanAheadBytes)); err != nil {
		c.delete()
		return unavailable("open", err)
	}
	c.done = context.AfterFunc(ctx, c.it.Stop)
	defer c.close()
	for pending := info.NumPending; pending > 0; {
		msg, err := c.it.Next(jetstream.NextMaxWait(scanStalled))
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return unavailable("read", err)
		}
		meta, err := msg.Metadata()
		if err != nil {
			return fmt.Errorf("message of %s: %w", l.names.keys, err)
		}
		if err := f(msg.Subject(), stored{sequence: meta.Sequence.Stream, header: msg.Headers(), data: msg.Data()}); err != nil {
			return err
		}
		pending = meta.NumPending
	}
	return nil
}
