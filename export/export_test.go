package export_test

import (
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/export"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// line is the event at a sequence: one each hour, of three types.
func line(sequence int) []byte {
	at := time.Date(2026, 5, 3, 0, 30, 0, 0, time.UTC).Add(time.Duration(sequence) * time.Hour)
	kind, data := "roster.user.suspended.v1", `{}`
	switch sequence % 3 {
	case 1:
		kind = "roster.user.registered.v1"
		data = fmt.Sprintf(`{"number":%d,"loginType":"password","status":"active","confirmed":true,"roles":["owner","auditor"],`+
			`"memberships":[{"organization":"o"}],"createdAt":"2026-01-02T03:04:05.678Z","username":"ada \"the\" %d"}`, sequence, sequence)
	case 2:
		kind, data = "roster.thing.of-tomorrow.v9", `{"what":["ever"]}`
	}
	return fmt.Appendf(nil, `{"specversion":"1.0","position":"r%d","id":"id-%d","type":%q,"source":"/roster","subject":"user/u%d","time":%q,"actor":"u1","data":%s}`,
		sequence, sequence, kind, sequence%5, at.Format(time.RFC3339Nano), data)
}

func options(dir, form string) export.Options {
	return export.Options{Dir: dir, Form: form, Personal: true, Filters: map[string][]string{"user": {"ada"}}, Catalogue: events.Released()}
}

func open(t *testing.T, o export.Options) *export.Exporter {
	t.Helper()
	x, err := export.Open(o)
	require.NoError(t, err)
	return x
}

func add(t *testing.T, x *export.Exporter, from, to int) {
	t.Helper()
	for n := from; n <= to; n++ {
		require.NoError(t, x.Add(line(n)))
	}
}

func exported(t *testing.T, form string, n int) (string, *export.Manifest) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "export")
	x := open(t, options(dir, form))
	add(t, x, 1, n)
	require.NoError(t, x.Commit())
	require.NoError(t, x.Close())
	return dir, manifest(t, dir)
}

// manifest reads the manifest and checks that it speaks of exactly the files there are.
func manifest(t *testing.T, dir string) *export.Manifest {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	require.NoError(t, err)
	m := &export.Manifest{}
	require.NoError(t, json.Unmarshal(text, m))
	for _, f := range m.Files {
		text, err := os.ReadFile(filepath.Join(dir, f.Path))
		require.NoError(t, err)
		sum := sha256.Sum256(text)
		require.Equal(t, hex.EncodeToString(sum[:]), f.SHA256)
		require.EqualValues(t, len(text), f.Bytes)
	}
	found, err := filepath.Glob(filepath.Join(dir, "*", "*", "*"))
	require.NoError(t, err)
	require.Len(t, found, len(m.Files))
	return m
}

// registered is a row of a typed set.
type registered struct {
	Sequence    int64     `parquet:"event_sequence"`
	Time        time.Time `parquet:"event_time,timestamp(microsecond)"`
	ID          string    `parquet:"event_id,optional"`
	Number      int64     `parquet:"number,optional"`
	Confirmed   bool      `parquet:"confirmed,optional"`
	Roles       []string  `parquet:"roles"`
	Memberships string    `parquet:"memberships,optional"`
	CreatedAt   time.Time `parquet:"createdAt,timestamp(microsecond),optional"`
	Username    string    `parquet:"username,optional"`
	Email       *string   `parquet:"email,optional"`
}

