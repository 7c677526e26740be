package gate

import (
	"context"

	"github.com/rosterhq/roster/events"
)

// Copies is the log as copies of it are made, and what was signed of it.
type Copies interface {
	InstallationID() string
	Head(ctx context.Context, s events.Stream) (uint64, error)
	Messages(ctx context.Context, s events.Stream, from, to uint64, f func(events.Stored) error) error
	WrappedKeys(ctx context.Context, f func(events.WrappedKey) error) error

	// Signed checkpoints, none where none are made, and the tiles of their trees.
	LastCheckpoint(ctx context.Context, s events.Stream) (events.KeptCheckpoint, error)
	Checkpoints(ctx context.Context, s events.Stream, after uint64) ([]events.KeptCheckpoint, error)
	Tile(ctx context.Context, s events.Stream, level int, index int64) ([]byte, error)
}
