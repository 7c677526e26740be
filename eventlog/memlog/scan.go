package memlog

import (
	"context"
	"fmt"

	"github.com/rosterhq/roster/events"
)

// Scan hands the events of a stream from one sequence to another to f.
func (l *Log) Scan(ctx context.Context, s events.Stream, from, to uint64, f func(events.Stored) error) error {
	return l.ScanMessages(ctx, s, from, to, func(m events.Stored) error {
		if m.Headers == nil {
			return nil
		}
		var err error
		if m.Meta, err = events.DecodeMeta(m.Headers); err != nil {
			return err
		}
		return f(m)
	})
}

// ScanMessages is Scan with claims and counters. None comes with its Meta.
func (l *Log) ScanMessages(ctx context.Context, s events.Stream, from, to uint64, f func(events.Stored) error) error {
	from = max(from, 1)
	messages, err := l.until(ctx, s, from, to)
	if err != nil {
		return fmt.Errorf("scan %s: %w", s, err)
	}
	for i, m := range messages {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("scan %s: %w", s, err)
		}
		if err := f(events.Stored{Stream: s, Sequence: from + uint64(i), Headers: m.header, Data: m.data}); err != nil {
			return fmt.Errorf("scan %s: %w", s, err)
		}
	}
	return nil
}

// until returns what a stream holds from one sequence to another.
func (l *Log) until(ctx context.Context, s events.Stream, from, to uint64) ([]message, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(ctx); err != nil {
		return nil, err
	}
	all := l.streams[s].messages
	if to == 0 || to > uint64(len(all)) {
		to = uint64(len(all))
	}
	if from > to {
		return nil, nil
	}
	return all[from-1 : to], nil
}
