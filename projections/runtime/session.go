package runtime

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"
)

const (
	tick = time.Second // between looks at the connection and at requests, when idle

	beginSQL = `insert into roster.checkpoints (name, version, stream, sequence, event_id, updated_at)
		values ($1, $2, $3, 0, '', now()) on conflict do nothing`
	checkpointSQL = `select sequence, event_id from roster.checkpoints where name = $1 and version = $2`
	parkedSQL     = `select distinct aggregate from roster.parked where name = $1 and version = $2`
	stoppedSQL    = `update roster.checkpoints set stopped = $3, updated_at = now() where name = $1 and version = $2 and stopped <> $3`
)

// session is the time for which a worker holds its lock.
type session struct {
	*worker
	conn   *pgx.Conn
	router dispatcher
	at     mark            // the checkpoint
	parked map[string]bool // aggregates that are parked
}

func (s *session) run(ctx context.Context) error {
	if err := s.load(ctx); err != nil {
		return err
	}
	for ctx.Err() == nil {
		if err := s.round(ctx); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// load reads the projection's place.
func (s *session) load(ctx context.Context) error {
	p := s.projection
	if _, err := s.conn.Exec(ctx, beginSQL, p.entry(), p.Version, string(p.Stream)); err != nil {
		return fmt.Errorf("make the checkpoint: %w", err)
	}
	var sequence int64
	if err := s.conn.QueryRow(ctx, checkpointSQL, p.entry(), p.Version).Scan(&sequence, &s.at.id); err != nil {
		return fmt.Errorf("read the checkpoint: %w", err)
	}
	s.at.sequence = uint64(sequence)
	rows, err := s.conn.Query(ctx, parkedSQL, p.entry(), p.Version)
	if err != nil {
		return fmt.Errorf("read parked aggregates: %w", err)
	}
	aggregates, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("read parked aggregates: %w", err)
	}
	s.parked = make(map[string]bool, len(aggregates))
	for _, a := range aggregates {
		s.parked[a] = true
	}
	return nil
}

// round runs a collector and commits its batches until something needs the
// handlers for itself: a batch to take apart, or a request to redrive.
func (s *session) round(ctx context.Context) error {
	requests, err := s.requests(ctx)
	if err != nil {
		return err
	}
	for _, aggregate := range requests {
		if err := s.redrive(ctx, aggregate); err != nil {
			return err
		}
	}
	collecting, stop := context.WithCancel(ctx)
	defer stop()
	c := &collector{w: s.worker, router: s.router, parked: s.parked, opened: make(chan struct{}), out: make(chan *batch)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c.run(collecting, s.at)
	}()
	failed, err := s.consume(ctx, c)
	stop()
	<-ended
	if err != nil || failed == nil {
		return err
	}
	return s.singly(ctx, failed)
}

// consume commits batches. It returns a batch that has to be taken apart, or
// nothing at all when a request waits.
func (s *session) consume(ctx context.Context, c *collector) (*batch, error) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	opened := c.opened
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-ticker.C:
			if asked, err := s.asked(ctx); err != nil || asked {
				return nil, err
			}
		case <-opened:
			opened = nil
			s.doubted = time.Time{}
			s.enter(Active, nil)
			if err := s.noteAtWork(ctx); err != nil {
				return nil, err
			}
		case b, open := <-c.out:
			if !open {
				return nil, c.err
			}
			if err := s.settle(ctx, b); err != nil {
				if s.lost(err) {
					return nil, err
				}
				s.log.Warn("a batch failed: its events are tried one by one", zap.Error(err),
					zap.Uint64("after", s.at.sequence), zap.Uint64("to", b.last.sequence))
				return b, nil
			}
		}
	}
}

// asked looks for what somebody wants of the holder of the lock: to redrive, or to
// let a build have the projection (errYield).
func (s *session) asked(ctx context.Context) (bool, error) {
	busy, err := s.busy(ctx, s.conn)
	if err != nil {
		return false, err
	}
	if busy != "" {
		return false, errYield
	}
	requests, err := s.requests(ctx)
	return len(requests) > 0, err
}

// settle commits one batch.
func (s *session) settle(ctx context.Context, b *batch) error {
	if b.err != nil {
		return b.err
	}
	began := time.Now()
	ctx, cancel := graceful(ctx)
	defer cancel()
	if err := b.record(ctx, s.recorder); err != nil {
		return err
	}
	if err := b.commit(ctx, s.conn, s.projection, s.at.sequence); err != nil {
		return err
	}
	s.at = b.last
	s.metrics.committed(len(b.msgs), b.parked, time.Since(began))
	return nil
}

// lost says whether a failure has nothing to do with the events at hand.
func (s *session) lost(err error) bool { return s.conn.IsClosed() || transient(err) }

// noteAtWork tells every process that the projection goes on, and here.
func (s *session) noteAtWork(ctx context.Context) error {
	if _, err := s.conn.Exec(ctx, holderSQL, s.projection.entry(), s.projection.Version, processName()); err != nil {
		return fmt.Errorf("note who projects: %w", err)
	}
	return s.noteStopped(ctx, "")
}

// noteStopped tells every process why nothing goes on, or that it does again ("").
func (s *session) noteStopped(ctx context.Context, why string) error {
	if _, err := s.conn.Exec(ctx, stoppedSQL, s.projection.entry(), s.projection.Version, printable(why)); err != nil {
		return fmt.Errorf("note the projection's state: %w", err)
	}
	return nil
}

// graceful lets a transaction that runs at shutdown end in peace, for a while.
func graceful(ctx context.Context) (context.Context, context.CancelFunc) {
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitLimit)
	stop := context.AfterFunc(ctx, func() {
		if sleep(limited, commitGrace) {
			cancel()
		}
	})
	return limited, func() {
		stop()
		cancel()
	}
}
