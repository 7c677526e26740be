package eventlog_test

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/eventlog"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/evidence"
	"github.com/rosterhq/roster/internal/testenv"
)

func newFollower(t testing.TB, l *eventlog.Log, key *evidence.Key) *evidence.Follower {
	t.Helper()
	f, err := evidence.NewFollower(evidence.Config{Log: l, Store: l, Key: key, Interval: time.Minute})
	require.NoError(t, err)
	return f
}

func checkpointKey(t testing.TB) *evidence.Key {
	t.Helper()
	secret, err := evidence.MakeKey(rand.Reader, "example.org")
	require.NoError(t, err)
	key, err := evidence.ParseKey(secret)
	require.NoError(t, err)
	return key
}

// asSigned verifies what l holds with the checkpoints that are kept in of.
func asSigned(t testing.TB, l, of *eventlog.Log, key *evidence.Key) (evidence.Verified, error) {
	t.Helper()
	known, err := evidence.Verifiers(key.Public())
	require.NoError(t, err)
	var all []*evidence.Checkpoint
	for after := uint64(0); ; {
		page, err := of.Checkpoints(t.Context(), events.Roster, after)
		require.NoError(t, err)
		for _, k := range page {
			c, err := evidence.Open(k.Note, known)
			require.NoError(t, err)
			all = append(all, c)
			after = k.Sequence
		}
		if len(page) == 0 {
			break
		}
	}
	v, err := evidence.NewVerifier(events.Roster, all, nil)
	require.NoError(t, err)
	if err := l.Messages(t.Context(), events.Roster, 1, 0, v.Add); err != nil {
		return evidence.Verified{}, err
	}
	head, err := l.Head(t.Context(), events.Roster)
	require.NoError(t, err)
	return v.End(head)
}

// seeded is a log of copied messages, under another prefix.
func seeded(t testing.TB, messages []events.Stored, keys []events.WrappedKey) *eventlog.Log {
	t.Helper()
	nc := testenv.NATS(t)
	seed, err := eventlog.BeginSeed(t.Context(), nc, eventlog.SeedOptions{Prefix: "new"})
	require.NoError(t, err)
	require.NoError(t, seed.PutKeys(t.Context(), keys))
	require.NoError(t, seed.Put(t.Context(), events.Roster, messages))
	require.NoError(t, seed.Finish(t.Context()))
	return open(t, nc, eventlog.Options{Prefix: "new"})
}

// A log is signed as it grows, is as it was signed after an erasure, and so is one that
// was restored from a copy, under another prefix.
func TestALogIsAsItWasSigned(t *testing.T) {
	t.Parallel()
	l := open(t, testenv.NATS(t), eventlog.Options{Prefix: "old"})
	none, err := l.LastCheckpoint(t.Context(), events.Roster)
	require.NoError(t, err)
	require.Zero(t, none.Sequence)
	page, err := l.Checkpoints(t.Context(), events.Roster, 0)
	require.NoError(t, err)
	require.Empty(t, page)
	tile, err := l.Tile(t.Context(), events.Roster, 0, 0)
	require.NoError(t, err)
	require.Nil(t, tile)

	key := checkpointKey(t)
	f := newFollower(t, l, key)
	require.NoError(t, f.Sweep(t.Context()), "of an empty log there is nothing to sign")
	user, _ := register(t, l)
	require.NoError(t, f.Sweep(t.Context()))
	register(t, l)
	require.NoError(t, f.Sweep(t.Context()))
	require.NoError(t, l.EraseKey(t.Context(), user.ID))
	require.NoError(t, f.Sweep(t.Context()))
	found, err := asSigned(t, l, l, key)
	require.NoError(t, err)
	require.Equal(t, evidence.Verified{Checkpoints: 2, To: 4}, found)

	page, err = l.Checkpoints(t.Context(), events.Roster, 0)
	require.NoError(t, err)
	require.Len(t, page, 2)
	_, err = l.AppendCheckpoint(t.Context(), events.Roster, page[0].Sequence, []byte("late"))
	require.ErrorIs(t, err, events.ErrConflict)

	messages, keys := copied(t, l)
	found, err = asSigned(t, seeded(t, messages, keys), l, key)
	require.NoError(t, err, "a restored log is the one that was signed")
	require.Equal(t, evidence.Verified{Checkpoints: 2, To: 4}, found)
	messages[2].Data = []byte("{}")
	_, err = asSigned(t, seeded(t, messages, keys), l, key)
	require.ErrorIs(t, err, evidence.ErrDiffers)
	require.ErrorContains(t, err, "from r3 to r4")
}

// More tiles than one batch takes, and than one page of checkpoints has.
func TestManyTilesAndCheckpoints(t *testing.T) {
	t.Parallel()
	l := open(t, testenv.NATS(t), eventlog.Options{})
	require.NoError(t, l.PrepareCheckpoints(t.Context()))
	require.NoError(t, l.PrepareCheckpoints(t.Context()), "twice is no harm")
	tiles := make([]events.HashTile, 250)
	for i := range tiles {
		tiles[i] = events.HashTile{Level: 1, Index: int64(i), Hashes: []byte{byte(i)}}
	}
	mark, err := l.TilesMark(t.Context(), events.Activity)
	require.NoError(t, err)
	newer, err := l.PutTiles(t.Context(), events.Activity, mark, tiles)
	require.NoError(t, err)
	wider := []events.HashTile{{Level: 1, Index: 3, Hashes: []byte("wider")}}
	_, err = l.PutTiles(t.Context(), events.Activity, mark, wider)
	require.ErrorIs(t, err, events.ErrConflict, "somebody else was there first")
	newer, err = l.PutTiles(t.Context(), events.Activity, newer, wider)
	require.NoError(t, err)
	mark, err = l.TilesMark(t.Context(), events.Activity)
	require.NoError(t, err)
	require.Equal(t, newer, mark)
	for i, want := range map[int64][]byte{0: {0}, 3: []byte("wider"), 249: {249}, 250: nil} {
		got, err := l.Tile(t.Context(), events.Activity, 1, i)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	var last uint64
	for i := range 300 {
		var err error
		last, err = l.AppendCheckpoint(t.Context(), events.Activity, last, []byte{byte(i)})
		require.NoError(t, err)
	}
	seen := 0
	for after := uint64(0); ; {
		page, err := l.Checkpoints(t.Context(), events.Activity, after)
		require.NoError(t, err)
		if len(page) == 0 {
			break
		}
		for _, k := range page {
			require.Equal(t, []byte{byte(seen)}, k.Note)
			after = k.Sequence
			seen++
		}
	}
	require.Equal(t, 300, seen)
}

// BenchmarkFollow measures how fast a log that was never signed is read, hashed and
// signed, on the server that takes writes.
func BenchmarkFollow(b *testing.B) {
	l := open(b, startServer(b, true), eventlog.Options{})
	user := newBenchUser(b, l)
	const calls = 50
	drafts := make([]events.Draft, 1000)
	for range calls {
		for i := range drafts {
			drafts[i] = benchActivity(user, uuid.NewString())
		}
		_, err := l.Record(b.Context(), drafts)
		require.NoError(b, err)
	}
	for range b.N {
		store := open(b, startServer(b, true), eventlog.Options{})
		f, err := evidence.NewFollower(evidence.Config{Log: l, Store: store, Key: checkpointKey(b), Interval: time.Minute})
		require.NoError(b, err)
		start := time.Now()
		require.NoError(b, f.Sweep(b.Context()))
		b.ReportMetric(calls*float64(len(drafts))/time.Since(start).Seconds(), "positions/s")
		b.ReportMetric(0, "ns/op")
	}
}
