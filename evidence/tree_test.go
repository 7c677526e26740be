package evidence

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/rosterhq/roster/events"
)

// naive is the tree as RFC 6962, 2.1, defines it.
func naive(leaves []tlog.Hash) tlog.Hash {
	if len(leaves) == 1 {
		return leaves[0]
	}
	k := 1
	for k*2 < len(leaves) {
		k *= 2
	}
	return tlog.NodeHash(naive(leaves[:k]), naive(leaves[k:]))
}

type tileMap map[tlog.Tile][]byte

func (m tileMap) Tile(_ context.Context, _ events.Stream, level int, index int64) ([]byte, error) {
	return m[tlog.Tile{L: level, N: index}], nil
}

// A tree that was put down and taken up any number of times is the one of the standard,
// and of any two sizes the smaller is provably the begin of the larger, and no other is.
func TestTreeIsThatOfTheStandard(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var (
			all   []tlog.Hash
			tiles = tileMap{}
			now   = &tree{}
			older tlog.HashReader
			sizes []*Checkpoint
		)
		for range rapid.IntRange(1, 5).Draw(t, "times") {
			before := now.size
			news := &grown{base: tlog.StoredHashCount(before), older: older}
			for range rapid.IntRange(1, 600).Draw(t, "leaves") {
				leaf := tlog.RecordHash(fmt.Append(nil, "leaf ", len(all)))
				all = append(all, leaf)
				whole, err := now.add(leaf)
				require.NoError(t, err)
				news.fresh = append(news.fresh, whole...)
			}
			root, err := now.root()
			require.NoError(t, err)
			require.Equal(t, naive(all), root)
			for _, tile := range tlog.NewTiles(tileHeight, before, now.size) {
				data, err := tlog.ReadTileData(tile, news)
				require.NoError(t, err)
				tiles[tlog.Tile{L: tile.L, N: tile.N}] = data
			}
			c := &Checkpoint{Stream: events.Roster, Size: uint64(now.size), Root: root}
			sizes = append(sizes, c)
			older = kept(context.Background(), tiles, c)
			now, err = treeOf(now.size, older)
			require.NoError(t, err)
		}
		newest := sizes[len(sizes)-1]
		from := uint64(rapid.IntRange(1, len(all)).Draw(t, "from"))
		to := uint64(rapid.IntRange(int(from), len(all)).Draw(t, "to"))
		proof, err := Prove(context.Background(), tiles, newest, from, to)
		require.NoError(t, err)
		a := &Checkpoint{Stream: events.Roster, Size: from, Root: naive(all[:from])}
		b := &Checkpoint{Stream: events.Roster, Size: to, Root: naive(all[:to])}
		require.NoError(t, Consistent(a, b, proof))
		a.Root[rapid.IntRange(0, tlog.HashSize-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		require.ErrorIs(t, Consistent(a, b, proof), ErrDiffers)

		var leaves []byte
		require.NoError(t, Leaves(context.Background(), tiles, events.Roster, from, to, func(h []byte) error {
			leaves = append(leaves, h...)
			return nil
		}))
		var want []byte
		for _, h := range all[from-1 : to] {
			want = append(want, h[:]...)
		}
		require.True(t, bytes.Equal(want, leaves))
	})
}

// A leaf never changes its form: checkpoints lie in other people's drawers.
func TestTheFormOfALeafIsForEver(t *testing.T) {
	t.Parallel()
	var l leaves
	h := l.hash(events.Stored{
		Stream: events.Roster, Sequence: 1042, Subject: "roster.user.x",
		Headers: events.Headers{"B": {"2", "1"}, "A": {"é\xff"}}, Data: []byte("{}"),
	})
	require.Equal(t, tlog.RecordHash([]byte("6:ROSTER,4:1042,13:roster.user.x,1:3,1:A,3:é\xff,1:B,1:2,1:B,1:1,2:{},")), h)
	require.Equal(t, "f41567d7cc2f08eb4cb1185b4a2e32c1", hex.EncodeToString(h[:16]))
	require.Equal(t, l.hash(events.Stored{Stream: events.Activity, Sequence: 7, Subject: "activity.filler"}), l.gap(events.Activity, 7))
}

