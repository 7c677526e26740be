package export

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/parquet-go/parquet-go"
	"golang.org/x/sync/errgroup"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/durable"
)

// envelopeSet has all events.
const envelopeSet = "events"

// partition is where events of a set and a day lie.
type partition struct{ set, day string }

// content are the events of one file to be.
type content struct {
	first, last string // positions
	count       int64
	rows        []parquet.Row
	lines       []byte     // of NDJSON
	records     [][]string // of CSV
}

// batch collects events in memory until they are written.
type batch struct {
	parts   map[partition]*content
	reached map[events.Stream]uint64
	types   map[string]int64
	events  int64
	values  []parquet.Value // rows are cut from it, so that they cost no allocation each
}

func newBatch() *batch {
	return &batch{parts: map[partition]*content{}, reached: map[events.Stream]uint64{}, types: map[string]int64{}}
}

func (b *batch) of(p partition, e *event) *content {
	c, ok := b.parts[p]
	if !ok {
		c = &content{first: e.Position}
		b.parts[p] = c
	}
	c.last = e.Position
	c.count++
	return c
}

const valuesAtOnce = 1 << 14

// addRow adds a row to a partition of Parquet.
func (b *batch) addRow(t *table, p partition, e *event) error {
	if cap(b.values)-len(b.values) < 2*len(t.columns) {
		b.values = make([]parquet.Value, 0, max(valuesAtOnce, 2*len(t.columns)))
	}
	begin := len(b.values)
	row, err := t.row(parquet.Row(b.values[begin:begin:cap(b.values)]), e)
	if err != nil {
		return err
	}
	if end := begin + len(row); end <= cap(b.values) { // else lists made it longer, and it has memory of its own
		b.values = b.values[:end]
	}
	c := b.of(p, e)
	c.rows = append(c.rows, row[:len(row):len(row)])
	return nil
}

// write writes all files of a batch, some at a time. They have their names when it
// returns, and count as there once they are in the manifest.
func (b *batch) write(dir, form string, number int, tables func(set string) *table) ([]File, error) {
	var group errgroup.Group
	group.SetLimit(filesAtOnce)
	files := make([]File, 0, len(b.parts))
	for p := range b.parts {
		files = append(files, File{
			Set: p.set, Day: p.day, Path: fmt.Sprintf("%s/day=%s/part-%06d.%s", p.set, p.day, number, form),
		})
	}
	slices.SortFunc(files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	for i := range files {
		f := &files[i]
		c, t := b.parts[partition{f.Set, f.Day}], tables(f.Set)
		f.Events, f.First, f.Last = c.count, c.first, c.last
		group.Go(func() error { return writeFile(dir, f, func(out io.Writer) error { return c.write(out, form, t) }) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	dirs := map[string]bool{dir: true}
	for _, f := range files {
		day := filepath.Join(dir, filepath.FromSlash(filepath.Dir(f.Path)))
		dirs[day], dirs[filepath.Dir(day)] = true, true
	}
	return files, syncDirs(dirs)
}

// filesAtOnce is how many files are written side by side: many small ones wait for
// the disk most of the time.
const filesAtOnce = 4

// writeFile makes one file and notes its size and hash.
func writeFile(dir string, f *File, write func(io.Writer) error) error {
	path := filepath.Join(dir, filepath.FromSlash(f.Path))
	if err := os.MkdirAll(filepath.Dir(path), dirMode); err != nil {
		return fmt.Errorf("make a directory for a day: %w", err)
	}
	file, err := durable.Create(path)
	if err != nil {
		return err
	}
	sum := sha256.New()
	buffered := bufio.NewWriterSize(io.MultiWriter(file, sum), 256<<10)
	err = write(buffered)
	if err == nil {
		err = buffered.Flush()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", f.Path, err), file.Drop())
	}
	info, err := file.Stat()
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", f.Path, err), file.Drop())
	}
	f.Bytes, f.SHA256 = info.Size(), hex.EncodeToString(sum.Sum(nil))
	return file.Commit()
}

func (c *content) write(out io.Writer, form string, t *table) error {
	switch form {
	case Parquet:
		return t.write(out, c.rows)
	case CSV:
		w := csv.NewWriter(out)
		if err := w.WriteAll(append([][]string{csvHead()}, c.records...)); err != nil {
			return fmt.Errorf("write CSV: %w", err)
		}
		return nil
	default:
		_, err := out.Write(c.lines)
		return err
	}
}

func csvHead() []string {
	head := []string{}
	for _, c := range envelope() {
		head = append(head, c.name)
	}
	return append(head, "sequence", "time", "data")
}

func csvRecord(e *event) []string {
	record := make([]string, 0, 17)
	for _, c := range envelope() {
		record = append(record, harmless(c.text(e)))
	}
	return append(record, strconv.FormatUint(e.at.Sequence, 10), e.time.UTC().Format(time.RFC3339Nano), string(e.Data))
}

// harmless keeps a spreadsheet from taking what somebody wrote for a formula.
func harmless(s string) string {
	if s != "" && (s[0] == '=' || s[0] == '+' || s[0] == '-' || s[0] == '@' || s[0] == '\t' || s[0] == '\r') {
		return "'" + s
	}
	return s
}
