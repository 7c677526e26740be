package runtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/rosterhq/roster/events"
)

// ErrBusy says that another process builds the same copy.
var ErrBusy = errors.New("another process is at it")

// target is a copy of a read model on its way to the end of the log. It is a
// session: it holds the copy's lock, and commits rows with a checkpoint.
type target struct {
	*session
	direct    *direct
	cancelled atomic.Bool
	done      atomic.Int64 // events
	total     atomic.Int64
}

// openTarget connects and takes the copy's lock.
func openTarget(ctx context.Context, c Config, js jetstream.JetStream, p Projection, limited bool) (*target, error) {
	catalogue := events.Released()
	w, err := newWorker(c, p, js, catalogue, newMetrics(nil))
	if err != nil {
		return nil, err
	}
	w.dsn.RuntimeParams["maintenance_work_mem"] = "256MB"
	if limited {
		w.dsn.RuntimeParams["max_parallel_maintenance_workers"] = "0"
	}
	conn, err := w.connect(ctx)
	if err != nil {
		return nil, err
	}
	var held bool
	if err := conn.QueryRow(ctx, `select pg_try_advisory_lock($1)`, p.lockKey()).Scan(&held); err != nil || !held {
		closeConn(conn)
		if err != nil {
			return nil, fmt.Errorf("take the lock of %s: %w", p.Schema(), err)
		}
		return nil, fmt.Errorf("build %s: %w", p.Schema(), ErrBusy)
	}
	d := &direct{handled: w.handled, marshaler: marshaler{stream: p.Stream, catalogue: catalogue, keys: w.keys}}
	return &target{session: &session{worker: w, conn: conn, router: d}, direct: d}, nil
}

// close gives the copy's lock back. The server does it in any case, but with the end of
// a connection only some time later, and another build may come at once.
func (t *target) close() {
	ctx, cancel := context.WithTimeout(context.Background(), naturalEnd)
	defer cancel()
	_, _ = t.conn.Exec(ctx, `select pg_advisory_unlock_all()`)
	closeConn(t.conn)
}

// expect is told how many events are ahead.
func (t *target) expect(ahead int64) { t.total.Store(t.done.Load() + ahead) }

// consume takes chunks until there are no more. After a failure it ends the pass
// and takes no more of them.
func (t *target) consume(ctx context.Context, end context.CancelFunc, chunks <-chan *chunk) (err error) {
	for c := range chunks {
		if err == nil && !t.cancelled.Load() {
			if err = t.take(ctx, c); err != nil {
				end()
			}
			t.done.Add(int64(len(c.msgs)))
		}
		c.done.Done()
	}
	return err
}

// take commits a chunk. One that can not be committed is taken apart as a worker
// does it: what can not be projected is parked with what follows of its aggregate.
func (t *target) take(ctx context.Context, c *chunk) error {
	if c.last.sequence <= t.at.sequence {
		return nil
	}
	b := &batch{last: c.last, seen: len(c.msgs)}
	for _, m := range c.msgs {
		if m.sequence > t.at.sequence && t.admit(m) {
			b.msgs = append(b.msgs, m)
		}
	}
	t.fill(ctx, b)
	err := t.settle(ctx, b)
	if err == nil || t.lost(err) {
		return err
	}
	t.log.Warn("a batch failed: its events are tried one by one", zap.Error(err),
		zap.Uint64("after", t.at.sequence), zap.Uint64("to", b.last.sequence))
	return t.singly(ctx, &batch{msgs: b.msgs, last: b.last})
}

// fill queues what the events do, ordered for few statements.
func (t *target) fill(ctx context.Context, b *batch) {
	var loaded []Loaded
	w := newWeave()
	for _, m := range b.msgs {
		switch aggregate := m.aggregate(); {
		case t.parked[aggregate]:
			b.err = b.park(t.projection, t.release, m, nil, 0)
		case t.projection.Load != nil:
			var p events.Payload
			p, _, b.err = t.direct.payload(ctx, m)
			loaded = append(loaded, Loaded{Event: Event{Meta: m.meta, Sequence: m.sequence}, Payload: p})
		default:
			b.err = t.direct.handle(ctx, m, w.of(aggregate))
		}
		if b.err != nil {
			return
		}
	}
	w.flush(b)
	if len(loaded) > 0 {
		b.load = func(ctx context.Context, tx pgx.Tx) (err error) {
			defer recovered(&err)
			return t.projection.Load(ctx, tx, loaded)
		}
	}
}

// fold ends a load: the tables are what handlers would have left.
func (t *target) fold(ctx context.Context) error {
	if t.projection.Fold == nil {
		return nil
	}
	err := pgx.BeginFunc(ctx, t.conn, func(tx pgx.Tx) (err error) {
		defer recovered(&err)
		return t.projection.Fold(ctx, tx)
	})
	if err != nil {
		return fmt.Errorf("end the load of %s: %w", t.projection.Schema(), err)
	}
	return nil
}

// processName tells people which process does something.
func processName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "a host without a name"
	}
	return host + ", process " + strconv.Itoa(os.Getpid())
}
