package gate

import (
	"context"

	"github.com/rosterhq/roster/archive"
	"github.com/rosterhq/roster/events"
)

// Copies is the log as copies of it are made, and what was signed of it.
type Copies interface {
	archive.Copies

	// Signed checkpoints, none where none are made, and the tiles of their trees.
	LastCheckpoint(ctx context.Context, s events.Stream) (events.KeptCheckpoint, error)
	Checkpoints(ctx context.Context, s events.Stream, after uint64) ([]events.KeptCheckpoint, error)
	Tile(ctx context.Context, s events.Stream, level int, index int64) ([]byte, error)
}
