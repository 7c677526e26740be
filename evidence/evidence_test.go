package evidence_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/evidence"
)

const installation = "00112233445566778899aabbccddeeff"

// logged is a log whose messages a test can change behind everybody's back.
type logged struct {
	messages map[events.Stream][]events.Stored
	first    uint64 // of ACTIVITY; 0 means 1
}

func newLogged(n int) *logged {
	l := &logged{messages: map[events.Stream][]events.Stored{}}
	l.grow(n)
	return l
}

// grow adds messages to both streams.
func (l *logged) grow(n int) {
	for _, s := range evidence.Streams() {
		for range n {
			sequence := uint64(len(l.messages[s]) + 1)
			l.messages[s] = append(l.messages[s], events.Stored{
				Stream: s, Sequence: sequence, Subject: fmt.Sprintf("some.subject.%d", sequence%7),
				Headers: events.Headers{"Roster-Type": {"thing.done"}, "Roster-Id": {fmt.Sprint(sequence)}},
				Data:    fmt.Appendf(nil, `{"n":%d}`, sequence),
			})
		}
	}
}

func (l *logged) InstallationID() string { return installation }

func (l *logged) Head(_ context.Context, s events.Stream) (uint64, error) {
	if len(l.messages[s]) == 0 {
		return 0, nil
	}
	return l.messages[s][len(l.messages[s])-1].Sequence, nil
}

func (l *logged) First(_ context.Context, s events.Stream) (uint64, error) {
	if s == events.Activity {
		return max(l.first, 1), nil
	}
	return 1, nil
}

func (l *logged) Messages(_ context.Context, s events.Stream, from, to uint64, f func(events.Stored) error) error {
	for _, m := range l.messages[s] {
		if m.Sequence < from || m.Sequence > to || s == events.Activity && m.Sequence < l.first {
			continue
		}
		if err := f(m); err != nil {
			return err
		}
	}
	return nil
}

// shelf is a store in memory.
type shelf struct {
	notes map[events.Stream][]events.KeptCheckpoint
	tiles map[string][]byte
	marks map[events.Stream]uint64
	next  uint64
}

func newShelf() *shelf {
	return &shelf{notes: map[events.Stream][]events.KeptCheckpoint{}, tiles: map[string][]byte{}, marks: map[events.Stream]uint64{}}
}

func tileName(s events.Stream, level int, index int64) string {
	return fmt.Sprint(s, " ", level, " ", index)
}

func (s *shelf) Tile(_ context.Context, of events.Stream, level int, index int64) ([]byte, error) {
	return s.tiles[tileName(of, level, index)], nil
}

func (s *shelf) TilesMark(_ context.Context, of events.Stream) (uint64, error) {
	return s.marks[of], nil
}

func (s *shelf) PutTiles(_ context.Context, of events.Stream, mark uint64, tiles []events.HashTile) (uint64, error) {
	if mark != s.marks[of] {
		return mark, events.ErrConflict
	}
	s.marks[of]++
	for _, t := range tiles {
		s.tiles[tileName(of, t.Level, t.Index)] = t.Hashes
	}
	return s.marks[of], nil
}

func (s *shelf) LastCheckpoint(_ context.Context, of events.Stream) (events.KeptCheckpoint, error) {
	if n := len(s.notes[of]); n > 0 {
		return s.notes[of][n-1], nil
	}
	return events.KeptCheckpoint{}, nil
}

func (s *shelf) AppendCheckpoint(ctx context.Context, of events.Stream, after uint64, note []byte) (uint64, error) {
	if last, _ := s.LastCheckpoint(ctx, of); last.Sequence != after {
		return 0, events.ErrConflict
	}
	s.next++
	s.notes[of] = append(s.notes[of], events.KeptCheckpoint{Sequence: s.next, Note: note})
	return s.next, nil
}

func (s *shelf) PrepareCheckpoints(context.Context) error { return nil }

func newKey(t testing.TB, name string) *evidence.Key {
	t.Helper()
	secret, err := evidence.MakeKey(rand.Reader, name)
	require.NoError(t, err)
	key, err := evidence.ParseKey(secret + "\n")
	require.NoError(t, err)
	return key
}

