package query

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/rosterhq/roster/events"
)

// maxWait bounds all waits of one request together, as far as its reads share a
// context of WithStaleness.
const maxWait = 2 * time.Second

type (
	minimumKey   struct{}
	stalenessKey struct{}
)

// WithMinPosition asks every read under ctx to wait for these positions too.
func WithMinPosition(ctx context.Context, p []events.Position) context.Context {
	if len(p) == 0 {
		return ctx
	}
	minimum := minimumOf(ctx)
	for _, position := range p {
		at := minimum.at(position.Stream)
		*at = max(*at, position.Sequence)
	}
	return context.WithValue(ctx, minimumKey{}, minimum)
}

func minimumOf(ctx context.Context) positions {
	minimum, _ := ctx.Value(minimumKey{}).(positions)
	return minimum
}

// staleness collects what the reads of one request were behind, and holds the time
// that they may wait for.
type staleness struct {
	behind atomic.Uint64
	once   sync.Once
	until  time.Time
	// rows is the generation of the rows that were waited for; 0: nothing was yet.
	rows atomic.Uint64
}

// deadline is maxWait after the first wait began.
func (s *staleness) deadline() time.Time {
	s.once.Do(func() { s.until = time.Now().Add(maxWait) })
	return s.until
}

// WithStaleness returns a context under which reads report how many positions
// they are behind what was asked of them, and a function that returns the
// largest such report (0: nothing was stale).
func WithStaleness(ctx context.Context) (context.Context, func() uint64) {
	s := &staleness{}
	return context.WithValue(ctx, stalenessKey{}, s), s.behind.Load
}

// sharedWait gives the waits of one read that waits twice one bound.
func sharedWait(ctx context.Context) context.Context {
	if _, ok := ctx.Value(stalenessKey{}).(*staleness); ok {
		return ctx
	}
	ctx, _ = WithStaleness(ctx)
	return ctx
}

// await waits until m has what a read of userID (or nobody, anybody) needs. Most
// calls end at the first comparison, of two atomic numbers.
func (q *Queries) await(ctx context.Context, userID string, m *model) error {
	stale, ok := ctx.Value(stalenessKey{}).(*staleness)
	if ok {
		stale.rows.CompareAndSwap(0, q.progress.generation.Load()) // before it is looked how far they are
	}
	reached := m.reached.Load()
	minimum := minimumOf(ctx)
	asked := *minimum.at(m.stream)
	need := max(asked, q.notes.need(userID, m.stream, reached))
	if need <= reached {
		return nil
	}
	if asked > reached {
		if err := q.checkHead(ctx, m.stream, asked); err != nil {
			return err
		}
	}
	if !ok {
		stale = &staleness{}
	}
	bounded, cancel := context.WithDeadline(ctx, stale.deadline())
	defer cancel()
	err := m.await(bounded, need)
	if err == nil {
		return nil
	}
	if !isEnd(ctx, err) {
		return fmt.Errorf("wait for %s to reach %d: %w", m.schema, need, ctx.Err())
	}
	if reached = m.reached.Load(); reached < need {
		raise(&stale.behind, need-reached)
	}
	return nil
}

// trusted says whether memory may answer a read: the log proves that the tail has
// delivered everything but the last second, and the tail is where the caller asks.
// It is asked before memory is looked at, which then is as new as the tail was.
func (q *Queries) trusted(ctx context.Context) bool {
	sequence, ok := q.tail.Current(events.Roster)
	return ok && minimumOf(ctx).roster <= sequence
}

// checkHead refuses a position that the log has not reached. Without an answer
// from the log the read waits for it like for any other.
func (q *Queries) checkHead(ctx context.Context, s events.Stream, asked uint64) error {
	if delivered, _ := q.tail.Current(s); q.head == nil || asked <= delivered {
		return nil
	}
	head, err := q.head(ctx, s)
	if err != nil {
		q.logger.Warn("the log's head is not known", zap.String("stream", string(s)), zap.Error(err))
		return nil
	}
	if asked > head {
		return fmt.Errorf("position %s, the log is at %s: %w",
			events.Position{Stream: s, Sequence: asked}, events.Position{Stream: s, Sequence: head}, ErrAhead)
	}
	return nil
}

// isEnd tells the end of a wait by its bound from the end of the caller.
func isEnd(ctx context.Context, err error) bool {
	return errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil
}
