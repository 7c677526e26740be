package eventlog

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rosterhq/roster/eventlog/internal/wire"
	"github.com/rosterhq/roster/events"
)

// Append stores a commit and returns the sequence of its first event; its
// events have contiguous sequences, and its claims come before them, so that a
// stream that nothing is written to ends with an event: readers that are sent
// events alone see that they are at its end. The first commit of a user makes
// the user's data key durable before the event.
//
// Errors: events.ErrConflict and events.ErrTooLarge (nothing was stored),
// events.ErrUnavailable (unknown; appending the same commit again is safe),
// events.ErrErased and ErrNoKey.
func (l *Log) Append(ctx context.Context, c events.Commit) (uint64, error) {
	l.roster.enter()
	defer l.roster.leave()
	if err := wire.Check(&c); err != nil {
		return 0, fmt.Errorf("append to %s: %w", c.Aggregate, err)
	}
	u, err := l.encode(ctx, &c)
	if err != nil {
		return 0, fmt.Errorf("append to %s: %w", c.Aggregate, err)
	}
	first, err := l.store(ctx, l.roster, l.names.roster, u)
	if err != nil {
		return 0, fmt.Errorf("append to %s: %w", c.Aggregate, err)
	}
	return first, nil
}

func (l *Log) encode(ctx context.Context, c *events.Commit) (*unit, error) {
	if c.Expected == 0 && c.Aggregate.Kind == events.User {
		if _, err := l.keys.ensure(ctx, c.Aggregate.ID); err != nil {
			return nil, err
		}
	}
	keyFor := func(userID string) (*events.DataKey, error) { return l.DataKey(ctx, userID) }
	n := len(c.Events) + len(c.Claims)
	u := &unit{msgs: make([]*nats.Msg, 0, n), expected: make([]uint64, 0, n), deciding: len(c.Claims)}
	for _, change := range c.Claims {
		u.add(&nats.Msg{
			Subject: l.claimSubject(change.Claim), Header: make(nats.Header, 4), Data: []byte(change.Holder),
		}, change.Expected)
	}
	subject := l.names.aggregate(c.Aggregate)
	for i := range c.Events {
		h, data, err := wire.Encode(&c.Events[i], c.Aggregate, keyFor)
		if err != nil {
			return nil, err
		}
		m := &nats.Msg{Subject: subject, Header: nats.Header(h), Data: data}
		if i > 0 { // the server refuses an expectation on what the batch itself wrote
			u.add(m, unguarded)
			continue
		}
		u.add(m, c.Expected)
	}
	return u, nil
}

// add puts a message into a unit, with what its subject's last sequence must be.
func (u *unit) add(m *nats.Msg, expected uint64) {
	if expected != unguarded {
		m.Header[jetstream.ExpectedLastSubjSeqHeader] = []string{strconv.FormatUint(expected, 10)}
	}
	u.msgs = append(u.msgs, m)
	u.expected = append(u.expected, expected)
}

// storeTries bounds how often a unit is sent whose outcome was unknown and that
// the log does not hold.
const storeTries = 3

// store brings a unit into a stream and resolves what is left open: the answer
// is certain unless it is events.ErrUnavailable. It returns the sequence of the
// unit's deciding message, which must be guarded and carry an id.
func (l *Log) store(ctx context.Context, c *committer, stream string, u *unit) (uint64, error) {
	for try := 1; ; try++ {
		err := c.submit(ctx, u)
		if err == nil {
			err = u.err
		}
		switch {
		case err == nil:
			at := u.first + uint64(u.deciding)
			l.raiseFloors(u, at)
			return at, nil
		case ctx.Err() != nil:
			return 0, unavailable("store", err)
		case errors.Is(err, events.ErrConflict), errors.Is(err, errUnknown):
		default:
			return 0, err
		}
		at, mine, lookErr := l.find(ctx, stream, u)
		switch {
		case lookErr != nil:
			return 0, unavailable("look for a commit of unknown outcome", lookErr)
		case mine:
			l.raiseFloors(u, at)
			return at, nil
		case at != 0 || errors.Is(err, events.ErrConflict):
			l.raiseFloorsOfLost(ctx, stream, u, at)
			return 0, fmt.Errorf("%w (last expected %d)", events.ErrConflict, u.expected[u.deciding])
		case try == storeTries:
			return 0, unavailable("store", err)
		}
		// Not stored so far. Should the first try still come through, the
		// expectation lets only one of the two in, and it is found then.
		if err := pause(ctx, time.Duration(try)*50*time.Millisecond); err != nil {
			return 0, unavailable("store", err)
		}
		u = u.again()
	}
}

// find looks for a unit in the log, at the leader. One message decides: what
// stands first after the expected sequence is ours, or ours was not stored and
// never will be. (The expectation let nothing else in between; whoever came
// after us may have added any number since.)
//
// It compares event ids, not command ids: another process that carries out the
// same command at the same time made other events of it (another secret, say).
// That is a conflict, and deciding again finds the command among those done.
func (l *Log) find(ctx context.Context, stream string, u *unit) (at uint64, mine bool, err error) {
	m := u.msgs[u.deciding]
	next, err := l.read.leaderNext(ctx, stream, m.Subject, u.expected[u.deciding]+1)
	if err != nil || next.sequence == 0 {
		return 0, false, err
	}
	return next.sequence, idOf(next.header) == idOf(m.Header), nil
}

func idOf(h nats.Header) string {
	if v := h[events.HeaderID]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// again returns the unit for another try. The messages of the try before may
// still be in use if its caller went away, so they are made anew.
func (u *unit) again() *unit {
	n := &unit{msgs: make([]*nats.Msg, len(u.msgs)), expected: u.expected, deciding: u.deciding}
	for i, m := range u.msgs {
		h := make(nats.Header, len(m.Header))
		for name, values := range m.Header {
			h[name] = values
		}
		n.msgs[i] = &nats.Msg{Subject: m.Subject, Header: h, Data: m.Data}
		unbatch(n.msgs[i])
	}
	return n
}

// raiseFloors learns from a unit that was stored, with its deciding message at a sequence.
func (l *Log) raiseFloors(u *unit, at uint64) {
	if !l.floors.needed() {
		return
	}
	first := at - uint64(u.deciding)
	for i, m := range u.msgs {
		l.floors.raise(m.Subject, first+uint64(i))
	}
}

// raiseFloorsOfLost learns how far the log is after a conflict, so that deciding
// again does not start from what a lagging server shows. next is the message
// that stands in our place, or 0 when a claim was at fault.
func (l *Log) raiseFloorsOfLost(ctx context.Context, stream string, u *unit, next uint64) {
	if !l.floors.needed() {
		return
	}
	l.floors.raise(u.msgs[u.deciding].Subject, next)
	for i, m := range u.msgs {
		if i == u.deciding || u.expected[i] == unguarded {
			continue
		}
		if last, err := l.read.leaderLast(ctx, stream, m.Subject); err == nil {
			l.floors.raise(m.Subject, last.sequence)
		}
	}
}
