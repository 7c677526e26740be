package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rosterhq/roster/events"
)

const (
	batchEvents   = 500     // events that handlers see
	batchMessages = 5000    // messages at all, most of them of no concern
	batchBytes    = 4 << 20 // of the events' bodies
	recordAtOnce  = 1000    // activities that the log takes in one call
	channel       = "roster_checkpoint"
)

const (
	advanceSQL = `update roster.checkpoints set sequence = $4, event_id = $5, updated_at = now()
		where name = $1 and version = $2 and sequence = $3`
	notifySQL = `select pg_notify('` + channel + `', $1)`
	parkSQL   = `insert into roster.parked (name, version, stream, sequence, event_id, type, aggregate, subject, headers, data,
			error, attempts, handler_version, parked_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, now())
		on conflict (name, version, sequence) do update set error = excluded.error, attempts = excluded.attempts,
			handler_version = excluded.handler_version, parked_at = excluded.parked_at`
)

// errFenced says that the checkpoint was not where this worker left it.
var errFenced = errors.New("another worker moved the checkpoint")

// batch is what one transaction does. It implements Queue.
type batch struct {
	msgs   []*inbound // those of concern, in order
	last   mark       // of the last message, of concern or not
	began  time.Time  // when its first message came
	seen   int
	bytes  int
	sql    pgx.Batch
	sets   []*rowset // those that grow, in the order of their first rows
	drafts []events.Draft
	parked int
	// load, if any, runs in the batch's transaction before what is queued.
	load func(ctx context.Context, tx pgx.Tx) error
	err  error // of the first event that a handler refused
	odd  error // of the first row that fits no statement: it fails with the batch
}

// Queue implements Queue.
func (b *batch) Queue(sql string, args ...any) {
	b.flush()
	b.sql.Queue(sql, args...)
}

// row is what Row and KeyedRow do in a batch.
func (b *batch) row(key, sql string, args []any) {
	set := b.growing(sql)
	if set != nil && key != "" && set.has(key) {
		b.flush()
		set = nil
	}
	if set == nil {
		set = b.begin(sql, len(args))
	}
	if err := set.add(key, args); err != nil && b.odd == nil {
		b.odd = err
	}
}

// growing returns the set of a statement that still grows, or nil.
func (b *batch) growing(sql string) *rowset {
	for _, set := range b.sets {
		if set.sql == sql {
			return set
		}
	}
	return nil
}

// begin makes a set for a statement.
func (b *batch) begin(sql string, arguments int) *rowset {
	set, err := newRowset(sql, arguments)
	if err != nil && b.odd == nil {
		b.odd = err
	}
	b.sets = append(b.sets, set)
	return set
}

// change is what Change does in a batch.
func (b *batch) change(key, sql string, args []any) {
	if len(b.sets) != 1 || b.sets[0].sql != sql {
		b.flush()
	}
	b.row(key, sql, args)
}

// flush queues the rows gathered so far.
func (b *batch) flush() {
	for _, set := range b.sets {
		b.sql.Queue(set.sql, set.args()...)
	}
	b.sets = nil
}

// Record implements Queue.
func (b *batch) Record(d events.Draft) { b.drafts = append(b.drafts, d) }

func (b *batch) empty() bool { return b.seen == 0 }

func (b *batch) full() bool {
	return len(b.msgs) >= batchEvents || b.seen >= batchMessages || b.bytes >= batchBytes
}

// park queues the parking of an event: after a failure, or behind one (attempts 0).
func (b *batch) park(p Projection, release string, m *inbound, cause error, attempts int) error {
	headers, err := json.Marshal(m.headers)
	if err != nil {
		return fmt.Errorf("park event %s at %d: %w", m.id, m.sequence, err)
	}
	b.Queue(parkSQL, p.entry(), p.Version, string(p.Stream), int64(m.sequence), printable(m.id), printable(string(m.typ)),
		printable(m.aggregate()), printable(m.subject), string(headers), m.data, describe(cause), attempts, release)
	b.parked++
	return nil
}

// record appends the batch's activities to the log. It comes before the commit:
// what a crash repeats is a duplicate for the log.
func (b *batch) record(ctx context.Context, r Recorder) error {
	if len(b.drafts) > 0 && r == nil {
		return errors.New("a handler records activities, and the runtime has no recorder")
	}
	for from := 0; from < len(b.drafts); from += recordAtOnce {
		part := b.drafts[from:min(from+recordAtOnce, len(b.drafts))]
		_, err := r.Record(ctx, part)
		if errors.Is(err, events.ErrErased) {
			err = recordSingly(ctx, r, part)
		}
		if err != nil {
			return fmt.Errorf("record %d activities: %w", len(part), err)
		}
	}
	return nil
}

// recordSingly leaves out those of erased persons: nothing is left to tell of them.
func recordSingly(ctx context.Context, r Recorder, drafts []events.Draft) error {
	for i := range drafts {
		if _, err := r.Record(ctx, drafts[i:i+1]); err != nil && !errors.Is(err, events.ErrErased) {
			return err
		}
	}
	return nil
}

// commit runs the batch in one transaction that moves the checkpoint from old to
// the batch's last message.
func (b *batch) commit(ctx context.Context, conn *pgx.Conn, p Projection, old uint64) error {
	b.Queue(notifySQL, fmt.Sprintf("%s %d", p.Schema(), b.last.sequence))
	b.Queue(advanceSQL, p.entry(), p.Version, int64(old), int64(b.last.sequence), b.last.id)
	return b.run(ctx, conn, 1)
}

// run executes the batch in one transaction; its last statement must touch so
// many rows.
func (b *batch) run(ctx context.Context, conn *pgx.Conn, want int64) error {
	if b.odd != nil {
		return fmt.Errorf("batch up to %d: %w", b.last.sequence, b.odd)
	}
	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if b.load != nil {
			if err := b.load(ctx, tx); err != nil {
				return err
			}
		}
		results := tx.SendBatch(ctx, &b.sql)
		var touched int64
		for range b.sql.Len() {
			tag, err := results.Exec()
			if err != nil {
				return errors.Join(err, results.Close())
			}
			touched = tag.RowsAffected()
		}
		if err := results.Close(); err != nil {
			return err
		}
		if touched != want {
			return errFenced
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("commit batch up to %d: %w", b.last.sequence, err)
	}
	return nil
}

// describe makes an error fit for a text column.
func describe(err error) string {
	if err == nil {
		return ""
	}
	return printable(err.Error())
}

// printable removes what PostgreSQL refuses in a text.
func printable(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}
