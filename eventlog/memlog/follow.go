package memlog

import (
	"context"
	"fmt"
	"time"

	"github.com/rosterhq/roster/events"
)

// sayCaught is how often a follower hears that nothing is missing.
const sayCaught = 150 * time.Millisecond

// Follow reads a stream in order from a sequence on, until ctx ends.
func (l *Log) Follow(ctx context.Context, s events.Stream, from uint64, f events.Follower) error {
	from = max(from, 1)
	tick := time.NewTicker(sayCaught)
	defer tick.Stop()
	for {
		messages, changed, err := l.after(ctx, s, from)
		if err != nil {
			return fmt.Errorf("follow %s: %w", s, err)
		}
		for _, m := range messages {
			if err := hand(f, s, from, m); err != nil {
				return fmt.Errorf("follow %s: %w", s, err)
			}
			from++
		}
		f.Caught(from - 1)
		select {
		case <-ctx.Done():
			return fmt.Errorf("follow %s: %w", s, ctx.Err())
		case <-changed:
		case <-tick.C:
		}
	}
}

func hand(f events.Follower, s events.Stream, sequence uint64, m message) error {
	stored := events.Stored{Stream: s, Sequence: sequence, Headers: m.header, Data: m.data}
	if m.header == nil { // a claim or a counter
		if o, ok := f.(events.Observer); ok {
			o.Other(stored)
		}
		return nil
	}
	var err error
	if stored.Meta, err = events.DecodeMeta(m.header); err != nil {
		return err
	}
	f.Event(stored)
	return nil
}

// after returns what a stream holds from a sequence on, and what is closed when
// there is more.
func (l *Log) after(ctx context.Context, s events.Stream, from uint64) ([]message, <-chan struct{}, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(ctx); err != nil {
		return nil, nil, err
	}
	all := l.streams[s]
	if from > uint64(len(all.messages))+1 {
		return nil, nil, fmt.Errorf("%w: it ends at %d, asked for from %d", events.ErrWentBack, len(all.messages), from)
	}
	return all.messages[from-1:], all.changed, nil
}

// Open reads an event that was delivered sealed.
func (l *Log) Open(ctx context.Context, e events.Stored) (events.Recorded, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(ctx); err != nil {
		return events.Recorded{}, fmt.Errorf("open %s: %w", e.Position(), err)
	}
	r, err := l.open(e.Stream, e.Sequence, message{header: e.Headers, data: e.Data})
	if err != nil {
		return events.Recorded{}, fmt.Errorf("open %s: %w", e.Position(), err)
	}
	return r, nil
}
