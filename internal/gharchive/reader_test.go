package gharchive_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rosterhq/roster/internal/gharchive"
)

func compress(tb testing.TB, text string) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(text))
	require.NoError(tb, err)
	require.NoError(tb, w.Close())
	return b.Bytes()
}

// read returns the lines as "number:text", and what else Next returned.
func read(tb testing.TB, raw []byte) ([]string, []error) {
	tb.Helper()
	r, err := gharchive.NewReader("hour.json.gz", bytes.NewReader(raw))
	if err != nil {
		return nil, []error{err}
	}
	defer func() { _ = r.Close() }()
	var lines []string
	var failures []error
	for {
		line, err := r.Next()
		var bad *gharchive.LineError
		switch {
		case err == nil:
			require.Equal(tb, "hour.json.gz", line.File)
			lines = append(lines, string(line.Data))
		case errors.Is(err, io.EOF):
			return lines, failures
		case errors.As(err, &bad):
			failures = append(failures, err)
		default:
			return lines, append(failures, err)
		}
	}
}

func TestReadsPlainAndCompressed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"":                                   nil,
		"\n\n":                               nil,
		"{}":                                 {"{}"},
		"{\"a\":1}\n{\"b\":2}\n":             {`{"a":1}`, `{"b":2}`},
		"one\r\n\r\n  two  \n3":              {"one", "two", "3"},
		strings.Repeat("x", 3<<20) + "\nend": {strings.Repeat("x", 3<<20), "end"},
	} {
		for _, raw := range [][]byte{[]byte(text), compress(t, text)} {
			lines, failures := read(t, raw)
			require.Empty(t, failures)
			require.Equal(t, want, lines)
		}
	}
}

// GH Archive and people with cat glue compressed files together.
func TestReadsGluedMembers(t *testing.T) {
	t.Parallel()
	lines, failures := read(t, append(compress(t, "one\n"), compress(t, "two\n")...))
	require.Empty(t, failures)
	require.Equal(t, []string{"one", "two"}, lines)
}

func TestCountsBlankLines(t *testing.T) {
	t.Parallel()
	r, err := gharchive.NewReader("x", strings.NewReader("\n\none\n\ntwo"))
	require.NoError(t, err)
	for _, want := range []int{3, 5} {
		line, err := r.Next()
		require.NoError(t, err)
		require.Equal(t, want, line.Number)
	}
	_, err = r.Next()
	require.ErrorIs(t, err, io.EOF)
	require.Equal(t, int64(10), r.Offset())
}

func TestTooLongLineAlone(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", gharchive.MaxLine+10)
	lines, failures := read(t, compress(t, "one\n"+long+"\nthree\n"+long))
	require.Equal(t, []string{"one", "three"}, lines)
	require.Len(t, failures, 2)
	require.ErrorIs(t, failures[0], gharchive.ErrLineTooLong)
	require.EqualError(t, failures[0], "hour.json.gz:2: line is longer than 16 MiB")
	require.EqualError(t, failures[1], "hour.json.gz:4: line is longer than 16 MiB")
}

func TestBrokenCompression(t *testing.T) {
	t.Parallel()
	whole := compress(t, "one\n"+strings.Repeat("two two two\n", 20_000)+"{\"cut\":true}\n")
	for name, raw := range map[string][]byte{
		"header": whole[:5],
		"cut":    whole[:len(whole)-9],
		"bit":    append(append(bytes.Clone(whole[:len(whole)-8]), whole[len(whole)-8]^1), whole[len(whole)-7:]...),
	} {
		_, failures := read(t, raw)
		require.Len(t, failures, 1, name)
		var broken *gharchive.FileError
		require.ErrorAs(t, failures[0], &broken, name)
		require.ErrorContains(t, failures[0], "hour.json.gz: unreadable after line", name)
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	_, err := gharchive.Open(filepath.Join(t.TempDir(), "missing"))
	require.ErrorIs(t, err, os.ErrNotExist)

	r, err := gharchive.Open("testdata/hour.json")
	require.NoError(t, err)
	line, err := r.Next()
	require.NoError(t, err)
	require.Equal(t, "testdata/hour.json", line.File)
	require.NoError(t, r.Close())
}

// Lines come out as they went in, whatever their lengths and wherever the
// buffers end.
func TestLinesSurvive(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		lengths := rapid.SliceOfN(rapid.IntRange(1, 400_000), 0, 6).Draw(rt, "lengths")
		var want []string
		for i, n := range lengths {
			want = append(want, strings.Repeat(string(rune('a'+i)), n))
		}
		text := strings.Join(want, "\n")
		raw := []byte(text)
		if rapid.Bool().Draw(rt, "compressed") {
			raw = compress(t, text)
		}
		lines, failures := read(t, raw)
		require.Empty(rt, failures)
		require.Equal(rt, want, lines)
	})
}

// The twin of a real hour: invented people, every kind of event.
func TestTwin(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/hour.json")
	require.NoError(t, err)
	lines, failures := read(t, raw)
	require.Empty(t, failures)
	kinds := map[string]int{}
	unmapped := 0
	for _, l := range lines {
		record, err := gharchive.Parse([]byte(l))
		var none *gharchive.UnmappedError
		if errors.As(err, &none) {
			unmapped++
			continue
		}
		require.NoError(t, err)
		kinds[record.Activity.Type]++
	}
	require.Equal(t, map[string]int{"commit": 2, "ticket": 8, "comment": 2, "review": 1, "project": 11}, kinds)
	require.Equal(t, 2, unmapped)
}

func FuzzParse(f *testing.F) {
	raw, err := os.ReadFile("testdata/hour.json")
	require.NoError(f, err)
	for l := range strings.Lines(string(raw)) {
		f.Add([]byte(l))
	}
	f.Add([]byte(`{"id":"1","type":"IssuesEvent","actor":{"id":1},"repo":{"name":"a/b"},"created_at":"2015-01-01T00:00:00Z","payload":null}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		record, err := gharchive.Parse(line)
		if err != nil {
			return
		}
		a := record.Activity
		require.NotEmpty(t, a.ID)
		require.NotEmpty(t, a.Type)
		require.NotEmpty(t, a.Action)
		require.NotEmpty(t, a.Entity.ID)
		require.False(t, a.OccurredAt.IsZero())
		require.NotEmpty(t, record.People)
		require.Equal(t, a.User, record.People[0].Identity)
	})
}

func FuzzReader(f *testing.F) {
	f.Add([]byte("one\ntwo"))
	f.Add(compress(f, "one\ntwo"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		lines, failures := read(t, raw)
		require.LessOrEqual(t, len(failures), 1)
		for _, l := range lines {
			require.NotEmpty(t, l)
		}
	})
}
