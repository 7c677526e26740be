package evidence

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/rosterhq/roster/events"
)

// Log is what a follower reads.
type Log interface {
	InstallationID() string
	Head(ctx context.Context, s events.Stream) (uint64, error)
	First(ctx context.Context, s events.Stream) (uint64, error)
	Messages(ctx context.Context, s events.Stream, from, to uint64, f func(events.Stored) error) error
}

// Store is where a follower keeps what it made. All of its state is there.
type Store interface {
	Tiles
	// TilesMark returns the mark that the last writer of tiles left. PutTiles keeps tiles
	// if nobody did since a mark, and returns the new one; else it is events.ErrConflict.
	TilesMark(ctx context.Context, s events.Stream) (uint64, error)
	PutTiles(ctx context.Context, s events.Stream, mark uint64, tiles []events.HashTile) (uint64, error)
	LastCheckpoint(ctx context.Context, s events.Stream) (events.KeptCheckpoint, error)
	// AppendCheckpoint returns the kept checkpoint's sequence, or events.ErrConflict where
	// another process came first.
	AppendCheckpoint(ctx context.Context, s events.Stream, after uint64, note []byte) (uint64, error)
	PrepareCheckpoints(ctx context.Context) error
}

// Config is what a follower is made of.
type Config struct {
	Log   Log
	Store Store
	Key   *Key
	// Former are public keys that signed earlier checkpoints of this installation.
	Former   []string
	Interval time.Duration
	// Settle is how long positions are there before they are signed, so that none is that
	// a power cut takes back; 0 means at once.
	Settle time.Duration
	Clock  func() time.Time                                 // nil means time.Now
	Wait   func(ctx context.Context, d time.Duration) error // nil means by the machine's clock
	Logger *zap.Logger                                      // nil for none
	// Told is called after each look at a stream, with what was signed last, if anything
	// was; nil for nobody.
	Told func(s events.Stream, signed uint64, err error)
}

// Follower reads the log behind all writers and signs checkpoints. What it finds changed
// under what was signed it does not sign again, and says so each time.
type Follower struct {
	config Config
	known  note.Verifiers
}

// NewFollower makes a follower.
func NewFollower(c Config) (*Follower, error) {
	if c.Log == nil || c.Store == nil || c.Key == nil || c.Interval <= 0 {
		return nil, errors.New("a follower needs a log, a store, a key and an interval")
	}
	known, err := Verifiers(append([]string{c.Key.Public()}, c.Former...)...)
	if err != nil {
		return nil, err
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Wait == nil {
		c.Wait = wait
	}
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}
	if c.Told == nil {
		c.Told = func(events.Stream, uint64, error) {}
	}
	return &Follower{config: c, known: known}, nil
}

// Run follows until the context ends.
func (f *Follower) Run(ctx context.Context) {
	for {
		if err := f.Sweep(ctx); err != nil && ctx.Err() == nil {
			f.config.Logger.Error("no checkpoint was signed", zap.Error(err))
		}
		if f.config.Wait(ctx, f.config.Interval) != nil {
			return
		}
	}
}

