package eventlog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rosterhq/roster/eventlog/internal/wire"
	"github.com/rosterhq/roster/events"
)

// Signed checkpoints, and the hashes that they sum up, lie in streams of their own,
// which are made when the first checkpoint is: CHECKPOINTS and TILES. Nothing that
// commands append waits for them.
const (
	checkpointsStream events.Stream = "CHECKPOINTS"
	tilesStream       events.Stream = "TILES"
)

// checkpointStreams are the streams and their rules: what was signed stays, a tile is
// written anew while it grows.
func (n names) checkpointStreams(prefix string, replicas int) []jetstream.StreamConfig {
	common := func(s events.Stream, about string) jetstream.StreamConfig {
		return jetstream.StreamConfig{
			Name: StreamName(prefix, s), Description: about, Subjects: []string{n.root + strings.ToLower(string(s)) + ".>"},
			Storage: jetstream.FileStorage, Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardOld,
			Replicas: replicas, AllowDirect: true, MaxMsgSize: wire.MaxMessage,
		}
	}
	signed := common(checkpointsStream, "Signed checkpoints of the log")
	signed.DenyDelete, signed.DenyPurge = true, true
	tiles := common(tilesStream, "Hashes that checkpoints sum up")
	tiles.MaxMsgsPerSubject, tiles.AllowAtomicPublish = 1, true
	return []jetstream.StreamConfig{signed, tiles}
}

func (n names) checkpointSubject(s events.Stream) string {
	return n.root + "checkpoints." + strings.ToLower(string(s))
}

func (n names) tileSubject(s events.Stream, level int, index int64) string {
	return n.root + "tiles." + strings.ToLower(string(s)) + "." + strconv.Itoa(level) + "." + strconv.FormatInt(index, 10)
}

func (n names) tilesMark(s events.Stream) string {
	return n.root + "tiles." + strings.ToLower(string(s)) + ".mark"
}

// PrepareCheckpoints makes room for checkpoints, with as many replicas as the log has.
// Several processes may do it at once.
func (l *Log) PrepareCheckpoints(ctx context.Context) error {
	js, err := jetstream.New(l.nc)
	if err != nil {
		return fmt.Errorf("prepare checkpoints: %w", err)
	}
	stream, err := js.Stream(ctx, l.names.roster)
	if err != nil {
		return unavailable("prepare checkpoints", err)
	}
	replicas := stream.CachedInfo().Config.Replicas
	for _, c := range l.names.checkpointStreams(l.prefix, replicas) {
		if _, err := ensureStream(ctx, js, c, replicas); err != nil {
			return unavailable("prepare checkpoints: stream "+c.Name, err)
		}
	}
	return nil
}