func newFollower(t testing.TB, l evidence.Log, s evidence.Store, key *evidence.Key, former ...string) *evidence.Follower {
	t.Helper()
	f, err := evidence.NewFollower(evidence.Config{
		Log: l, Store: s, Key: key, Former: former, Interval: time.Minute,
		Clock: func() time.Time { return time.Date(2026, 5, 3, 10, 0, 0, 0, time.UTC) },
	})
	require.NoError(t, err)
	return f
}

// signed opens all checkpoints of a stream.
func (s *shelf) signed(t testing.TB, of events.Stream, public ...string) []*evidence.Checkpoint {
	t.Helper()
	known, err := evidence.Verifiers(public...)
	require.NoError(t, err)
	out := make([]*evidence.Checkpoint, 0, len(s.notes[of]))
	for _, k := range s.notes[of] {
		c, err := evidence.Open(k.Note, known)
		require.NoError(t, err)
		out = append(out, c)
	}
	return out
}

func (s *shelf) hashes(t testing.TB, of events.Stream) io.Reader {
	t.Helper()
	var all bytes.Buffer
	last, _ := s.LastCheckpoint(t.Context(), of)
	known := uint64(len(last.Note)) * 1000 // more than there are
	require.NoError(t, evidence.Leaves(t.Context(), s, of, 1, known, func(h []byte) error {
		all.Write(h)
		return nil
	}))
	return &all
}

func verify(t testing.TB, l *logged, of events.Stream, checkpoints []*evidence.Checkpoint, kept io.Reader) (evidence.Verified, error) {
	t.Helper()
	v, err := evidence.NewVerifier(of, checkpoints, kept)
	if err != nil {
		return evidence.Verified{}, err
	}
	first, _ := l.First(t.Context(), of)
	if err := v.Missing(first); err != nil {
		return evidence.Verified{}, err
	}
	if err := l.Messages(t.Context(), of, 1, 1<<40, v.Add); err != nil {
		return evidence.Verified{}, err
	}
	head, _ := l.Head(t.Context(), of)
	return v.End(head)
}

// chained is a log of 700 messages that was signed after 300, 600 and 650.
type chained struct {
	log   *logged
	shelf *shelf
	key   *evidence.Key
}

func newChained(t testing.TB) chained {
	t.Helper()
	c := chained{log: newLogged(0), shelf: newShelf(), key: newKey(t, "example.org")}
	f := newFollower(t, c.log, c.shelf, c.key)
	for _, n := range []int{300, 300, 50} {
		c.log.grow(n)
		require.NoError(t, f.Sweep(t.Context()))
	}
	c.log.grow(50)
	return c
}

func (c chained) verify(t testing.TB) (evidence.Verified, error) {
	t.Helper()
	return verify(t, c.log, events.Roster, c.shelf.signed(t, events.Roster, c.key.Public()), c.shelf.hashes(t, events.Roster))
}

func TestAnUnchangedLogIsAsItWasSigned(t *testing.T) {
	t.Parallel()
	c := newChained(t)
	for _, s := range evidence.Streams() {
		checkpoints := c.shelf.signed(t, s, c.key.Public())
		require.Len(t, checkpoints, 3)
		require.Equal(t, uint64(650), checkpoints[2].Size)
		require.Equal(t, "example.org", checkpoints[2].Key)
		require.Equal(t, time.Date(2026, 5, 3, 10, 0, 0, 0, time.UTC), checkpoints[2].Time)
		found, err := verify(t, c.log, s, checkpoints, c.shelf.hashes(t, s))
		require.NoError(t, err)
		require.Equal(t, evidence.Verified{Checkpoints: 3, To: 650, Behind: 50}, found)
	}
	before := len(c.shelf.notes[events.Roster])
	f := newFollower(t, c.log, c.shelf, c.key)
	require.NoError(t, f.Sweep(t.Context()))
	require.NoError(t, f.Sweep(t.Context()), "nothing is new")
	require.Len(t, c.shelf.notes[events.Roster], before+1, "what did not grow is not signed again")
}

