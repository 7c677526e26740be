package query

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/zap"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query/internal/rows"
)

const (
	channel = "roster_checkpoint"
	// switchChannel tells that a copy of a model took the place of another.
	switchChannel = "roster_switch"
	// quiet is how long nothing may be heard before the table is read again over
	// the same connection: that finds a dead one, and a model that was built anew.
	quiet = 10 * time.Second
	// While the connection is gone the table is read at these intervals, by this
	// one goroutine for all readers.
	firstRetry, lastRetry = 50 * time.Millisecond, time.Second
)

// progress follows the checkpoints over one connection: it listens to what the
// projections announce with each commit, and reads the table when it begins.
//
//	connecting -> listening -> (connection lost) -> connecting
//
// Rows can also fall back: a server that crashed has lost what it did not sync, and
// one that took its place may be behind. No connection outlives that. Each new one
// reads the checkpoints before it is used, and who waited for rows of before is not
// answered over it.
type progress struct {
	config *pgx.ConnConfig
	table  *rows.Queries // over the pool, for while the connection is gone
	models []*model
	logger *zap.Logger
	// switched is called when a model's rows may be others than they were, and
	// fell before that with the position that a stream's readers could rely on.
	switched func()
	fell     func(s events.Stream, from uint64)

	placing    sync.Mutex    // held while a model is moved
	generation atomic.Uint64 // of the rows, counted from 1

	done  chan struct{}
	first chan struct{} // closed when the checkpoints were read, or could not be, for the first time
	once  sync.Once
}

func newProgress(config *pgx.ConnConfig, models []*model, logger *zap.Logger) *progress {
	config.RuntimeParams["application_name"] = "roster-query-progress"
	p := &progress{
		config: config, models: models, logger: logger,
		done: make(chan struct{}), first: make(chan struct{}), switched: func() {}, fell: func(events.Stream, uint64) {},
	}
	p.generation.Store(1)
	return p
}

// errFellBack says that what a reader waited for is not there any more.
var errFellBack = errors.New("the read models fell back, as after a crash of their server")

// joined looks, before a new connection is used, whether the rows behind it are those
// that were there.
func (p *progress) joined(ctx context.Context, conn *pgx.Conn) error {
	err := p.read(ctx, rows.New(conn))
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "42P01" { // there are no tables yet
		p.placeAll(p.reached(), nil)
		return nil
	}
	return err
}

// allows refuses a connection once to a reader that waited for rows of before it.
func (p *progress) allows(ctx context.Context, _ *pgx.Conn) (bool, error) {
	reader, ok := ctx.Value(stalenessKey{}).(*staleness)
	if !ok {
		return true, nil
	}
	if waited := reader.rows.Load(); waited != 0 && waited != p.generation.Load() {
		reader.rows.Store(0)
		return true, errFellBack
	}
	return true, nil
}

// tried returns when the first reading of the checkpoints has ended, well or not.
func (p *progress) tried(ctx context.Context) error {
	select {
	case <-p.first:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *progress) run(ctx context.Context) {
	defer close(p.done)
	pause, warned := firstRetry, false
	for {
		listened, err := p.follow(ctx)
		p.once.Do(func() { close(p.first) })
		if ctx.Err() != nil {
			return
		}
		level := zap.DebugLevel // once is enough for one outage
		if listened || !warned {
			pause, level, warned = firstRetry, zap.WarnLevel, true
		}
		p.logger.Log(level, "checkpoints are not followed, trying again", zap.Error(err), zap.Duration("after", pause))
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, lastRetry)
		p.ask(ctx)
	}
}

// follow listens until the connection or ctx ends. It says whether it got to
// listening.
func (p *progress) follow(ctx context.Context) (listened bool, err error) {
	conn, err := pgx.ConnectConfig(ctx, p.config)
	if err != nil {
		return false, fmt.Errorf("connect: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // what mattered has an error of its own
	if _, err := conn.Exec(ctx, "listen "+channel+"; listen "+switchChannel); err != nil {
		return false, fmt.Errorf("listen: %w", err)
	}
	table := rows.New(conn)
	for {
		generation := p.generation.Load()
		if err := p.read(ctx, table); err != nil {
			return listened, err
		}
		listened = true
		p.once.Do(func() { close(p.first) })
		if err := p.listen(ctx, conn, generation); err != nil {
			return listened, err
		}
	}
}

// listen takes notifications until nothing came for a while, or the rows are others.
func (p *progress) listen(ctx context.Context, conn *pgx.Conn, generation uint64) error {
	for {
		bounded, cancel := context.WithTimeout(ctx, quiet)
		n, err := conn.WaitForNotification(bounded)
		cancel()
		if err != nil {
			if isEnd(ctx, err) && !conn.IsClosed() {
				return nil
			}
			return fmt.Errorf("wait for a notification: %w", err)
		}
		if n.Channel == switchChannel {
			p.logger.Info("another copy of a read model serves", zap.String("model", n.Payload))
			p.switched()
			return nil // its checkpoint may be behind
		}
		if !p.take(n.Payload, generation) {
			return nil
		}
	}
}

// read places every model where the table says it is.
func (p *progress) read(ctx context.Context, table *rows.Queries) error {
	before := p.reached() // what was announced by then is seen now, or lost
	found, err := table.Checkpoints(ctx)
	if err != nil {
		return fmt.Errorf("read the checkpoints: %w", err)
	}
	at := make(map[string]uint64, len(found))
	for _, c := range found {
		at[fmt.Sprintf("%s_v%d", c.Name, c.Version)] = uint64(max(c.Sequence, 0))
	}
	p.placeAll(before, at)
	return nil
}

func (p *progress) reached() []uint64 {
	all := make([]uint64, len(p.models))
	for i, m := range p.models {
		all[i] = m.reached.Load()
	}
	return all
}

func (p *progress) placeAll(before []uint64, at map[string]uint64) {
	p.placing.Lock()
	defer p.placing.Unlock()
	for i, m := range p.models {
		if to := at[m.schema]; to < before[i] {
			p.fallBack(m, before[i], to)
		} else {
			m.advance(to)
		}
	}
}

// fallBack is for a model that has lost rows. Whoever read them, or wrote what they
// showed, waits until they are there again.
func (p *progress) fallBack(m *model, from, to uint64) {
	if !m.fallBack(from, to) {
		return // it was placed anew since
	}
	p.logger.Warn("a read model fell back", zap.String("model", m.schema), zap.Uint64("from", from), zap.Uint64("to", to))
	p.fell(m.stream, from)
	p.generation.Add(1)
	p.switched()
}

// ask reads the table over the pool, while nobody tells.
func (p *progress) ask(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lastRetry)
	defer cancel()
	if err := p.read(ctx, p.table); err != nil && !errors.Is(err, context.Canceled) {
		p.logger.Debug("the checkpoints can not be read", zap.Error(err))
	}
}

// take reads "<schema> <sequence>". Other schemas are of no concern here. It says no
// when the rows are others than those that the announcement may be of.
func (p *progress) take(payload string, generation uint64) bool {
	p.placing.Lock()
	defer p.placing.Unlock()
	if p.generation.Load() != generation {
		return false
	}
	schema, number, _ := strings.Cut(payload, " ")
	for _, m := range p.models {
		if m.schema != schema {
			continue
		}
		sequence, err := strconv.ParseUint(number, 10, 64)
		if err != nil {
			p.logger.Warn("a notification is not understood", zap.String("payload", payload))
			return true
		}
		m.advance(sequence)
	}
	return true
}
