package eventlog

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"

	"github.com/rosterhq/roster/events"
)

// reserveTries bounds how often processes may race for one counter.
const reserveTries = 100

// Reserve takes n integers of a counter, first to first+n-1, that nobody else
// ever gets. When it fails the numbers may be lost; none is given twice.
func (l *Log) Reserve(ctx context.Context, counter string, n int64) (int64, error) {
	if n < 1 {
		return 0, fmt.Errorf("reserve %d of %s: want at least 1", n, counter)
	}
	select {
	case l.reserving <- struct{}{}:
		defer func() { <-l.reserving }()
	case <-ctx.Done():
		return 0, unavailable("reserve of "+counter, ctx.Err())
	}
	subject := l.names.counter(counter)
	for range reserveTries {
		first, err := l.reserve(ctx, subject, n)
		if errors.Is(err, events.ErrConflict) {
			continue // another process was faster: it made progress
		}
		if err != nil {
			return 0, fmt.Errorf("reserve of %s: %w", counter, err)
		}
		return first, nil
	}
	return 0, fmt.Errorf("reserve of %s: %w: lost %d races", counter, events.ErrUnavailable, reserveTries)
}

func (l *Log) reserve(ctx context.Context, subject string, n int64) (int64, error) {
	last, err := l.read.leaderLast(ctx, l.names.roster, subject)
	if err != nil {
		return 0, unavailable("read counter", err)
	}
	var taken int64
	if last.sequence != 0 {
		if taken, err = strconv.ParseInt(string(last.data), 10, 64); err != nil {
			return 0, fmt.Errorf("counter at sequence %d: %w", last.sequence, err)
		}
	}
	u := &unit{}
	u.add(&nats.Msg{
		Subject: subject, Data: strconv.AppendInt(nil, taken+n, 10),
		Header: nats.Header{events.HeaderID: {uuid.NewString()}},
	}, last.sequence)
	if _, err := l.store(ctx, l.roster, l.names.roster, u); err != nil {
		return 0, err
	}
	return taken + 1, nil
}
