package runtime

import (
	"context"
	"time"
)

const (
	chunkEvents = 8192 // that a fast build reads and commits at once
	stepEvents  = 512  // when it has to leave room for others: many short steps
)

// pace bounds how fast a build goes.
type pace struct {
	rate float64 // events a second; 0: as fast as it can; below 0: half of that
	slot time.Time
}

// half of what the machine can.
func newPace(maxRate *int64) *pace {
	if maxRate == nil {
		return &pace{rate: -1}
	}
	return &pace{rate: float64(*maxRate)}
}

func (p *pace) limited() bool { return p.rate != 0 }

// size is how many events a step has.
func (p *pace) size() int {
	switch {
	case p.rate == 0:
		return chunkEvents
	case p.rate < 0:
		return stepEvents
	}
	return max(1, min(stepEvents, int(p.rate/10)))
}

// rest waits after a step of n events that began at a time. It returns false when
// ctx ended.
func (p *pace) rest(ctx context.Context, n int, began time.Time) bool {
	switch {
	case p.rate == 0:
		return ctx.Err() == nil
	case p.rate < 0:
		return sleep(ctx, time.Since(began))
	}
	if p.slot.Before(began) {
		p.slot = began
	}
	p.slot = p.slot.Add(time.Duration(float64(n) / p.rate * float64(time.Second)))
	return sleep(ctx, time.Until(p.slot))
}
