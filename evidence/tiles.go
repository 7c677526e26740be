package evidence

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/rosterhq/roster/events"
)

// tileHeight makes tiles of up to 256 hashes, as C2SP's tlog-tiles does.
const tileHeight = 8

// Tiles are where a tree's hashes are kept.
type Tiles interface {
	// Tile returns what was kept for a tile, or nil.
	Tile(ctx context.Context, s events.Stream, level int, index int64) ([]byte, error)
}

// kept reads the hashes of a tree from its tiles. It hands out none that does not lead
// to the root of a checkpoint.
func kept(ctx context.Context, tiles Tiles, c *Checkpoint) tlog.HashReader {
	return tlog.TileHashReader(tlog.Tree{N: int64(c.Size), Hash: c.Root}, &tileReader{
		ctx: ctx, tiles: tiles, stream: c.Stream, known: map[tlog.Tile][]byte{},
	})
}

// tileReader implements tlog.TileReader. It lives for one operation.
type tileReader struct {
	ctx    context.Context //nolint:containedctx // tlog's interface has none
	tiles  Tiles
	stream events.Stream
	known  map[tlog.Tile][]byte
}

// Height implements tlog.TileReader.
func (r *tileReader) Height() int { return tileHeight }

// ReadTiles implements tlog.TileReader.
func (r *tileReader) ReadTiles(list []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(list))
	for i, t := range list {
		data, known := r.known[t]
		if !known {
			var err error
			if data, err = readTile(r.ctx, r.tiles, r.stream, t); err != nil {
				return nil, err
			}
		}
		out[i] = data
	}
	return out, nil
}

// readTile returns a tile of the wanted width; what is kept may have grown since.
func readTile(ctx context.Context, tiles Tiles, s events.Stream, t tlog.Tile) ([]byte, error) {
	data, err := tiles.Tile(ctx, s, t.L, t.N)
	if err != nil {
		return nil, err
	}
	if len(data) < t.W*tlog.HashSize {
		return nil, fmt.Errorf("%w: tile %d of level %d has %d hashes, not %d", ErrHashes, t.N, t.L, len(data)/tlog.HashSize, t.W)
	}
	return data[:t.W*tlog.HashSize], nil
}

// SaveTiles implements tlog.TileReader, for which it keeps what was found to be right.
func (r *tileReader) SaveTiles(list []tlog.Tile, data [][]byte) {
	for i, t := range list {
		r.known[t] = data[i]
	}
}

// grown are the subtrees that became whole since a tree was taken up, before which
// older has them.
type grown struct {
	base  int64 // index of the first
	fresh []tlog.Hash
	older tlog.HashReader
}

// ReadHashes implements tlog.HashReader.
func (g *grown) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	var before []int64
	var at []int
	for i, index := range indexes {
		if index >= g.base {
			if index-g.base >= int64(len(g.fresh)) {
				return nil, fmt.Errorf("%w: index %d", errNotKept, index)
			}
			out[i] = g.fresh[index-g.base]
			continue
		}
		before, at = append(before, index), append(at, i)
	}
	if len(before) == 0 {
		return out, nil
	}
	hashes, err := g.older.ReadHashes(before)
	if err != nil {
		return nil, err
	}
	for i, h := range hashes {
		out[at[i]] = h
	}
	return out, nil
}

// Leaves hands out the hashes of leaves as they are kept, from one position to another,
// a tile's at a time. They are the server's word: only with a tree over all of them,
// whose root was signed, do they prove anything.
func Leaves(ctx context.Context, tiles Tiles, s events.Stream, from, to uint64, each func(hashes []byte) error) error {
	const width = 1 << tileHeight
	for next := from; next <= to; {
		index := int64(next-1) / width
		data, err := tiles.Tile(ctx, s, 0, index)
		if err != nil {
			return err
		}
		first := uint64(index)*width + 1
		skip := int(next-first) * tlog.HashSize
		if skip >= len(data) {
			return nil
		}
		end := min(len(data), int(to-first+1)*tlog.HashSize)
		if err := each(data[skip:end]); err != nil {
			return err
		}
		next = first + width
	}
	return nil
}

// Prove returns what proves that of two sizes of a stream's tree the smaller one is the
// begin of the other (RFC 6962, 2.1.2). The newest checkpoint bounds them.
func Prove(ctx context.Context, tiles Tiles, newest *Checkpoint, from, to uint64) (tlog.TreeProof, error) {
	if from == 0 || from > to || to > newest.Size {
		return nil, fmt.Errorf("%w: from %d to %d of %d", ErrRange, from, to, newest.Size)
	}
	proof, err := tlog.ProveTree(int64(to), int64(from), kept(ctx, tiles, newest))
	if err == nil {
		return proof, nil
	}
	if !errors.Is(err, events.ErrUnavailable) && !errors.Is(err, ErrHashes) {
		err = fmt.Errorf("%w: %w", ErrHashes, err)
	}
	return nil, fmt.Errorf("prove that %s at %d is the begin of it at %d: %w", newest.Stream, from, to, err)
}

// Consistent says whether a proof shows that an older checkpoint is the begin of a newer one.
func Consistent(older, newer *Checkpoint, proof []tlog.Hash) error {
	switch {
	case older.Installation != newer.Installation:
		return fmt.Errorf("%w: one is of installation %s, the other of %s", ErrDiffers, older.Installation, newer.Installation)
	case older.Stream != newer.Stream:
		return fmt.Errorf("%w: one is of %s, the other of %s", ErrDiffers, older.Stream, newer.Stream)
	case older.Size > newer.Size:
		return fmt.Errorf("%w: %s was signed, and the newest is %s", ErrBeyond, older.Position(), newer.Position())
	}
	err := tlog.CheckTree(proof, int64(newer.Size), newer.Root, int64(older.Size), older.Root)
	if err != nil {
		return fmt.Errorf("%w: what was signed at %s is not the begin of what was signed at %s", ErrDiffers, older.Position(), newer.Position())
	}
	return nil
}
