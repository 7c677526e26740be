package runtime

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"
)

const (
	// supersedeSQL notes since when a version has an heir that is as far.
	supersedeSQL = `update roster.checkpoints o set superseded_at = now() from roster.checkpoints c
		where c.name = $1 and c.version = $2 and o.name = $1 and o.version < $2 and o.superseded_at is null
			and c.sequence > 0 and c.sequence >= o.sequence and c.stopped = ''
			and not exists (select from roster.rebuilds r where r.name = $1 and r.version = $2 and r.slot = '' and r.state <> 'done')`
	// retiredSQL lists what is not used any more: what has an heir, and what of a
	// build nobody went on with.
	retiredSQL = `select c.name, c.version from roster.checkpoints c
		left join roster.rebuilds r on c.name = r.name || '.' || r.slot and c.version = r.version
		where split_part(c.name, '.', 1) = $1 and c.updated_at < now() - $2::interval
			and (c.superseded_at < now() - $2::interval or c.name = $1 || '.next' and r.state in ('cancelled', 'failed')
				or c.name = $1 || '.check')
			and coalesce(r.state, '') not in ('requested', 'building', 'indexing', 'switching')`
)

// retire drops versions and copies that nobody has used for as long as they are
// kept. One that a worker somewhere still projects into is in use.
func (b *builder) retire(ctx context.Context, conn *pgx.Conn) error {
	for _, p := range b.config.Projections {
		if p.Migrations == nil {
			continue
		}
		if _, err := conn.Exec(ctx, supersedeSQL, p.Name, p.Version); err != nil {
			return fmt.Errorf("look for old versions of %s: %w", p.Name, err)
		}
		if err := b.retireOf(ctx, conn, p.Name); err != nil {
			return err
		}
	}
	return nil
}

type entryOf struct {
	Name    string
	Version int
}

func (b *builder) retireOf(ctx context.Context, conn *pgx.Conn, name string) error {
	rows, err := conn.Query(ctx, retiredSQL, name, b.builds.Keep)
	if err != nil {
		return fmt.Errorf("look for old versions of %s: %w", name, err)
	}
	old, err := pgx.CollectRows(rows, pgx.RowToStructByPos[entryOf])
	if err != nil {
		return fmt.Errorf("look for old versions of %s: %w", name, err)
	}
	for _, e := range old {
		schema := schemaOf(e.Name, e.Version)
		var held bool
		if err := conn.QueryRow(ctx, `select pg_try_advisory_lock($1)`, lockKeyOf(schema)).Scan(&held); err != nil {
			return fmt.Errorf("take the lock of %s: %w", schema, err)
		}
		if !held {
			continue
		}
		err := dropCopy(ctx, conn, e.Name, e.Version)
		if _, unlock := conn.Exec(ctx, `select pg_advisory_unlock($1)`, lockKeyOf(schema)); err == nil {
			err = unlock
		}
		if err != nil {
			return fmt.Errorf("drop %s, which is not used any more: %w", schema, err)
		}
		b.log.Info("dropped a read model that is not used any more", zap.String("schema", schema), zap.Duration("kept", b.builds.Keep.Round(time.Second)))
	}
	return nil
}
