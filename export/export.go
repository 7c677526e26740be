package export

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/gofrs/flock"

	"github.com/rosterhq/roster/events"
)

// The forms of files.
const (
	NDJSON  = "ndjson"
	CSV     = "csv"
	Parquet = "parquet"
)

// batchEvents is how many events are written together. They are held in memory, at
// about 1 KiB each.
const batchEvents = 100_000

// Options say what is exported where.
type Options struct {
	Dir       string
	Form      string // NDJSON, CSV or Parquet
	Personal  bool   // whether events come with personal data
	Filters   map[string][]string
	Catalogue *events.Catalogue
}

// Exporter writes events into a directory. It is for one goroutine. Encoding and
// writing a batch overlap with collecting the next one.
type Exporter struct {
	o        Options
	lock     *flock.Flock
	manifest *Manifest
	tables   map[string]*table
	batch    *batch
	number   int
	writing  chan error // of the batch on its way; nil without one
	seen     map[events.Stream]uint64
	added    int64
	failed   error // after it nothing is written any more: something would be missing
}

// Open begins an export, or goes on with one that was begun with the same options.
func Open(o Options) (*Exporter, error) {
	if o.Form != NDJSON && o.Form != CSV && o.Form != Parquet {
		return nil, fmt.Errorf("export: no form %q", o.Form)
	}
	if err := os.MkdirAll(o.Dir, dirMode); err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	x := &Exporter{o: o, lock: flock.New(filepath.Join(o.Dir, lockName), flock.SetPermissions(fileMode)), tables: map[string]*table{}, batch: newBatch()}
	held, err := x.lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	if !held {
		return nil, fmt.Errorf("export: another process writes to %s", o.Dir)
	}
	x.manifest, err = load(o.Dir, Manifest{Form: o.Form, Personal: o.Personal, Filters: o.Filters})
	if err == nil {
		err = sweep(o.Dir, x.manifest)
	}
	if err != nil {
		return nil, errors.Join(err, x.lock.Close())
	}
	x.number, x.seen = x.manifest.next(), maps.Clone(x.manifest.Reached)
	return x, nil
}

// Reached is the last sequence of a stream that was looked at.
func (x *Exporter) Reached(s events.Stream) uint64 { return x.seen[s] }

// Added counts the events that this run took.
func (x *Exporter) Added() int64 { return x.added }

// Add takes one line of GET /v1/events, which it does not keep. An event that was
// exported before passes by.
func (x *Exporter) Add(line []byte) error {
	if x.failed == nil {
		x.failed = x.add(line)
	}
	return x.failed
}

func (x *Exporter) add(line []byte) error {
	e, err := parse(line)
	if err != nil {
		return err
	}
	if e.at.Sequence <= x.seen[e.at.Stream] {
		return nil
	}
	switch day := e.day(); x.o.Form {
	case Parquet:
		err = x.addRows(e, day)
	case CSV:
		c := x.batch.of(partition{envelopeSet, day}, e)
		c.records = append(c.records, csvRecord(e))
	default:
		c := x.batch.of(partition{envelopeSet, day}, e)
		c.lines = append(append(c.lines, line...), '\n')
	}
	if err != nil {
		return err
	}
	x.reach(e.at)
	x.batch.types[e.Type]++
	x.batch.events++
	x.added++
	if x.batch.events >= batchEvents {
		return x.hand()
	}
	return nil
}

// addRows adds an event to the set of all and to that of its type.
func (x *Exporter) addRows(e *event, day string) error {
	for _, set := range []string{envelopeSet, e.Type} {
		t, err := x.table(set)
		if err == nil {
			err = x.batch.addRow(t, partition{set, day}, e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (x *Exporter) table(set string) (*table, error) {
	if t, ok := x.tables[set]; ok {
		return t, nil
	}
	if set != envelopeSet && !setForm.MatchString(set) {
		return nil, fmt.Errorf("%w: a type %q", errNoEvent, set) // it would name a directory
	}
	t := envelopeTable(x.o.Personal)
	if set != envelopeSet {
		t = typeTable(x.o.Catalogue, events.Type(set), x.o.Personal)
	}
	x.tables[set] = t
	return t, nil
}

// Reach says that everything up to a position was looked at, whether filters let it
// through or not.
func (x *Exporter) Reach(p events.Position) {
	if p.Sequence > x.seen[p.Stream] {
		x.reach(p)
	}
}

func (x *Exporter) reach(p events.Position) {
	x.seen[p.Stream] = p.Sequence
	x.batch.reached[p.Stream] = p.Sequence
}

// hand gives a batch to the writer, once the one before it is written.
func (x *Exporter) hand() error {
	if err := x.settle(); err != nil {
		return err
	}
	if len(x.batch.reached) == 0 {
		return nil
	}
	b, number := x.batch, x.number
	x.batch, x.number = newBatch(), x.number+1
	tables := maps.Clone(x.tables)
	done := make(chan error, 1)
	x.writing = done
	go func() {
		files, err := b.write(x.o.Dir, x.o.Form, number, func(set string) *table { return tables[set] })
		if err == nil {
			err = x.enter(b, files)
		}
		done <- err
	}()
	return nil
}

// settle waits for the batch on its way.
func (x *Exporter) settle() error {
	if x.writing != nil {
		x.failed = errors.Join(x.failed, <-x.writing)
		x.writing = nil
	}
	return x.failed
}

// enter makes the files of a batch part of the export.
func (x *Exporter) enter(b *batch, files []File) error {
	m := x.manifest
	m.Files = append(slices.Clone(m.Files), files...)
	m.Events += b.events
	for t, n := range b.types {
		m.Types[t] += n
	}
	maps.Copy(m.Reached, b.reached)
	return m.write(x.o.Dir)
}

// Commit writes what was added so far. After a failure of Add it writes nothing.
func (x *Exporter) Commit() error {
	if err := x.hand(); err != nil {
		return err
	}
	return x.settle()
}

// Manifest says what is there, up to the last Commit.
func (x *Exporter) Manifest() *Manifest { return x.manifest }

// Close lets others write. What was not committed is forgotten.
func (x *Exporter) Close() error {
	err := x.settle()
	if unlock := x.lock.Close(); unlock != nil {
		err = errors.Join(err, fmt.Errorf("close export: %w", unlock))
	}
	return err
}
