package archive_test

import (
	"bytes"
	"io"
	"iter"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/archive"
	"github.com/rosterhq/roster/events"
)

func linesOf(t *testing.T, path string) iter.Seq[string] {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	zip, err := zstd.NewReader(nil)
	require.NoError(t, err)
	defer zip.Close()
	plain, err := zip.DecodeAll(text, nil)
	require.NoError(t, err)
	return strings.Lines(string(plain))
}

// logged is a log of a test.
type logged []events.Stored

func (l *logged) Message() (events.Stored, error) {
	if len(*l) == 0 {
		return events.Stored{}, io.EOF
	}
	m := (*l)[0]
	*l = (*l)[1:]
	return m, nil
}

func log(stream events.Stream, from, to uint64) logged {
	var l logged
	for n := from; n <= to; n++ {
		l = append(l, message(stream, n))
	}
	return l
}

func TestTheFirstPositionThatDiffersIsNamed(t *testing.T) {
	t.Parallel()
	dir := made(t)
	r, err := archive.Read(dir)
	require.NoError(t, err)
	other := log(events.Roster, 1, 30)
	other[16].Headers = events.Headers{"ce-id": {"another"}}
	for name, c := range map[string]struct {
		log  logged
		says string
	}{
		"the same":                {log(events.Roster, 1, 30), ""},
		"a longer log":            {log(events.Roster, 1, 40), ""},
		"another message":         {other, "at r17: the log has another message"},
		"one missing in the log":  {slices.Delete(log(events.Roster, 1, 30), 11, 12), "at r12: the archive has a message, the log none"},
		"a log that went back":    {log(events.Roster, 1, 20), "at r21: the archive has a message, the log none"},
		"an empty log":            {nil, "at r1: the archive has a message, the log none"},
		"the archive lacks the 1": {append(logged{message(events.Roster, 1)}, log(events.Roster, 1, 30)...), "at r1: the log has a message, the archive none"},
	} {
		log := c.log
		compared, err := r.Compare(t.Context(), events.Roster, &log, nil)
		if c.says == "" {
			require.NoError(t, err, name)
			require.EqualValues(t, 30, compared.Messages)
			continue
		}
		require.ErrorIs(t, err, archive.ErrDiffers, name)
		require.ErrorContains(t, err, c.says, name)
	}
}

// What the log's retention took is in the archive alone; a filler is nothing.
func TestRetentionAndFillersAreNoDifference(t *testing.T) {
	t.Parallel()
	dir := made(t)
	r, err := archive.Read(dir)
	require.NoError(t, err)
	later := log(events.Activity, 9, 12)
	compared, err := r.Compare(t.Context(), events.Activity, &later, nil)
	require.NoError(t, err)
	require.Equal(t, archive.Compared{Messages: 4, LogFrom: 9}, compared)

	filled := log(events.Activity, 7, 12)
	for n := uint64(1); n < 7; n++ {
		filled = append(filled, events.Stored{Stream: events.Activity, Sequence: n, Subject: "activity.filler"})
	}
	slices.SortFunc(filled, func(a, b events.Stored) int { return int(a.Sequence) - int(b.Sequence) })
	compared, err = r.Compare(t.Context(), events.Activity, &filled, nil)
	require.NoError(t, err)
	require.EqualValues(t, 6, compared.Messages)
}

func TestAFeedThatIsCutOffIsKnown(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	w, err := archive.NewFeedWriter(&out, archive.FeedHead{Installation: installation, Stream: events.Roster, From: 1, To: 3})
	require.NoError(t, err)
	for n := uint64(1); n <= 3; n++ {
		require.NoError(t, w.Message(message(events.Roster, n)))
	}
	require.NoError(t, w.End())
	whole := out.String()
	all, err := feed(t, whole)
	require.ErrorIs(t, err, io.EOF)
	require.Len(t, all, 3)
	require.Equal(t, message(events.Roster, 3), all[2])

	lines := slices.Collect(strings.Lines(whole))
	for name, text := range map[string]string{
		"no end": strings.Join(lines[:4], ""), "half a line": whole[:len(whole)-30], "a line less": lines[0] + lines[1] + lines[2] + lines[4],
	} {
		_, err := feed(t, text)
		require.Error(t, err, name)
		require.NotErrorIs(t, err, io.EOF, name)
	}
}

func feed(t *testing.T, text string) ([]events.Stored, error) {
	t.Helper()
	r, err := archive.NewFeedReader(strings.NewReader(text))
	require.NoError(t, err)
	var all []events.Stored
	for {
		m, err := r.Message()
		if err != nil {
			return all, err
		}
		all = append(all, m)
	}
}
