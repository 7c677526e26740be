package runtime

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// busySQL lists builds that keep a worker from its projection: of the version
	// itself, or of a copy that is about to take its place.
	busySQL = `select slot, state from roster.rebuilds where name = $1 and version = $2
		and (slot = '' and state in ('requested', 'building', 'indexing', 'cancelled') or state = 'switching')`
	reserveSQL = `insert into roster.rebuilds as r (name, version, slot, state, requested_by, requested_at, updated_at, max_rate)
		values ($1, $2, '', 'requested', 'roster', now(), now(), $3)
		on conflict (name, version, slot) do update set state = 'requested', requested_at = now(), updated_at = now(), error = '',
			finished_at = null, events = 0, total = 0, release = '', max_rate = excluded.max_rate
		where r.state = 'done'`
	holderSQL = `update roster.checkpoints set holder = $3 where name = $1 and version = $2 and holder <> $3`

	switchPoll  = 25 * time.Millisecond // of a worker that let go for a switch
	stoppedPoll = 5 * time.Second       // of one that is stopped, for a new start
)

// errYield says that a build needs the projection.
var errYield = errors.New("a build needs the projection")

// busy returns what a worker must wait for, or "".
func (w *worker) busy(ctx context.Context, conn *pgx.Conn) (State, error) {
	p := w.projection
	rows, err := conn.Query(ctx, busySQL, p.Name, p.Version)
	if err != nil {
		return "", fmt.Errorf("look for builds: %w", err)
	}
	type open struct {
		Slot  slot
		State RebuildState
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[open])
	if err != nil {
		return "", fmt.Errorf("look for builds: %w", err)
	}
	if len(found) == 0 {
		return "", nil
	}
	held, err := readLocks(ctx, conn)
	if err != nil {
		return "", err
	}
	for _, o := range found {
		switch {
		case o.State == RebuildSwitching:
			if held[p.copyIn(o.Slot).lockKey()] { // else who wanted it is gone
				return Standby, nil
			}
		case o.State == RebuildCancelled:
			return Paused, nil
		case w.builds != nil || held[builderLock]:
			return Building, nil
		}
	}
	return "", nil
}

// reserve asks for a version without rows to be built, where the log is long: with
// care while an earlier version serves, else as fast as the machine can, since
// nobody has anything to read until it is there.
func (w *worker) reserve(ctx context.Context, conn *pgx.Conn) error {
	p := w.projection
	if w.builds == nil || w.builds.From == 0 || p.Migrations == nil {
		return nil
	}
	at, err := checkpointOf(ctx, conn, p)
	if err != nil || at > 0 {
		return err
	}
	info, err := w.source.info(ctx)
	if err != nil || info.LastSeq < w.builds.From {
		return err
	}
	var maxRate *int64
	if served, err := w.earlier(ctx, conn); err != nil {
		return err
	} else if !served {
		maxRate = new(int64)
	}
	if _, err := conn.Exec(ctx, reserveSQL, p.Name, p.Version, maxRate); err != nil {
		return fmt.Errorf("ask for a build: %w", err)
	}
	if _, err := conn.Exec(ctx, wakeSQL); err != nil {
		return fmt.Errorf("ask for a build: %w", err)
	}
	return nil
}

// earlier says whether some process keeps an earlier version up to date.
func (w *worker) earlier(ctx context.Context, conn *pgx.Conn) (bool, error) {
	held, err := readLocks(ctx, conn)
	if err != nil {
		return false, err
	}
	old := w.projection
	for old.Version--; old.Version > 0; old.Version-- {
		if held[old.lockKey()] {
			return true, nil
		}
	}
	return false, nil
}

// awaitStart returns when the checkpoint is another than the one that the log does
// not hold: somebody built the model anew.
func (w *worker) awaitStart(ctx context.Context, stopped mark) {
	for sleep(ctx, stoppedPoll) {
		if w.moved(ctx, stopped) {
			return
		}
	}
}

func (w *worker) moved(ctx context.Context, from mark) bool {
	conn, err := pgx.ConnectConfig(ctx, w.dsn.Copy())
	if err != nil {
		return false
	}
	defer closeConn(conn)
	var (
		sequence int64
		id       string
	)
	err = conn.QueryRow(ctx, checkpointSQL, w.projection.entry(), w.projection.Version).Scan(&sequence, &id)
	return err == nil && mark{sequence: uint64(sequence), id: id} != from
}