func TestParquetHasTypedColumns(t *testing.T) {
	t.Parallel()
	dir, m := exported(t, export.Parquet, 90)
	require.EqualValues(t, 90, m.Events)
	require.Equal(t, map[string]int64{"roster.user.registered.v1": 30, "roster.user.suspended.v1": 30, "roster.thing.of-tomorrow.v9": 30}, m.Types)
	require.Equal(t, map[events.Stream]uint64{events.Roster: 90}, m.Reached)
	var all []registered
	days := map[string]bool{}
	for _, f := range m.Files {
		days[f.Day] = true
		if f.Set != "roster.user.registered.v1" {
			continue
		}
		rows, err := parquet.ReadFile[registered](filepath.Join(dir, f.Path))
		require.NoError(t, err)
		require.Len(t, rows, int(f.Events))
		for _, row := range rows {
			require.Equal(t, f.Day, row.Time.UTC().Format(time.DateOnly))
		}
		all = append(all, rows...)
	}
	require.Len(t, days, 4)
	require.Len(t, all, 30)
	require.Equal(t, registered{
		Sequence: 4, Time: time.Date(2026, 5, 3, 4, 30, 0, 0, time.UTC), ID: "id-4", Number: 4, Confirmed: true,
		Roles: []string{"owner", "auditor"}, Memberships: `[{"organization":"o"}]`, CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC), Username: `ada "the" 4`,
	}, inUTC(all[1]))
}

func inUTC(r registered) registered {
	r.Time, r.CreatedAt = r.Time.UTC(), r.CreatedAt.UTC()
	return r
}

func TestPersonalColumnsAreThereWhenAskedForAlone(t *testing.T) {
	t.Parallel()
	for _, personal := range []bool{true, false} {
		o := options(t.TempDir(), export.Parquet)
		o.Personal = personal
		x := open(t, o)
		add(t, x, 1, 1)
		require.NoError(t, x.Commit())
		m := x.Manifest()
		require.NoError(t, x.Close())
		names := ""
		for _, f := range m.Files {
			names += columns(t, filepath.Join(o.Dir, f.Path))
		}
		require.Equal(t, personal, strings.Contains(names, " username "))
		require.Equal(t, personal, strings.Contains(names, " client "))
		require.NotContains(t, strings.ToLower(names), "hash", "secrets never")
	}
}

func columns(t *testing.T, path string) string {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	info, err := file.Stat()
	require.NoError(t, err)
	p, err := parquet.OpenFile(file, info.Size())
	require.NoError(t, err)
	out := " "
	for _, path := range p.Schema().Columns() {
		out += path[0] + " "
	}
	return out
}

func TestLinesAndTables(t *testing.T) {
	t.Parallel()
	dir, m := exported(t, export.NDJSON, 60)
	var all []string
	for _, f := range m.Files {
		text, err := os.ReadFile(filepath.Join(dir, f.Path))
		require.NoError(t, err)
		all = append(all, strings.Split(strings.TrimSpace(string(text)), "\n")...)
	}
	require.Len(t, all, 60)
	require.Equal(t, string(line(7)), all[6], "as the server sent it")

	dir, m = exported(t, export.CSV, 60)
	n := 0
	for _, f := range m.Files {
		file, err := os.Open(filepath.Join(dir, f.Path))
		require.NoError(t, err)
		records, err := csv.NewReader(file).ReadAll()
		require.NoError(t, err)
		require.NoError(t, file.Close())
		require.Equal(t, "position", records[0][0])
		n += len(records) - 1
	}
	require.Equal(t, 60, n)
}

// TestAKilledExportIsGoneOnWith: what is not in the manifest is nothing, and comes anew.
func TestAKilledExportIsGoneOnWith(t *testing.T) {
	t.Parallel()
	for _, form := range []string{export.Parquet, export.CSV, export.NDJSON} {
		dir, before := exported(t, form, 40)
		// A killed process leaves whole files and halves without an entry.
		for _, name := range []string{"part-000002." + form, "part-000002." + form + ".new"} {
			require.NoError(t, os.WriteFile(filepath.Join(dir, "events", "day="+before.Files[0].Day, name), []byte("half"), 0o600))
		}
		keep := filepath.Join(dir, "notes.txt")
		require.NoError(t, os.WriteFile(keep, nil, 0o600))
		x := open(t, options(dir, form))
		require.EqualValues(t, 40, x.Reached(events.Roster))
		add(t, x, 39, 70) // a little of it comes again
		require.EqualValues(t, 30, x.Added())
		require.NoError(t, x.Commit())
		require.NoError(t, x.Close())
		require.FileExists(t, keep)
		m := manifest(t, dir)
		require.EqualValues(t, 70, m.Events)
		positions := map[string]bool{}
		var n int64
		for _, f := range m.Files {
			if f.Set == "events" {
				n += f.Events
				require.False(t, positions[f.First], "twice")
				positions[f.First] = true
			}
		}
		require.EqualValues(t, 70, n)
	}
}

