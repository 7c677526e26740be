package runtime

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"

	"github.com/rosterhq/roster/events"
)

// State is what a worker of a projection does.
type State string

// The states.
const (
	Starting State = "starting"
	Standby  State = "standby" // another process holds the lock
	Active   State = "active"
	Stopped  State = "stopped: log went back"
	Building State = "building"                        // a builder makes the version
	Paused   State = "paused: its build was cancelled" // and nobody went on with it
)

// WorkerState is what one worker of this process does.
type WorkerState struct {
	Projection string // name and version, as the schema is called
	State      State
	Err        error // the last failure, nil while all is well
}

const (
	retryFirst   = 50 * time.Millisecond
	retryLongest = 2 * time.Second
	lockPoll     = 250 * time.Millisecond
	commitLimit  = 30 * time.Second // of one transaction
	commitGrace  = 2 * time.Second  // for the running one at shutdown
	// backAfter is for how long a cluster must say that the log went back, each time
	// it is asked, before that is believed: a leader that was cut off from the others
	// takes itself for the leader for ten seconds.
	backAfter = 30 * time.Second
)

// errDoubted says that a cluster claims that the log went back, which is not believed yet.
var errDoubted = errors.New("asked again, as a cluster may lag")

// worker keeps one projection up to date.
type worker struct {
	projection Projection
	source     source
	feed       *feed // nil: it reads for itself alone
	keys       Keyring
	recorder   Recorder
	catalogue  *events.Catalogue
	handled    switchboard
	dsn        *pgx.ConnConfig
	release    string
	log        *zap.Logger
	metrics    *metrics
	builds     *Builds   // nil: this process builds nothing
	stoppedAt  mark      // that the log does not hold
	doubted    time.Time // since when each look at the log says that it went back

	mu      sync.Mutex
	state   WorkerState
	settled chan struct{} // closed when it is active, stands by or stopped
	once    sync.Once
}

// run works until ctx ends: it connects, waits for the lock and projects, and
// starts again from the checkpoint after any failure that is not the log's.
func (w *worker) run(ctx context.Context, r *router) {
	wait := retryFirst
	for ctx.Err() == nil {
		w.enter(Starting, nil)
		began := time.Now()
		err := w.hold(ctx, r)
		if ctx.Err() != nil {
			return
		}
		if !errors.Is(err, errDoubted) {
			w.doubted = time.Time{}
		}
		if errors.Is(err, ErrWentBack) {
			w.log.Error("the log went back: the projection is stopped and needs a person", zap.Error(err))
			w.enter(Stopped, err)
			w.awaitStart(ctx, w.stoppedAt)
			continue
		}
		if errors.Is(err, errYield) {
			continue
		}
		w.enter(Starting, err)
		w.log.Warn("projection starts again from its checkpoint", zap.Error(err), zap.Duration("in", wait))
		if time.Since(began) > 10*retryLongest {
			wait = retryFirst
		}
		if !sleep(ctx, wait) {
			return
		}
		wait = min(2*wait, retryLongest)
	}
}

// connect returns a connection that takes columns.
func (w *worker) connect(ctx context.Context) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, w.dsn.Copy())
	if err != nil {
		return nil, fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	takeColumns(conn)
	return conn, nil
}

// hold connects, takes the lock and projects for as long as both last.
func (w *worker) hold(ctx context.Context, r *router) error {
	conn, err := w.connect(ctx)
	if err != nil {
		return err
	}
	defer closeConn(conn)
	if err := w.reserve(ctx, conn); err != nil {
		return err
	}
	if err := w.lock(ctx, conn); err != nil {
		return err
	}
	s := &session{worker: w, conn: conn, router: r}
	err = s.run(ctx)
	if w.doubts(err, time.Now()) {
		return fmt.Errorf("%w: %s", errDoubted, err.Error())
	}
	if errors.Is(err, ErrWentBack) {
		w.stoppedAt = s.at
		if note := s.noteStopped(ctx, err.Error()); note != nil {
			w.log.Warn("other processes do not know that the projection is stopped", zap.Error(note))
		}
	}
	return err
}

// doubts says whether a log that went back is to be looked at again.
func (w *worker) doubts(err error, now time.Time) bool {
	if !errors.Is(err, errBehind) {
		return false
	}
	if w.doubted.IsZero() {
		w.doubted = now
	}
	return now.Sub(w.doubted) <= backAfter
}

// lock polls for the projection's advisory lock: a waiting statement would hold
// back vacuum for as long as it waits. Builds go first.
func (w *worker) lock(ctx context.Context, conn *pgx.Conn) error {
	for {
		busy, err := w.busy(ctx, conn)
		if err != nil {
			return err
		}
		if busy != "" {
			w.enter(busy, nil)
			wait := lockPoll
			if busy == Standby {
				wait = switchPoll
			}
			if !sleep(ctx, wait) {
				return ctx.Err()
			}
			continue
		}
		var held bool
		if err := conn.QueryRow(ctx, `select pg_try_advisory_lock($1)`, w.projection.lockKey()).Scan(&held); err != nil {
			return fmt.Errorf("take the lock: %w", err)
		}
		if held {
			return nil
		}
		w.enter(Standby, nil)
		if !sleep(ctx, lockPoll) {
			return ctx.Err()
		}
	}
}

// lockKey returns the key of the advisory lock.
func (p Projection) lockKey() int64 { return lockKeyOf(p.Schema()) }

func lockKeyOf(schema string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte("roster projection " + schema))
	return int64(h.Sum64())
}

func (w *worker) enter(s State, err error) {
	w.mu.Lock()
	changed := w.state.State != s
	w.state = WorkerState{Projection: w.projection.Schema(), State: s, Err: err}
	w.mu.Unlock()
	if changed {
		w.log.Debug("projection is " + string(s))
	}
	if s != Starting {
		w.once.Do(func() { close(w.settled) })
	}
}

func (w *worker) current() WorkerState {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state
}

// connection prepares how a worker connects.
func connection(dsn string, p Projection) (*pgx.ConnConfig, error) {
	c, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("parse DSN: %w", err)
	}
	c.ConnectTimeout = 5 * time.Second
	for name, value := range map[string]string{
		"application_name": "roster-projection-" + p.Schema(),
		"search_path":      p.Schema(),
		// What a crash of PostgreSQL loses it loses whole, checkpoint included,
		// and it is projected again.
		"synchronous_commit": "off",
		// A holder whose machine died must not keep the lock for hours.
		"tcp_keepalives_idle":                 "5",
		"tcp_keepalives_interval":             "2",
		"tcp_keepalives_count":                "3",
		"tcp_user_timeout":                    "15000",
		"idle_in_transaction_session_timeout": "30000",
		// Each statement finds its rows by a key. Plans are kept, and one made while
		// a table was empty would read all of it until the next analyze.
		"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off", "jit": "off",
	} {
		c.RuntimeParams[name] = value
	}
	return c, nil
}

func closeConn(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), naturalEnd)
	defer cancel()
	_ = conn.Close(ctx)
	select { // of a connection that a cancelled statement closed
	case <-conn.PgConn().CleanupDone():
	case <-ctx.Done():
	}
}

// sleep waits; false when ctx ended before.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