// Each change is found, and its position is named.
func TestEveryChangeIsFound(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]struct {
		do    func(*logged)
		names string
	}{
		"a byte of a body":  {func(l *logged) { l.messages[events.Roster][449].Data[1] ^= 1 }, "r450 "},
		"a header":          {func(l *logged) { l.messages[events.Roster][0].Headers["Roster-Id"][0] = "x" }, "r1 "},
		"a header more":     {func(l *logged) { l.messages[events.Roster][299].Headers["Roster-Reason"] = []string{""} }, "r300 "},
		"a subject":         {func(l *logged) { l.messages[events.Roster][300].Subject += "0" }, "r301 "},
		"removed":           {func(l *logged) { l.replace(slices.Delete(l.messages[events.Roster], 99, 100), false) }, "r100 "},
		"removed, moved up": {func(l *logged) { l.replace(slices.Delete(l.messages[events.Roster], 99, 100), true) }, "r100 "},
		"added": {func(l *logged) {
			l.replace(slices.Insert(l.messages[events.Roster], 640, l.messages[events.Roster][3]), true)
		}, "r641 "},
		"swapped": {func(l *logged) { m := l.messages[events.Roster]; m[5], m[6] = m[6], m[5]; l.replace(m, true) }, "r6 "},
		"moved between names": {func(l *logged) {
			m := l.messages[events.Roster][9]
			m.Headers["Roster-Type2"] = m.Headers["Roster-Type"]
			delete(m.Headers, "Roster-Type")
		}, "r10 "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newChained(t)
			change.do(c.log)
			_, err := c.verify(t)
			require.ErrorIs(t, err, evidence.ErrDiffers)
			require.ErrorContains(t, err, "the first position that differs is "+change.names)

			_, err = verify(t, c.log, events.Roster, c.shelf.signed(t, events.Roster, c.key.Public()), nil)
			require.ErrorIs(t, err, evidence.ErrDiffers, "without the kept hashes, too")
			_, err = verify(t, c.log, events.Activity, c.shelf.signed(t, events.Activity, c.key.Public()), nil)
			require.NoError(t, err, "the other stream is none the worse")
		})
	}
}

func (l *logged) replace(list []events.Stored, renumber bool) {
	for i := range list {
		if renumber {
			list[i].Sequence = uint64(i + 1)
		}
	}
	l.messages[events.Roster] = list
}

func TestALogThatLostItsEndIsFound(t *testing.T) {
	t.Parallel()
	c := newChained(t)
	c.log.messages[events.Roster] = c.log.messages[events.Roster][:620]
	_, err := c.verify(t)
	require.ErrorIs(t, err, evidence.ErrBeyond)
	require.ErrorContains(t, err, "up to r650 was signed")
	before := len(c.shelf.notes[events.Roster])
	err = newFollower(t, c.log, c.shelf, c.key).Sweep(t.Context())
	require.ErrorIs(t, err, evidence.ErrBeyond, "the follower says so")
	require.Len(t, c.shelf.notes[events.Roster], before, "and signs nothing")
	require.Len(t, c.shelf.notes[events.Activity], before+1, "but the other stream")
}

// Whoever changes the log and all that lies beside it, but has no key, is found by it;
// who has the key, too, by whoever holds an older checkpoint.
func TestAnOlderCheckpointFindsWhoHasTheKey(t *testing.T) {
	t.Parallel()
	c := newChained(t)
	held := c.shelf.signed(t, events.Roster, c.key.Public())[1]
	c.log.messages[events.Roster][449].Data[1] ^= 1
	forged := newShelf()
	require.NoError(t, newFollower(t, c.log, forged, c.key).Sweep(t.Context()))
	all := forged.signed(t, events.Roster, c.key.Public())
	_, err := verify(t, c.log, events.Roster, all, forged.hashes(t, events.Roster))
	require.NoError(t, err, "in itself the forgery is whole")

	_, err = verify(t, c.log, events.Roster, append(all, held), forged.hashes(t, events.Roster))
	require.ErrorIs(t, err, evidence.ErrDiffers)
	require.ErrorContains(t, err, "from r1 to r600")
	newest := all[len(all)-1]
	proof, err := evidence.Prove(t.Context(), forged, newest, held.Size, newest.Size)
	require.NoError(t, err)
	require.ErrorIs(t, evidence.Consistent(held, newest, proof), evidence.ErrDiffers)
}

