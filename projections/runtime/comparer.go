package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"
)

// comparer makes the comparisons that others ask for, each on connections of its own.
type comparer struct {
	config Config
	dsn    *pgx.ConnConfig
	log    *zap.Logger
	known  map[string]Projection // by schema
}

func newComparer(c Config) (*comparer, error) {
	dsn, err := connection(c.DSN, Projection{Name: "comparer", Version: 1})
	if err != nil {
		return nil, err
	}
	dsn.RuntimeParams["application_name"] = "roster-comparer"
	dsn.RuntimeParams["search_path"] = ownSchema
	known := map[string]Projection{}
	for _, p := range c.Projections {
		if p.Migrations != nil {
			known[p.Schema()] = p
		}
	}
	return &comparer{config: c, dsn: dsn, log: c.Logger.Named("comparer"), known: known}, nil
}

func (c *comparer) run(ctx context.Context) {
	var working sync.WaitGroup
	defer working.Wait()
	for ctx.Err() == nil {
		err := c.hold(ctx, &working)
		if ctx.Err() != nil {
			return
		}
		c.log.Warn("comparisons are not taken up, trying again", zap.Error(err), zap.Duration("in", builderRetry))
		sleep(ctx, builderRetry)
	}
}

const (
	takeComparisonSQL = `update roster.comparisons set state = 'running', updated_at = now()
		where state = 'requested' and updated_at > now() - $2::interval and name || '_v' || version = any($1) returning name || '_v' || version, ticket::text`
	beatSQL    = `update roster.comparisons set updated_at = now() where ticket = $1 and state = 'running'`
	outcomeSQL = `update roster.comparisons set state = $2, result = $3::json, refusal = $4, error = $5, updated_at = now()
		where ticket = $1 and state = 'running'`
)

// hold takes requests up, for as long as its connection lasts.
func (c *comparer) hold(ctx context.Context, working *sync.WaitGroup) error {
	conn, err := pgx.ConnectConfig(ctx, c.dsn.Copy())
	if err != nil {
		return fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	defer closeConn(conn)
	if _, err := conn.Exec(ctx, "listen "+compareChannel); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	for {
		if err := c.takeUp(ctx, conn, working); err != nil {
			return err
		}
		if err := pause(ctx, conn); err != nil {
			return err
		}
	}
}

// takeUp begins what is requested. Of several processes one gets each.
func (c *comparer) takeUp(ctx context.Context, conn *pgx.Conn, working *sync.WaitGroup) error {
	names := make([]string, 0, len(c.known))
	for name := range c.known {
		names = append(names, name)
	}
	rows, err := conn.Query(ctx, takeComparisonSQL, names, beatMissed) // nobody waits for older ones
	if err != nil {
		return fmt.Errorf("look for comparisons: %w", err)
	}
	var schema, ticket string
	_, err = pgx.ForEachRow(rows, []any{&schema, &ticket}, func() error {
		p, ticket := c.known[schema], ticket
		working.Go(func() {
			if err := c.compare(ctx, p, ticket); err != nil {
				c.log.Warn("the outcome of a comparison is not told", zap.String("projection", p.Schema()), zap.Error(err))
			}
		})
		return nil
	})
	if err != nil {
		return fmt.Errorf("look for comparisons: %w", err)
	}
	return nil
}

type outcome struct {
	comparison Comparison
	err        error
}

// compare works until there is an outcome, or nobody waits for one.
func (c *comparer) compare(ctx context.Context, p Projection, ticket string) error {
	conn, err := pgx.ConnectConfig(ctx, c.dsn.Copy())
	if err != nil {
		return fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	defer closeConn(conn)
	working, stop := context.WithCancel(ctx)
	defer stop()
	over := make(chan outcome, 1)
	go func() {
		compared, err := Compare(working, c.config, p)
		over <- outcome{compared, err}
	}()
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	for {
		select {
		case o := <-over:
			return o.tell(ctx, conn, ticket)
		case <-beat.C:
		}
		tag, err := conn.Exec(context.WithoutCancel(ctx), beatSQL, ticket)
		if err != nil || tag.RowsAffected() == 0 { // cancelled
			stop()
			<-over
			return err
		}
	}
}

// tell writes the outcome, also while the process ends.
func (o outcome) tell(ctx context.Context, conn *pgx.Conn, ticket string) error {
	ctx, cancel := graceful(ctx)
	defer cancel()
	if o.err != nil {
		refusal := ""
		for name, known := range refusals {
			if errors.Is(o.err, known) {
				refusal = name
			}
		}
		_, err := conn.Exec(ctx, outcomeSQL, ticket, string(RebuildFailed), nil, refusal, describe(o.err))
		return err
	}
	result, err := json.Marshal(o.comparison)
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	_, err = conn.Exec(ctx, outcomeSQL, ticket, string(RebuildDone), string(result), "", "")
	return err
}
