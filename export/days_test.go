package export_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/export"
)

// An event lies in the day of its own time, in UTC: also in a batch across midnight,
// where clocks disagree, and when it comes days later.
func TestAnEventLiesInTheDayOfItsTime(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "export")
	x := open(t, options(dir, export.NDJSON))
	days := map[string][]string{}
	put := func(at, day string) {
		t.Helper()
		n := int(x.Added()) + 1
		text := fmt.Appendf(nil, `{"specversion":"1.0","position":"r%d","id":"id-%d","type":"roster.user.suspended.v1","source":"/roster","subject":"user/u","time":%q,"actor":"u","data":{}}`, n, n, at)
		require.NoError(t, x.Add(text))
		days[day] = append(days[day], fmt.Sprint("r", n))
	}
	put("2026-05-03T23:59:59.999999Z", "2026-05-03")
	put("2026-05-04T00:00:00Z", "2026-05-04")
	put("2026-05-03T23:59:59.5Z", "2026-05-03")
	put("2026-05-04T01:30:00+02:00", "2026-05-03")
	require.NoError(t, x.Commit())
	put("2026-05-03T22:30:00-02:00", "2026-05-04")
	put("2026-05-03T12:00:00Z", "2026-05-03")
	require.NoError(t, x.Commit())
	require.EqualValues(t, 6, x.Reached(events.Roster))
	require.NoError(t, x.Close())

	found := map[string][]string{}
	for _, f := range manifest(t, dir).Files {
		require.Contains(t, f.Path, "day="+f.Day)
		text, err := os.ReadFile(filepath.Join(dir, f.Path))
		require.NoError(t, err)
		for line := range strings.Lines(string(text)) {
			var e struct{ Position string }
			require.NoError(t, json.Unmarshal([]byte(line), &e))
			found[f.Day] = append(found[f.Day], e.Position)
		}
	}
	require.Equal(t, days, found)
}