// Sweep signs what the log has more than the last checkpoints. Where several processes
// do it at once, one of them does. A stream that can not be signed keeps no other from it.
func (f *Follower) Sweep(ctx context.Context) error {
	if err := f.config.Store.PrepareCheckpoints(ctx); err != nil {
		return err
	}
	looks := make([]*growing, 0, len(Streams()))
	for _, s := range Streams() {
		g := &growing{Follower: f, stream: s}
		if err := g.look(ctx); err != nil {
			return err
		}
		looks = append(looks, g)
	}
	if f.config.Settle > 0 {
		if err := f.config.Wait(ctx, f.config.Settle); err != nil {
			return err
		}
	}
	var errs []error
	for _, g := range looks {
		err := g.run(ctx)
		if errors.Is(err, events.ErrConflict) {
			err = nil // another process signed; it is looked at again next time
		}
		signed := uint64(0)
		if g.last != nil {
			signed = g.last.Size
		}
		f.config.Told(g.stream, signed, err)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// atOnce is how many positions one checkpoint covers at most beyond the one before: a
// log that was never followed is signed in steps, each of which stays done.
const atOnce = 1 << 16

// growing is one look at a stream.
type growing struct {
	*Follower
	stream events.Stream
	mark   uint64 // of the tiles
	kept   events.KeptCheckpoint
	head   uint64      // how far the log goes
	last   *Checkpoint // the last one that was signed; nil: none yet
	after  uint64      // where that one is kept
	from   uint64      // the first position that counts
	tree   *tree
	older  tlog.HashReader
}

// look asks for the mark, for what was signed, and for the head, in this order: whoever
// wrote tiles before that knew of no later head, so that tiles never get narrower than
// what was signed, and what was signed was there.
func (g *growing) look(ctx context.Context) (err error) {
	if g.mark, err = g.config.Store.TilesMark(ctx, g.stream); err != nil {
		return err
	}
	if g.kept, err = g.config.Store.LastCheckpoint(ctx, g.stream); err != nil {
		return err
	}
	g.head, err = g.config.Log.Head(ctx, g.stream)
	return err
}

func (g *growing) run(ctx context.Context) error {
	if err := g.begin(ctx); err != nil {
		return err
	}
	if g.last != nil && g.head < g.last.Size {
		return fmt.Errorf("%w: %s was signed, and the log ends at %s", ErrBeyond, g.last.Position(), events.Position{Stream: g.stream, Sequence: g.head})
	}
	if g.last != nil && g.head == g.last.Size {
		return nil
	}
	if err := g.takeUp(ctx); err != nil {
		return err
	}
	for uint64(g.tree.size) < g.head {
		if err := g.step(ctx, min(uint64(g.tree.size)+atOnce, g.head)); err != nil {
			return err
		}
	}
	return nil
}

// begin finds what was signed last.
func (g *growing) begin(ctx context.Context) error {
	if g.kept.Sequence == 0 {
		var err error
		g.from, err = g.config.Log.First(ctx, g.stream)
		g.from = max(g.from, 1)
		return err
	}
	c, err := Open(g.kept.Note, g.known)
	if errors.Is(err, ErrUnsigned) {
		return fmt.Errorf("the last checkpoint of %s: %w; name the public key of an earlier one in ROSTER_CHECKPOINT_FORMER_KEYS", g.stream, err)
	}
	if err != nil {
		return fmt.Errorf("the last checkpoint of %s: %w", g.stream, err)
	}
	if c.Installation != g.config.Log.InstallationID() || c.Stream != g.stream {
		return fmt.Errorf("%w: the last checkpoint of %s is of %s in installation %s", ErrDiffers, g.stream, c.Stream, c.Installation)
	}
	g.last, g.after, g.from = c, g.kept.Sequence, c.From
	return nil
}

// takeUp goes on with the tree that was signed, or begins it anew where its hashes are
// not there: then it must come by what was signed.
func (g *growing) takeUp(ctx context.Context) error {
	g.tree = &tree{}
	if g.last == nil {
		return nil
	}
	older := kept(ctx, g.config.Store, g.last)
	t, err := treeOf(int64(g.last.Size), older)
	if err == nil {
		g.tree, g.older = t, older
		return nil
	}
	if errors.Is(err, events.ErrUnavailable) || ctx.Err() != nil {
		return err
	}
	first, firstErr := g.config.Log.First(ctx, g.stream)
	if firstErr != nil {
		return firstErr
	}
	if first > g.from {
		return fmt.Errorf("%w, and the log, which begins at %s, can not replace them: %w",
			ErrHashes, events.Position{Stream: g.stream, Sequence: first}, err)
	}
	g.config.Logger.Warn("the hashes of the log are computed anew", zap.String("stream", string(g.stream)), zap.NamedError("because", err))
	return nil
}

// step covers the log up to a position.
func (g *growing) step(ctx context.Context, to uint64) error {
	catchingUp := g.last != nil && uint64(g.tree.size) < g.last.Size
	if catchingUp {
		to = min(to, g.last.Size)
	}
	before := g.tree.size
	news := &grown{base: tlog.StoredHashCount(before), older: g.older}
	if err := g.read(ctx, to, news); err != nil {
		return err
	}
	root, err := g.tree.root()
	if err != nil {
		return err
	}
	if catchingUp && to == g.last.Size && root != g.last.Root {
		return fmt.Errorf("%w up to %s; compare with an archive: roster verify --chain", ErrDiffers, g.last.Position())
	}
	if err := g.keep(ctx, before, news); err != nil {
		return err
	}
	c := &Checkpoint{
		Installation: g.config.Log.InstallationID(), Stream: g.stream, Size: to, Root: root,
		Time: g.config.Clock().UTC().Truncate(time.Second), From: g.from,
	}
	g.older = kept(ctx, g.config.Store, c)
	if catchingUp {
		return nil
	}
	return g.sign(ctx, c)
}

// read adds leaves up to a position, one for each, whether there is a message or not.
func (g *growing) read(ctx context.Context, to uint64, news *grown) error {
	began := uint64(g.tree.size) + 1
	var l leaves
	add := func(leaf tlog.Hash) error {
		whole, err := g.tree.add(leaf)
		news.fresh = append(news.fresh, whole...)
		return err
	}
	gaps := func(before uint64) error {
		for next := uint64(g.tree.size) + 1; next < before; next++ {
			if err := add(l.gap(g.stream, next)); err != nil {
				return err
			}
		}
		return nil
	}
	err := g.config.Log.Messages(ctx, g.stream, uint64(g.tree.size)+1, to, func(m events.Stored) error {
		if m.Sequence < g.from {
			return nil
		}
		if err := gaps(m.Sequence); err != nil {
			return err
		}
		return add(l.hash(m))
	})
	if err != nil {
		return fmt.Errorf("read %s up to %d: %w", g.stream, to, err)
	}
	if err := g.stillThere(ctx, max(began, g.from)); err != nil {
		return err
	}
	return gaps(to + 1)
}

// stillThere says whether retention took nothing of what was just read: that would have
// been read as if it had never been.
func (g *growing) stillThere(ctx context.Context, from uint64) error {
	first, err := g.config.Log.First(ctx, g.stream)
	if err != nil {
		return err
	}
	if first > from {
		return fmt.Errorf("%w: %s is gone, and was never signed", ErrHashes, events.Position{Stream: g.stream, Sequence: from})
	}
	return nil
}

// keep keeps the tiles that changed. They are there before anything is signed: who has
// a checkpoint can have its hashes.
func (g *growing) keep(ctx context.Context, before int64, news *grown) error {
	var out []events.HashTile
	for _, t := range tlog.NewTiles(tileHeight, before, g.tree.size) {
		data, err := tlog.ReadTileData(t, news)
		if err != nil {
			return fmt.Errorf("tile %d of level %d of %s: %w", t.N, t.L, g.stream, err)
		}
		out = append(out, events.HashTile{Level: t.L, Index: t.N, Hashes: data})
	}
	mark, err := g.config.Store.PutTiles(ctx, g.stream, g.mark, out)
	g.mark = mark
	return err
}

func (g *growing) sign(ctx context.Context, c *Checkpoint) error {
	if err := c.Sign(g.config.Key); err != nil {
		return err
	}
	sequence, err := g.config.Store.AppendCheckpoint(ctx, g.stream, g.after, c.Text)
	if err != nil {
		return err
	}
	g.last, g.after = c, sequence
	// Whoever collects logs elsewhere has a witness of their own.
	g.config.Logger.Info("the log was signed", zap.Stringer("position", c.Position()), zap.Stringer("root", c.Root), zap.String("key", c.Key))
	return nil
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
