package housekeeping

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"
)

// ErasedReader is what Erasures needs of the read side.
type ErasedReader interface {
	ErasedSince(ctx context.Context, since time.Time) ([]string, error)
}

// Eraser is what Erasures needs of the write side. It may be repeated.
type Eraser interface {
	FinishErasure(ctx context.Context, userID string) error
}

// ErasuresConfig is what Erasures are made of.
type ErasuresConfig struct {
	Reads  ErasedReader
	Writes Eraser
	Clock  func() time.Time // nil means time.Now
	Logger *zap.Logger      // nil for none
	// Wait returns after a time, or with the context's error; nil means by the
	// machine's clock.
	Wait func(ctx context.Context, d time.Duration) error
}

// erasuresFor is how far back erasures are looked at again.
const erasuresFor = 30 * 24 * time.Hour

// Erasures finishes what a killed process began: an erasure that is in the log
// while the key of the person's data is not yet destroyed. Any number of
// processes may do it at once.
type Erasures struct{ config ErasuresConfig }

// NewErasures makes Erasures.
func NewErasures(c ErasuresConfig) (*Erasures, error) {
	if c.Reads == nil || c.Writes == nil {
		return nil, errors.New("erasures need reads and writes")
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}
	if c.Wait == nil {
		c.Wait = wait
	}
	return &Erasures{config: c}, nil
}

// Run sweeps until the context ends. Its first sweep looks at all erasures: the keys
// may have been put back from a copy that is older.
func (e *Erasures) Run(ctx context.Context) {
	var since time.Time
	for pause := beforeFirst; e.config.Wait(ctx, pause) == nil; pause = betweenMost {
		begun := e.config.Clock()
		err := e.Sweep(ctx, since)
		if err == nil {
			since = begun.Add(-erasuresFor)
			continue
		}
		if ctx.Err() == nil {
			e.config.Logger.Warn("erasures may be unfinished; they are tried again", zap.Error(err))
		}
	}
}

// Sweep finishes the erasures since a time.
func (e *Erasures) Sweep(ctx context.Context, since time.Time) error {
	erased, err := e.config.Reads.ErasedSince(ctx, since)
	if err != nil {
		return fmt.Errorf("list erased users: %w", err)
	}
	var failed error
	for _, id := range erased {
		if err := e.config.Writes.FinishErasure(ctx, id); err != nil {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}
