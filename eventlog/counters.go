package eventlog

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"

	"github.com/rosterhq/roster/eventlog/internal/wire"
	"github.com/rosterhq/roster/events"
)

// reserveTries bounds how often processes may race for one counter.
const reserveTries = 100

// headerAside lists, in each message of a counter, the numbers that were set aside
// so far.
const headerAside = "Roster-Set-Aside"

// Reserve takes n integers of a counter, first to first+n-1, that nobody else
// ever gets. When it fails the numbers may be lost; none is given twice.
func (l *Log) Reserve(ctx context.Context, counter string, n int64) (int64, error) {
	if n < 1 {
		return 0, fmt.Errorf("reserve %d of %s: want at least 1", n, counter)
	}
	var first int64
	err := l.count(ctx, counter, func(at counted) counted {
		first = at.taken + 1
		at.taken += n
		return at
	})
	return first, err
}

// SetAside keeps Reserve from ever giving an integer up to upTo that it did not
// give yet: those are for who brings numbers along. It returns all that were set
// aside so far, in order.
func (l *Log) SetAside(ctx context.Context, counter string, upTo int64) ([]events.Numbers, error) {
	var all []events.Numbers
	err := l.count(ctx, counter, func(at counted) counted {
		at = at.setAside(upTo)
		all = at.aside
		return at
	})
	return all, err
}

// counted is what the last message of a counter says.
type counted struct {
	taken int64 // the highest that was given or set aside
	aside []events.Numbers
}

func (c counted) setAside(upTo int64) counted {
	if upTo <= c.taken {
		return c
	}
	return counted{taken: upTo, aside: events.AppendNumbers(c.aside, events.Numbers{First: c.taken + 1, Last: upTo})}
}

// count moves a counter on. A step that leaves it where it is writes nothing.
func (l *Log) count(ctx context.Context, counter string, step func(counted) counted) error {
	select {
	case l.reserving <- struct{}{}:
		defer func() { <-l.reserving }()
	case <-ctx.Done():
		return unavailable("reserve of "+counter, ctx.Err())
	}
	subject := l.names.counter(counter)
	for range reserveTries {
		err := l.countOnce(ctx, subject, step)
		if errors.Is(err, events.ErrConflict) {
			continue // another process was faster: it made progress
		}
		if err != nil {
			return fmt.Errorf("reserve of %s: %w", counter, err)
		}
		return nil
	}
	return fmt.Errorf("reserve of %s: %w: lost %d races", counter, events.ErrUnavailable, reserveTries)
}

func (l *Log) countOnce(ctx context.Context, subject string, step func(counted) counted) error {
	last, err := l.read.leaderLast(ctx, l.names.roster, subject)
	if err != nil {
		return unavailable("read counter", err)
	}
	at, err := countedOf(last)
	if err != nil {
		return err
	}
	next := step(at)
	if next.taken == at.taken {
		return nil
	}
	header := nats.Header{events.HeaderID: {uuid.NewString()}}
	if len(next.aside) > 0 {
		header[headerAside] = []string{wire.FormatNumbers(next.aside)}
	}
	u := &unit{}
	u.add(&nats.Msg{Subject: subject, Data: strconv.AppendInt(nil, next.taken, 10), Header: header}, last.sequence)
	_, err = l.store(ctx, l.roster, l.names.roster, u)
	return err
}

func countedOf(last stored) (counted, error) {
	if last.sequence == 0 {
		return counted{}, nil
	}
	taken, err := strconv.ParseInt(string(last.data), 10, 64)
	if err != nil {
		return counted{}, fmt.Errorf("counter at sequence %d: %w", last.sequence, err)
	}
	at := counted{taken: taken}
	if list := last.header[headerAside]; len(list) > 0 {
		if at.aside, err = wire.ParseNumbers(list[0]); err != nil {
			return counted{}, fmt.Errorf("counter at sequence %d: %w", last.sequence, err)
		}
	}
	return at, nil
}
