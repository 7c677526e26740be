package archive

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/rosterhq/roster/events"
)

// Target is an empty log that an archive goes into.
type Target interface {
	Put(ctx context.Context, stream events.Stream, messages []events.Stored) error
	PutKeys(ctx context.Context, keys []events.WrappedKey) error
	PutUses(ctx context.Context, uses []events.Stored) error
	Finish(ctx context.Context) error
}

// restoredAtOnce is how many messages a target takes in one call.
const restoredAtOnce = 2000

// First says with which sequence each stream begins.
func (r *Reader) First() map[events.Stream]uint64 {
	first := map[events.Stream]uint64{}
	for _, stream := range Streams() {
		if of := r.manifest.Of(stream); len(of) > 0 {
			first[stream] = of[0].From
		}
	}
	return first
}

// Restore fills a target. Keys come first: no event is ever there without the key
// that opens it.
func (r *Reader) Restore(ctx context.Context, to Target, keys []events.WrappedKey, progress func(messages uint64)) error {
	if err := to.PutKeys(ctx, keys); err != nil {
		return fmt.Errorf("restore keys: %w", err)
	}
	var done uint64
	for _, stream := range Streams() {
		if err := r.restore(ctx, to, stream, &done, progress); err != nil {
			return fmt.Errorf("restore %s: %w", stream, err)
		}
	}
	uses, err := r.Uses()
	if err == nil {
		err = to.PutUses(ctx, uses)
	}
	if err != nil {
		return fmt.Errorf("restore last uses: %w", err)
	}
	return to.Finish(ctx)
}

func (r *Reader) restore(ctx context.Context, to Target, stream events.Stream, done *uint64, progress func(uint64)) error {
	messages := r.Messages(stream)
	for {
		batch, err := messages.some(ctx, restoredAtOnce)
		if err == nil && len(batch) > 0 {
			err = to.Put(ctx, stream, batch)
		}
		if err != nil {
			return errors.Join(err, messages.Close())
		}
		if len(batch) == 0 {
			return nil
		}
		*done += uint64(len(batch))
		if progress != nil {
			progress(*done)
		}
	}
}

// some returns the next messages, at most n; none at the end.
func (m *Messages) some(ctx context.Context, n int) ([]events.Stored, error) {
	batch := make([]events.Stored, 0, n)
	for len(batch) < n {
		message, err := m.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		batch = append(batch, message)
	}
	return batch, nil
}
