package runtime

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// pauses before the second and the third try of an event.
var pauses = [...]time.Duration{50 * time.Millisecond, 250 * time.Millisecond} //nolint:gochecknoglobals // a constant list

// singly takes a failed batch apart: each event in a transaction of its own, and
// what still fails is parked, with what follows of its aggregate.
func (s *session) singly(ctx context.Context, failed *batch) error {
	for _, m := range failed.msgs {
		if err := s.single(ctx, m); err != nil {
			return err
		}
	}
	if failed.last.sequence <= s.at.sequence {
		return nil
	}
	return s.settle(ctx, &batch{last: failed.last})
}

func (s *session) single(ctx context.Context, m *inbound) error {
	if s.parked[m.aggregate()] {
		return s.parkOne(ctx, m, nil, 0)
	}
	var err error
	for try := range len(pauses) + 1 {
		if try > 0 && !sleep(ctx, pauses[try-1]) {
			return ctx.Err()
		}
		if err = s.attempt(ctx, m); err == nil || s.lost(err) {
			return err
		}
	}
	return s.parkOne(ctx, m, err, len(pauses)+1)
}

// attempt handles and commits one event.
func (s *session) attempt(ctx context.Context, m *inbound) error {
	b := &batch{msgs: []*inbound{m}, last: m.mark}
	if err := s.router.dispatch(ctx, b, m); err != nil {
		return err
	}
	return s.settle(ctx, b)
}

// parkOne parks an event in the transaction that moves the checkpoint past it.
func (s *session) parkOne(ctx context.Context, m *inbound, cause error, attempts int) error {
	b := &batch{msgs: []*inbound{m}, last: m.mark}
	if err := b.park(s.projection, s.release, m, cause, attempts); err != nil {
		return err
	}
	if err := s.settle(ctx, b); err != nil {
		return err
	}
	if cause != nil {
		s.log.Error("an event is parked with all that follows of its aggregate", zap.Error(cause), zap.String("event", m.id),
			zap.String("type", string(m.typ)), zap.String("aggregate", m.aggregate()), zap.Uint64("sequence", m.sequence))
	}
	s.parked[m.aggregate()] = true
	return nil
}
