package runtime

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/zap"
)

const (
	// switchPatience is how long readers may be held back for a moment. It is less
	// than what PostgreSQL waits before it looks for deadlocks: it is the switch that
	// gives way, never a reader.
	switchPatience = 200 * time.Millisecond
	switchPause    = 50 * time.Millisecond // between tries
	yieldPoll      = 20 * time.Millisecond // for the lock that the worker is to let go
	lockNotHad     = "55P03"

	// switchChannel tells readers that another copy serves.
	switchChannel = "roster_switch"
)

// replace lets a copy serve in the stead of the one that does, in one transaction:
// no statement sees tables of both. The caller holds the locks of the copy and of
// the projection. What served before is kept beside.
func (t *target) replace(ctx context.Context) error {
	live := t.projection.copyIn(serving)
	if t.projection.slot != kept {
		if err := dropCopy(ctx, t.conn, live.copyIn(kept).entry(), live.Version); err != nil {
			return err
		}
	}
	at, err := t.levelWith(ctx, live)
	if err != nil {
		return err
	}
	for {
		err := t.rename(ctx, live, at)
		var pg *pgconn.PgError
		if err == nil || !errors.As(err, &pg) || pg.Code != lockNotHad && pg.Code[:2] != "40" {
			return err
		}
		t.log.Debug("readers are at the tables: the switch waits", zap.Error(err))
		if !sleep(ctx, switchPause) {
			return ctx.Err()
		}
	}
}

// levelWith returns the checkpoint that the copy goes on with. Messages of no
// concern may lie between the copy's newest event and the serving one's checkpoint:
// readers must not see that go back.
func (t *target) levelWith(ctx context.Context, live Projection) (mark, error) {
	var (
		sequence int64
		id       string
	)
	err := t.conn.QueryRow(ctx, checkpointSQL, live.entry(), live.Version).Scan(&sequence, &id)
	if errors.Is(err, pgx.ErrNoRows) {
		return t.at, nil
	}
	if err != nil {
		return mark{}, fmt.Errorf("read the checkpoint of %s: %w", live.Schema(), err)
	}
	at := mark{sequence: uint64(sequence), id: id}
	if at.sequence <= t.at.sequence {
		return t.at, nil
	}
	if err := t.source.holds(ctx, at); err != nil {
		return levelAfter(t.at, err)
	}
	return at, nil
}

// levelAfter takes the copy's own place where the serving one's is not in the log.
func levelAfter(own mark, err error) (mark, error) {
	if errors.Is(err, ErrWentBack) {
		return own, nil
	}
	return mark{}, err
}

// rename is the switch itself. It takes the tables from all readers for its moment:
// a statement reads what it began with, or finds the new tables.
func (t *target) rename(ctx context.Context, live Projection, at mark) error {
	tables, err := tablesOf(ctx, t.conn, live.Schema())
	if err != nil {
		return err
	}
	version := live.Version
	err = pgx.BeginFunc(ctx, t.conn, func(tx pgx.Tx) error {
		if len(tables) > 0 {
			names := make([]string, len(tables))
			for i, table := range tables {
				names[i] = pgx.Identifier{live.Schema(), table}.Sanitize()
			}
			if _, err := tx.Exec(ctx, fmt.Sprintf("set local lock_timeout = %d", switchPatience.Milliseconds())); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "lock table "+strings.Join(names, ", ")+" in access exclusive mode"); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `update roster.checkpoints set sequence = $3, event_id = $4 where name = $1 and version = $2`,
			t.projection.entry(), version, int64(at.sequence), at.id); err != nil {
			return err
		}
		for _, move := range [][2]slot{{serving, aside}, {t.projection.slot, serving}, {aside, kept}} {
			if err := moveCopy(ctx, tx, live.copyIn(move[0]), live.copyIn(move[1])); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `update roster.checkpoints set updated_at = now(), superseded_at = case when name = $1 then now() end
			where name in ($1, $2) and version = $3`, live.copyIn(kept).entry(), live.entry(), version); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, notifySQL, fmt.Sprintf("%s %d", live.Schema(), at.sequence)); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `select pg_notify($1, $2)`, switchChannel, live.Schema())
		return err
	})
	if err != nil {
		return fmt.Errorf("switch %s to %s: %w", live.Schema(), t.projection.Schema(), err)
	}
	return nil
}

// moveCopy gives a copy another place.
func moveCopy(ctx context.Context, tx pgx.Tx, from, to Projection) error {
	var exists bool
	if err := tx.QueryRow(ctx, `select exists (select from pg_namespace where nspname = $1)`, from.Schema()).Scan(&exists); err != nil {
		return err
	}
	if exists {
		if _, err := tx.Exec(ctx, fmt.Sprintf("alter schema %s rename to %s",
			pgx.Identifier{from.Schema()}.Sanitize(), pgx.Identifier{to.Schema()}.Sanitize())); err != nil {
			return err
		}
	}
	for _, table := range []string{"checkpoints", "parked", "redrives"} {
		if _, err := tx.Exec(ctx, `update roster.`+table+` set name = $3 where name = $1 and version = $2`,
			from.entry(), from.Version, to.entry()); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, `update roster.schemas set schema = $2 where schema = $1`, from.Schema(), to.Schema())
	return err
}

// lockServing takes the lock of the projection that serves, which its worker lets go
// when it sees that a copy wants to switch.
func (t *target) lockServing(ctx context.Context) error {
	key := t.projection.copyIn(serving).lockKey()
	for {
		var held bool
		if err := t.conn.QueryRow(ctx, `select pg_try_advisory_lock($1)`, key).Scan(&held); err != nil {
			return fmt.Errorf("take the lock of %s: %w", t.projection.Name, err)
		}
		if held {
			return nil
		}
		if !sleep(ctx, yieldPoll) {
			return ctx.Err()
		}
	}
}

func (t *target) unlockServing(ctx context.Context) error {
	if _, err := t.conn.Exec(ctx, `select pg_advisory_unlock($1)`, t.projection.copyIn(serving).lockKey()); err != nil {
		return fmt.Errorf("let go the lock of %s: %w", t.projection.Name, err)
	}
	return nil
}
