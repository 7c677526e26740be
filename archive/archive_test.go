package archive_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/rosterhq/roster/archive"
	"github.com/rosterhq/roster/events"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const installation = "0123456789abcdef"

func clock() time.Time { return time.Date(2026, 5, 3, 12, 0, 0, 0, time.UTC) }

// message is the one that a log of these tests has at a sequence.
func message(stream events.Stream, sequence uint64) events.Stored {
	return events.Stored{
		Stream: stream, Sequence: sequence, Subject: fmt.Sprintf("%s.user.%d", strings.ToLower(string(stream)), sequence),
		Headers: events.Headers{"ce-id": {fmt.Sprint(sequence)}, "ce-type": {"roster.user.registered.v1"}},
		Data:    []byte(fmt.Sprintf(`{"number":%d,"name":"<Ada & Grace> ü"}`, sequence)),
	}
}

// adds archives the messages of a stream from one sequence to another, as one segment.
func adds(t *testing.T, dir string, stream events.Stream, from, to uint64) {
	t.Helper()
	a := opened(t, dir)
	defer func() { require.NoError(t, a.Close()) }()
	p := a.Append(stream)
	for n := from; n <= to; n++ {
		require.NoError(t, p.Add(message(stream, n)))
	}
	require.NoError(t, p.Commit())
}

func opened(t *testing.T, dir string) *archive.Archive {
	t.Helper()
	a, err := archive.Open(dir, clock)
	require.NoError(t, err)
	require.NoError(t, a.Of(installation))
	return a
}

func made(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "archive")
	adds(t, dir, events.Roster, 1, 10)
	adds(t, dir, events.Roster, 10, 25) // as a run begins: with what is there already
	adds(t, dir, events.Roster, 25, 30)
	adds(t, dir, events.Activity, 7, 12)
	require.NoError(t, archive.WriteKeys(archive.KeysFile(dir, ""), installation, []events.WrappedKey{{Name: "user.1", Box: []byte{1}}}))
	return dir
}

func read(t *testing.T, dir string, stream events.Stream) []events.Stored {
	t.Helper()
	r, err := archive.Read(dir)
	require.NoError(t, err)
	messages := r.Messages(stream)
	var all []events.Stored
	for {
		m, err := messages.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		all = append(all, m)
	}
}

func check(t *testing.T, dir string) error {
	t.Helper()
	r, err := archive.Read(dir)
	if err != nil {
		return err
	}
	return r.Check(t.Context(), nil)
}

func TestAnArchiveKeepsEveryByte(t *testing.T) {
	t.Parallel()
	dir := made(t)
	require.NoError(t, check(t, dir))
	for stream, bounds := range map[events.Stream][2]uint64{events.Roster: {1, 30}, events.Activity: {7, 12}} {
		all := read(t, dir, stream)
		require.Len(t, all, int(bounds[1]-bounds[0]+1))
		for i, m := range all {
			require.Equal(t, message(stream, bounds[0]+uint64(i)), m)
		}
	}
	r, err := archive.Read(dir)
	require.NoError(t, err)
	require.Len(t, r.Manifest().Segments, 4)
	require.Equal(t, map[events.Stream]uint64{events.Roster: 1, events.Activity: 7}, r.First())
	for _, name := range []string{"manifest.json", "keys.ndjson", r.Manifest().Segments[0].File} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), name)
	}
}

func TestABodyThatIsNoTextStaysAsItIs(t *testing.T) {
	t.Parallel()
	want := events.Stored{Stream: events.Roster, Sequence: 1, Subject: "s", Data: []byte{0xff, 0, 0xfe}}
	text, err := archive.AppendLine(nil, want)
	require.NoError(t, err)
	got, err := archive.ParseLine(text)
	require.NoError(t, err)
	require.Equal(t, want, got)
}

// Whatever becomes of a segment, the check says which one it is.
func TestDamageIsFoundAndNamed(t *testing.T) {
	t.Parallel()
	const second = "segments/ROSTER-00000000000000000011.ndjson.zst"
	for name, c := range map[string]struct {
		damage func(t *testing.T, path string)
		said   string
	}{
		"a changed byte": {func(t *testing.T, path string) {
			change(t, path, func(text []byte) []byte { text[len(text)/2] ^= 0x10; return text })
		}, ""},
		"a file cut short": {func(t *testing.T, path string) {
			change(t, path, func(text []byte) []byte { return text[:len(text)-5] })
		}, "bytes, not"},
		"a missing segment": {func(t *testing.T, path string) { require.NoError(t, os.Remove(path)) }, "is missing"},
		"a changed record":  {func(t *testing.T, path string) { rewrite(t, path, "Ada", "Eve") }, ""},
		"a record left out": {func(t *testing.T, path string) { rewrite(t, path, `"sequence":15`, `"sequence":14`) }, ""},
		"another segment in its place": {func(t *testing.T, path string) {
			other, err := os.ReadFile(strings.Replace(path, "11.ndjson", "01.ndjson", 1))
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, other, 0o600))
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := made(t)
			c.damage(t, filepath.Join(dir, second))
			err := check(t, dir)
			require.ErrorIs(t, err, archive.ErrDamaged)
			require.ErrorContains(t, err, second)
			require.ErrorContains(t, err, c.said)
		})
	}
}

// Who changes a record and the manifest with it breaks the chain.
func TestTheChainHoldsAgainstAChangedManifest(t *testing.T) {
	t.Parallel()
	dir := made(t)
	path := filepath.Join(dir, "segments", "ROSTER-00000000000000000011.ndjson.zst")
	rewrite(t, path, "Ada", "Eve")
	correctManifest(t, dir, path)
	err := check(t, dir)
	require.ErrorIs(t, err, archive.ErrDamaged)
	require.ErrorContains(t, err, "ROSTER-00000000000000000026", "the next segment names another one")
}