func TestAnotherExportIsNotMixedIn(t *testing.T) {
	t.Parallel()
	dir, _ := exported(t, export.CSV, 3)
	for name, change := range map[string]func(*export.Options){
		"form":     func(o *export.Options) { o.Form = export.Parquet },
		"personal": func(o *export.Options) { o.Personal = false },
		"filters":  func(o *export.Options) { o.Filters = nil },
	} {
		o := options(dir, export.CSV)
		change(&o)
		_, err := export.Open(o)
		require.ErrorIs(t, err, export.ErrOther, name)
	}
	x := open(t, options(dir, export.CSV))
	_, err := export.Open(options(dir, export.CSV))
	require.ErrorContains(t, err, "another process")
	require.NoError(t, x.Close())

	home := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(home, "thesis.txt"), nil, 0o600))
	_, err = export.Open(options(home, export.CSV))
	require.ErrorIs(t, err, export.ErrOther)
	_, err = export.Open(options(t.TempDir(), "xml"))
	require.Error(t, err)
}

// After an event that can not be written nothing is: it would be missing for ever.
func TestABadEventStopsTheExportBeforeIt(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]string{
		"no JSON":             `{"position":`,
		"no position":         strings.Replace(string(line(3)), `"r3"`, `"x"`, 1),
		"a type that climbs":  strings.Replace(string(line(3)), "roster.user.suspended.v1", "../../etc", 1),
		"a number that is no": strings.Replace(string(line(1)), `"number":1`, `"number":"x"`, 1),
	} {
		o := options(t.TempDir(), export.Parquet)
		x := open(t, o)
		require.Error(t, x.Add([]byte(bad)), name)
		require.Error(t, x.Add(line(5)), name)
		require.Error(t, x.Commit(), name)
		require.Error(t, x.Close(), name)
		_, err := os.Stat(filepath.Join(o.Dir, "manifest.json"))
		require.ErrorIs(t, err, os.ErrNotExist)
	}
}

func TestWhatFiltersLeaveOutIsReachedAllTheSame(t *testing.T) {
	t.Parallel()
	o := options(t.TempDir(), export.NDJSON)
	x := open(t, o)
	add(t, x, 1, 2)
	x.Reach(events.Position{Stream: events.Roster, Sequence: 500})
	x.Reach(events.Position{Stream: events.Activity, Sequence: 9})
	x.Reach(events.Position{Stream: events.Activity, Sequence: 3})
	require.NoError(t, x.Commit())
	require.NoError(t, x.Close())
	require.Equal(t, map[events.Stream]uint64{events.Roster: 500, events.Activity: 9}, manifest(t, o.Dir).Reached)
}

func TestManyBatchesAreOneExport(t *testing.T) {
	t.Parallel()
	o := options(t.TempDir(), export.Parquet)
	x := open(t, o)
	const all = 201_000
	text := string(line(3))
	for n := 1; n <= all; n++ {
		require.NoError(t, x.Add([]byte(strings.Replace(text, `"r3"`, fmt.Sprintf(`"r%d"`, n), 1))))
	}
	require.NoError(t, x.Commit())
	require.NoError(t, x.Close())
	m := manifest(t, o.Dir)
	require.EqualValues(t, all, m.Events)
	require.Len(t, m.Files, 6, "three batches of two sets")
}

// BenchmarkParquet measures the way from lines in memory to files.
func BenchmarkParquet(b *testing.B) {
	x, err := export.Open(options(b.TempDir(), export.Parquet))
	require.NoError(b, err)
	text := string(line(4))
	lines := make([][]byte, b.N)
	for i := range lines {
		lines[i] = []byte(strings.Replace(text, `"r4"`, fmt.Sprintf(`"r%d"`, i+1), 1))
	}
	b.ResetTimer()
	for _, l := range lines {
		require.NoError(b, x.Add(l))
	}
	require.NoError(b, x.Commit())
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	require.NoError(b, x.Close())
}