func exampleCheckpoint() *Checkpoint {
	return &Checkpoint{
		Installation: strings.Repeat("0f", 16), Stream: events.Activity, Size: 77, Root: tlog.RecordHash([]byte("x")),
		Time: time.Date(2026, 5, 3, 10, 0, 0, 0, time.UTC), From: 1,
	}
}

func TestACheckpointHasOneText(t *testing.T) {
	t.Parallel()
	c := exampleCheckpoint()
	require.Equal(t, "roster/"+c.Installation+"/activity\n77\n"+c.Root.String()+"\ntime 2026-05-03T10:00:00Z\nfrom 1\n", c.body())
	again, err := parse(c.body())
	require.NoError(t, err)
	require.Equal(t, c, again)
	for _, change := range [][2]string{
		{"roster/", "other/"},
		{"/activity", "/keys"},
		{"0f0f", "0F0F"},
		{"0f0f", "0g0f"},
		{"\n77\n", "\n077\n"},
		{"\n77\n", "\n0\n"},
		{"\n77\n", "\n-7\n"},
		{"\n77\n", "\n99999999999999999999\n"},
		{"=\n", "\n"},
		{"10:00:00Z", "10:00:00.5Z"},
		{"10:00:00Z", "12:00:00+02:00"},
		{"from 1", "from 0"},
		{"from 1", "from 79"},
		{"from 1", "1"},
		{"from 1\n", "from 1\nmore\n"},
		{"time ", "Time "},
	} {
		changed := strings.Replace(c.body(), change[0], change[1], 1)
		require.NotEqual(t, c.body(), changed)
		_, err := parse(changed)
		require.ErrorIs(t, err, ErrNoCheckpoint, changed)
	}
}

func TestKeysAreReadWithoutBeingRepeated(t *testing.T) {
	t.Parallel()
	secret, err := MakeKey(rand.Reader, "example.org")
	require.NoError(t, err)
	key, err := ParseKey(secret)
	require.NoError(t, err)
	c := exampleCheckpoint()
	require.NoError(t, c.Sign(key))
	known, err := Verifiers(key.Public())
	require.NoError(t, err)
	again, err := Open(c.Text, known)
	require.NoError(t, err)
	require.Equal(t, c, again)
	for _, bad := range []string{"", "x", secret[:len(secret)-4], strings.Replace(secret, "+", "-", 2), key.Public()} {
		_, err := ParseKey(bad)
		require.Error(t, err)
		if bad != "" && bad != "x" {
			require.NotContains(t, err.Error(), bad)
		}
	}
	for _, name := range []string{"", "a b", "a+b"} {
		_, err := MakeKey(rand.Reader, name)
		require.Error(t, err)
	}
	_, err = Verifiers("nonsense")
	require.ErrorContains(t, err, "name+hash+key")
}

// FuzzOpen: whatever is read as a checkpoint has the text that it would be given.
func FuzzOpen(f *testing.F) {
	secret, err := MakeKey(rand.Reader, "example.org")
	require.NoError(f, err)
	key, err := ParseKey(secret)
	require.NoError(f, err)
	c := exampleCheckpoint()
	require.NoError(f, c.Sign(key))
	f.Add(string(c.Text), true)
	f.Add(c.body(), false)
	f.Add("roster/"+c.Installation+"/roster\n1\n"+c.Root.String()+"\ntime 2026-05-03T10:00:00Z\nfrom 2\n", false)
	f.Fuzz(func(t *testing.T, text string, whole bool) {
		if !whole {
			signed, err := note.Sign(&note.Note{Text: text}, key)
			if err != nil {
				return
			}
			text = string(signed)
		}
		known, err := Verifiers(key.Public())
		require.NoError(t, err)
		got, err := Open([]byte(text), known)
		if err != nil {
			return
		}
		require.NotZero(t, got.Size)
		again := *got
		require.NoError(t, again.Sign(key))
		first, _, _ := strings.Cut(text, "\n\n")
		second, _, _ := strings.Cut(string(again.Text), "\n\n")
		require.Equal(t, first, second)
	})
}