func TestCheckpointsOfAnotherKeyAreRefused(t *testing.T) {
	t.Parallel()
	c := newChained(t)
	other := newKey(t, "example.org")
	known, err := evidence.Verifiers(other.Public())
	require.NoError(t, err)
	text := c.shelf.notes[events.Roster][0].Note
	_, err = evidence.Open(text, known)
	require.ErrorIs(t, err, evidence.ErrUnsigned)
	require.ErrorContains(t, err, `a signature of "example.org"`)

	known, err = evidence.Verifiers(c.key.Public())
	require.NoError(t, err)
	_, err = evidence.Open(bytes.Replace(text, []byte("\n300\n"), []byte("\n301\n"), 1), known)
	require.ErrorIs(t, err, evidence.ErrUnsigned)
	require.ErrorContains(t, err, "does not fit its text")

	err = newFollower(t, c.log, c.shelf, other).Sweep(t.Context())
	require.ErrorIs(t, err, evidence.ErrUnsigned, "a follower with another key does not go on")
	require.NoError(t, newFollower(t, c.log, c.shelf, other, c.key.Public()).Sweep(t.Context()), "unless it is told of the former one")
	_, err = verify(t, c.log, events.Roster, c.shelf.signed(t, events.Roster, c.key.Public(), other.Public()), c.shelf.hashes(t, events.Roster))
	require.NoError(t, err)
}

// What the follower keeps beside the log can be lost; what was signed must come out again.
func TestLostHashesAreComputedAnew(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*shelf){
		"all":     func(s *shelf) { clear(s.tiles) },
		"one":     func(s *shelf) { delete(s.tiles, tileName(events.Roster, 0, 2)) },
		"changed": func(s *shelf) { s.tiles[tileName(events.Roster, 0, 2)][5] ^= 1 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newChained(t)
			whole := maps.Clone(c.shelf.tiles)
			for name, data := range whole {
				whole[name] = bytes.Clone(data)
			}
			lose(c.shelf)
			c.log.grow(600)
			require.NoError(t, newFollower(t, c.log, c.shelf, c.key).Sweep(t.Context()))
			for name, data := range whole {
				require.Equal(t, data, c.shelf.tiles[name][:len(data)], name)
			}
			found, err := c.verify(t)
			require.NoError(t, err)
			require.Equal(t, evidence.Verified{Checkpoints: 4, To: 1300}, found)
		})
	}
}

func TestWhatChangedIsNotSignedAgain(t *testing.T) {
	t.Parallel()
	c := newChained(t)
	clear(c.shelf.tiles)
	c.log.messages[events.Roster][10].Data[1] ^= 1
	require.ErrorIs(t, newFollower(t, c.log, c.shelf, c.key).Sweep(t.Context()), evidence.ErrDiffers)
	require.Len(t, c.shelf.notes[events.Roster], 3)
}

// Old activities may leave the stream: the chain goes on, and an archive or the kept
// hashes stand for them.
func TestTheChainOutlivesRetention(t *testing.T) {
	t.Parallel()
	c := newChained(t)
	f := newFollower(t, c.log, c.shelf, c.key)
	c.log.first = 400
	require.NoError(t, f.Sweep(t.Context()))
	checkpoints := c.shelf.signed(t, events.Activity, c.key.Public())
	found, err := verify(t, c.log, events.Activity, checkpoints, c.shelf.hashes(t, events.Activity))
	require.NoError(t, err)
	require.Equal(t, evidence.Verified{Checkpoints: 4, To: 700, Kept: 399}, found)
	c.log.messages[events.Activity][500].Data[1] ^= 1
	_, err = verify(t, c.log, events.Activity, checkpoints, c.shelf.hashes(t, events.Activity))
	require.ErrorContains(t, err, "the first position that differs is a501 ")
	c.log.messages[events.Activity][500].Data[1] ^= 1

	c.log.first = 0 // as an archive has it
	_, err = verify(t, c.log, events.Activity, checkpoints, c.shelf.hashes(t, events.Activity))
	require.NoError(t, err)

	c.log.first = 701
	clear(c.shelf.tiles)
	c.log.grow(10)
	require.ErrorIs(t, f.Sweep(t.Context()), evidence.ErrHashes, "without log and hashes there is nothing to go on with")
}

