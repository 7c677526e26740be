package query

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"

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
type progress struct {
	config *pgx.ConnConfig
	table  *rows.Queries // over the pool, for while the connection is gone
	models []*model
	logger *zap.Logger
	// switched is called when a model's rows may be others than they were.
	switched func()

	done  chan struct{}
	first chan struct{} // closed when the checkpoints were read, or could not be, for the first time
	once  sync.Once
}

func newProgress(config *pgx.ConnConfig, table *rows.Queries, models []*model, logger *zap.Logger) *progress {
	config.RuntimeParams["application_name"] = "roster-query-progress"
	return &progress{
		config: config, table: table, models: models, logger: logger,
		done: make(chan struct{}), first: make(chan struct{}), switched: func() {},
	}
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
		if err := p.read(ctx, table); err != nil {
			return listened, err
		}
		listened = true
		p.once.Do(func() { close(p.first) })
		if err := p.listen(ctx, conn); err != nil {
			return listened, err
		}
	}
}

// listen takes notifications until nothing came for a while.
func (p *progress) listen(ctx context.Context, conn *pgx.Conn) error {
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
		p.take(n.Payload)
	}
}

// read places every model where the table says it is.
func (p *progress) read(ctx context.Context, table *rows.Queries) error {
	found, err := table.Checkpoints(ctx)
	if err != nil {
		return fmt.Errorf("read the checkpoints: %w", err)
	}
	at := make(map[string]uint64, len(found))
	for _, c := range found {
		at[fmt.Sprintf("%s_v%d", c.Name, c.Version)] = uint64(max(c.Sequence, 0))
	}
	for _, m := range p.models {
		m.set(at[m.schema])
	}
	return nil
}

// ask reads the table over the pool, while nobody tells.
func (p *progress) ask(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lastRetry)
	defer cancel()
	if err := p.read(ctx, p.table); err != nil && !errors.Is(err, context.Canceled) {
		p.logger.Debug("the checkpoints can not be read", zap.Error(err))
	}
}

// take reads "<schema> <sequence>". Other schemas are of no concern here.
func (p *progress) take(payload string) {
	schema, number, _ := strings.Cut(payload, " ")
	for _, m := range p.models {
		if m.schema != schema {
			continue
		}
		sequence, err := strconv.ParseUint(number, 10, 64)
		if err != nil {
			p.logger.Warn("a notification is not understood", zap.String("payload", payload))
			return
		}
		m.advance(sequence)
	}
}
