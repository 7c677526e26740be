package faults_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// calm is between two faults.
var calm = span{500 * time.Millisecond, 2 * time.Second}

// schedule injects faults, one after another, in rounds: each round has every
// fault once, in an order that the seed chooses, and one of each kind before the
// second of any. One in four gets another one for company. After each, everything must
// recover.
type schedule struct {
	t        *testing.T
	random   *rand.Rand
	stack    *stack
	faults   []fault
	injected map[string]int
	slowest  time.Duration // recovery
	after    string        // of what
}

func newSchedule(t *testing.T, seed uint64, s *stack, faults []fault) *schedule {
	return &schedule{t: t, random: rand.New(rand.NewPCG(seed, 0)), stack: s, faults: faults, injected: map[string]int{}}
}

// run goes on until the time is over; the round that it is in is not finished.
func (c *schedule) run(ctx context.Context, until time.Time) error {
	for {
		for _, f := range c.round() {
			if !pause(ctx, calm.choose(c.random)) || time.Now().After(until) {
				return ctx.Err()
			}
			if c.random.IntN(4) == 0 {
				f = c.withAnother(f)
			}
			if err := c.strike(ctx, f); err != nil {
				return err
			}
		}
	}
}

func (c *schedule) round() []fault {
	order := slices.Clone(c.faults)
	c.random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	turn, before := map[string]int{}, map[string]int{}
	for _, f := range order {
		turn[f.kind+f.what] = before[f.kind]
		before[f.kind]++
	}
	slices.SortStableFunc(order, func(a, b fault) int { return cmp.Compare(turn[a.kind+a.what], turn[b.kind+b.what]) })
	return order
}

// withAnother lets a second fault strike another part at the same time.
func (c *schedule) withAnother(f fault) fault {
	other := c.faults[c.random.IntN(len(c.faults))]
	if other.what == f.what || f.alone || other.alone {
		return f
	}
	return fault{
		kind: "two at once", what: fmt.Sprintf("%s of %s, %s of %s", f.kind, f.what, other.kind, other.what),
		hold:   span{max(f.hold.from, other.hold.from), max(f.hold.to, other.hold.to)},
		inject: func(ctx context.Context) error { return errors.Join(f.inject(ctx), other.inject(ctx)) },
		heal: func(ctx context.Context) error {
			var both errgroup.Group // what starts may need what the other one took away
			both.Go(func() error { return f.heal(ctx) })
			both.Go(func() error { return other.heal(ctx) })
			return both.Wait()
		},
	}
}

func (c *schedule) strike(ctx context.Context, f fault) error {
	hold := f.hold.choose(c.random)
	if err := f.inject(ctx); err != nil {
		return fmt.Errorf("%s of %s: %w", f.kind, f.what, err)
	}
	c.injected[f.kind]++
	pause(ctx, hold)
	healing, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	healed := time.Now()
	if err := f.heal(healing); err != nil {
		return fmt.Errorf("end of %s of %s: %w", f.kind, f.what, err)
	}
	if err := c.stack.recovered(healing); err != nil {
		return fmt.Errorf("after %s of %s for %s: %w", f.kind, f.what, hold, err)
	}
	took := time.Since(healed)
	if took > c.slowest {
		c.slowest, c.after = took, f.kind+" of "+f.what
	}
	c.t.Logf("%s of %s for %s, recovered in %s", f.kind, f.what, hold.Round(time.Millisecond), took.Round(time.Millisecond))
	return nil
}

// pause says whether the time passed before the context ended.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