func TestAChainCanBeginLate(t *testing.T) {
	t.Parallel()
	l, s, key := newLogged(500), newShelf(), newKey(t, "example.org")
	l.first = 300
	require.NoError(t, newFollower(t, l, s, key).Sweep(t.Context()))
	checkpoints := s.signed(t, events.Activity, key.Public())
	require.Equal(t, uint64(300), checkpoints[0].From)
	_, err := verify(t, l, events.Activity, checkpoints, s.hashes(t, events.Activity))
	require.NoError(t, err)
	l.first = 0
	found, err := verify(t, l, events.Activity, checkpoints, nil)
	require.NoError(t, err, "what was before does not count, whether it is there or not")
	require.Equal(t, uint64(500), found.To)
}

func TestAGapIsWhatARestorePutsThere(t *testing.T) {
	t.Parallel()
	l, s, key := newLogged(40), newShelf(), newKey(t, "example.org")
	l.messages[events.Activity] = slices.Delete(l.messages[events.Activity], 10, 12)
	require.NoError(t, newFollower(t, l, s, key).Sweep(t.Context()))
	checkpoints := s.signed(t, events.Activity, key.Public())
	for i, sequence := range []uint64{11, 12} {
		l.messages[events.Activity] = slices.Insert(l.messages[events.Activity], 10+i,
			events.Stored{Stream: events.Activity, Sequence: sequence, Subject: "activity.filler", Headers: events.Headers{}})
	}
	_, err := verify(t, l, events.Activity, checkpoints, s.hashes(t, events.Activity))
	require.NoError(t, err)
}

// Of two followers at once one signs, and the tiles are never narrower than what it signed.
func TestOneOfTwoFollowersSigns(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"tiles", "checkpoint"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			l, s, key := newLogged(10), newShelf(), newKey(t, "example.org")
			late := &overtaken{shelf: s, at: at, by: func() {
				l.grow(5)
				require.NoError(t, newFollower(t, l, s, key).Sweep(t.Context()))
			}}
			require.NoError(t, newFollower(t, l, late, key).Sweep(t.Context()))
			found, err := verify(t, l, events.Roster, s.signed(t, events.Roster, key.Public()), s.hashes(t, events.Roster))
			require.NoError(t, err)
			require.Equal(t, evidence.Verified{Checkpoints: 1, To: 15}, found)
			require.Len(t, s.tiles[tileName(events.Roster, 0, 0)], 15*32)
		})
	}
}

// overtaken lets another follower come first.
type overtaken struct {
	*shelf
	at string
	by func()
}

func (o *overtaken) overtake(at string) {
	if o.at == at {
		o.at = ""
		o.by()
	}
}

func (o *overtaken) PutTiles(ctx context.Context, of events.Stream, mark uint64, tiles []events.HashTile) (uint64, error) {
	o.overtake("tiles")
	return o.shelf.PutTiles(ctx, of, mark, tiles)
}

func (o *overtaken) AppendCheckpoint(ctx context.Context, of events.Stream, after uint64, note []byte) (uint64, error) {
	o.overtake("checkpoint")
	return o.shelf.AppendCheckpoint(ctx, of, after, note)
}

// A log that was never signed is signed in steps, each of which stays done.
func TestALongLogIsSignedInSteps(t *testing.T) {
	t.Parallel()
	l, s, key := newLogged(70_000), newShelf(), newKey(t, "example.org")
	require.NoError(t, newFollower(t, l, s, key).Sweep(t.Context()))
	checkpoints := s.signed(t, events.Roster, key.Public())
	require.Len(t, checkpoints, 2)
	require.Equal(t, uint64(1<<16), checkpoints[0].Size)
	clear(s.tiles)
	l.grow(1)
	require.NoError(t, newFollower(t, l, s, key).Sweep(t.Context()))
	found, err := verify(t, l, events.Roster, s.signed(t, events.Roster, key.Public()), nil)
	require.NoError(t, err)
	require.Equal(t, evidence.Verified{Checkpoints: 3, To: 70_001}, found)
}