func TestManifestsThatDoNotFitAreDamaged(t *testing.T) {
	t.Parallel()
	dir := made(t)
	manifest := filepath.Join(dir, "manifest.json")
	whole, err := os.ReadFile(manifest)
	require.NoError(t, err)
	for name, text := range map[string]string{
		"cut":              string(whole[:len(whole)/2]),
		"a segment less":   withoutSegment(t, whole, 1),
		"the first less":   withoutSegment(t, whole, 0),
		"counted wrongly":  strings.Replace(string(whole), `"messages": 15`, `"messages": 16`, 1),
		"ended wrongly":    strings.Replace(string(whole), `"to": 30`, `"to": 31`, 1),
		"of somebody else": strings.Replace(string(whole), installation, "fedcba9876543210", 1),
	} {
		require.NotEqual(t, string(whole), text, name)
		require.NoError(t, os.WriteFile(manifest, []byte(text), 0o600))
		require.ErrorIs(t, check(t, dir), archive.ErrDamaged, name)
	}
	require.NoError(t, os.Remove(manifest))
	_, err = archive.Open(dir, clock)
	require.ErrorIs(t, err, archive.ErrDamaged, "nothing is begun anew beside segments")
	_, err = archive.Read(dir)
	require.ErrorContains(t, err, "is no archive")
}

func TestOnlyTheSameLogGoesOn(t *testing.T) {
	t.Parallel()
	dir := made(t)
	a := opened(t, dir)
	defer func() { require.NoError(t, a.Close()) }()
	require.ErrorIs(t, a.Of("another"), archive.ErrOther)
	require.EqualValues(t, 30, a.Next(events.Roster))

	other := message(events.Roster, 30)
	other.Data = []byte(`{}`)
	require.ErrorIs(t, a.Append(events.Roster).Add(other), archive.ErrBroken, "another message at the end")
	require.ErrorIs(t, a.Append(events.Roster).Add(message(events.Roster, 32)), archive.ErrBroken, "r31 is lost")
	p := a.Append(events.Roster)
	require.NoError(t, p.Add(message(events.Roster, 31)), "the log may have forgotten what is archived")
	require.Error(t, p.Add(message(events.Roster, 31)), "twice")
	require.Error(t, p.Add(message(events.Activity, 32)), "of another stream")
	require.NoError(t, p.Drop())

	_, err := archive.Open(dir, clock)
	require.ErrorContains(t, err, "another process")
}

// A process that is killed leaves a file that nobody takes for a segment.
func TestAKilledRunIsGoneOnWith(t *testing.T) {
	t.Parallel()
	dir := made(t)
	before := files(t, dir)
	a := opened(t, dir)
	p := a.Append(events.Roster)
	require.NoError(t, p.Add(message(events.Roster, 30)))
	require.NoError(t, p.Add(message(events.Roster, 31)))
	require.Greater(t, len(files(t, dir)), len(before))
	require.NoError(t, a.Close()) // and nothing else, as when killed
	require.NoError(t, check(t, dir))

	adds(t, dir, events.Roster, 30, 33)
	require.NoError(t, check(t, dir))
	require.Len(t, read(t, dir, events.Roster), 33)
	require.Len(t, files(t, dir), len(before)+1)
}

func TestKeysLieApart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	keys := []events.WrappedKey{{Name: "installation.secret", Box: []byte{1, 2}}, {Name: "user.1", Box: []byte{3}}, {Name: "user.2", Erased: true}}
	require.NoError(t, archive.WriteKeys(path, installation, keys))
	of, got, err := archive.ReadKeys(path)
	require.NoError(t, err)
	require.Equal(t, installation, of)
	require.Equal(t, keys, got)

	keys[1] = events.WrappedKey{Name: "user.1", Erased: true}
	require.NoError(t, archive.WriteKeys(path, installation, keys))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NotContains(t, string(text), `"Aw=="`, "an erased key is gone")

	for name, damage := range map[string]func([]byte) []byte{
		"a line changed": func(text []byte) []byte { return []byte(strings.Replace(string(text), "user.2", "user.3", 1)) },
		"the end cut":    func(text []byte) []byte { return text[:len(text)-20] },
		"the end gone":   func(text []byte) []byte { return text[:strings.LastIndex(string(text[:len(text)-1]), "\n")] },
		"nothing left":   func([]byte) []byte { return nil },
	} {
		require.NoError(t, os.WriteFile(path, damage(append([]byte(nil), text...)), 0o600))
		_, _, err := archive.ReadKeys(path)
		require.ErrorIs(t, err, archive.ErrDamaged, name)
	}
	require.NoError(t, os.Remove(path))
	_, _, err = archive.ReadKeys(path)
	require.ErrorContains(t, err, "is missing")
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, path)
		}
		return err
	}))
	return all
}

func change(t *testing.T, path string, f func([]byte) []byte) {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, f(text), 0o600))
}

// rewrite changes the text of a segment and compresses it anew.
func rewrite(t *testing.T, path, from, to string) {
	t.Helper()
	unzip, err := zstd.NewReader(nil)
	require.NoError(t, err)
	defer unzip.Close()
	zip, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, zip.Close()) }()
	change(t, path, func(text []byte) []byte {
		plain, err := unzip.DecodeAll(text, nil)
		require.NoError(t, err)
		require.Contains(t, string(plain), from)
		return zip.EncodeAll([]byte(strings.ReplaceAll(string(plain), from, to)), nil)
	})
}