// AppendCheckpoint keeps a checkpoint of a stream behind the last one, whose sequence
// is after (0: there is none), and returns its sequence. It is events.ErrConflict if
// another one came first.
func (l *Log) AppendCheckpoint(ctx context.Context, s events.Stream, after uint64, note []byte) (uint64, error) {
	js, err := jetstream.New(l.nc)
	if err != nil {
		return 0, fmt.Errorf("keep a checkpoint: %w", err)
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	m := &nats.Msg{Subject: l.names.checkpointSubject(s), Data: note}
	done, err := js.PublishMsg(ctx, m, jetstream.WithExpectLastSequencePerSubject(after))
	if err == nil {
		return done.Sequence, nil
	}
	if err = classify(err); errors.Is(err, events.ErrConflict) {
		return 0, fmt.Errorf("keep a checkpoint of %s: %w", s, err)
	}
	return 0, unavailable("keep a checkpoint of "+string(s), err)
}

// LastCheckpoint returns the newest checkpoint of a stream, from the leader; sequence 0
// where there is none.
func (l *Log) LastCheckpoint(ctx context.Context, s events.Stream) (events.KeptCheckpoint, error) {
	m, err := l.read.leaderLast(ctx, StreamName(l.prefix, checkpointsStream), l.names.checkpointSubject(s))
	if noStream(err) {
		return events.KeptCheckpoint{}, nil
	}
	if err != nil {
		return events.KeptCheckpoint{}, unavailable("last checkpoint of "+string(s), err)
	}
	return events.KeptCheckpoint{Sequence: m.sequence, Note: m.data}, nil
}

// Checkpoints returns a page of a stream's checkpoints, the oldest first: those kept
// behind a sequence. It is empty behind the last one.
func (l *Log) Checkpoints(ctx context.Context, s events.Stream, after uint64) ([]events.KeptCheckpoint, error) {
	last, err := l.LastCheckpoint(ctx, s)
	if err != nil || last.Sequence <= after {
		return nil, err
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	page, _, err := l.read.page(ctx, StreamName(l.prefix, checkpointsStream), l.names.checkpointSubject(s), after+1)
	if err != nil {
		return nil, unavailable("checkpoints of "+string(s), err)
	}
	out := make([]events.KeptCheckpoint, len(page))
	for i, m := range page {
		out[i] = events.KeptCheckpoint{Sequence: m.sequence, Note: m.data}
	}
	return out, nil
}

// tilesAtOnce bounds a batch: a tile has up to 8 KiB.
const tilesAtOnce = 100

// TilesMark returns the mark that the last writer of a stream's tiles left.
func (l *Log) TilesMark(ctx context.Context, s events.Stream) (uint64, error) {
	m, err := l.read.leaderLast(ctx, StreamName(l.prefix, tilesStream), l.names.tilesMark(s))
	if err != nil && !noStream(err) {
		return 0, unavailable("mark of the tiles of "+string(s), err)
	}
	return m.sequence, nil
}

// PutTiles keeps tiles of a stream's tree, each in place of the one before, if nobody
// else did since the mark, and returns the new mark; else it is events.ErrConflict. Some
// may be kept after an error.
func (l *Log) PutTiles(ctx context.Context, s events.Stream, mark uint64, tiles []events.HashTile) (uint64, error) {
	js, err := jetstream.New(l.nc)
	if err != nil {
		return mark, fmt.Errorf("keep tiles: %w", err)
	}
	for chunk := range slices.Chunk(tiles, tilesAtOnce) {
		msgs := make([]*nats.Msg, 0, len(chunk)+1)
		for _, t := range chunk {
			msgs = append(msgs, &nats.Msg{Subject: l.names.tileSubject(s, t.Level, t.Index), Header: nats.Header{}, Data: t.Hashes})
		}
		marked := &nats.Msg{Subject: l.names.tilesMark(s), Header: nats.Header{}}
		marked.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(mark, 10))
		last, err := publishBatch(ctx, js, append(msgs, marked))
		if err = refusedOr(err); errors.Is(err, events.ErrConflict) {
			return mark, fmt.Errorf("keep tiles of %s: %w", s, err)
		}
		if err != nil {
			return mark, unavailable("keep tiles of "+string(s), err)
		}
		mark = last
	}
	return mark, nil
}

// refusedOr is classify for errors.
func refusedOr(err error) error {
	if err == nil {
		return nil
	}
	return classify(err)
}

// Tile returns the hashes of a tile, from the leader: nil where there is none.
func (l *Log) Tile(ctx context.Context, s events.Stream, level int, index int64) ([]byte, error) {
	m, err := l.read.leaderLast(ctx, StreamName(l.prefix, tilesStream), l.names.tileSubject(s, level, index))
	if noStream(err) {
		return nil, nil
	}
	if err != nil {
		return nil, unavailable("tile of "+string(s), err)
	}
	return m.data, nil
}

func noStream(err error) bool {
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && api.ErrorCode == codeStreamNotFound
}

// First returns the first sequence that a stream still holds; one behind the last where
// it holds none.
func (l *Log) First(ctx context.Context, s events.Stream) (uint64, error) {
	state, err := l.read.state(ctx, l.names.streamOf(s))
	if err != nil {
		return 0, unavailable("first of "+string(s), err)
	}
	return state.First, nil
}
