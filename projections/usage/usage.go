// Package usage folds the last uses of keys and sessions into PostgreSQL, for
// lists and searches.
//
// The stream that holds them may lose messages and go back, so it is not
// projected: each use is an upsert that only ever moves forward, and may be folded
// again at any time.
package usage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"

	"github.com/rosterhq/roster/events"
)

// Log is what the fold needs of the event log.
type Log interface {
	FollowUsage(ctx context.Context, since time.Time, f func(u events.Usage, at time.Time)) error
}

// Config says where uses come from and where they go.
type Config struct {
	DSN    string
	Log    Log
	Logger *zap.Logger // nil for none
}

const (
	// lock is the key of the advisory lock of the one process that folds.
	lock = 0x726f73757365 // "rosuse"
	// patience is how long uses are gathered, and most how many.
	patience = 500 * time.Millisecond
	most     = 2000

	firstRetry, lastRetry = 100 * time.Millisecond, 10 * time.Second
)

// Run folds until ctx ends. Of several processes one works, and the others wait to
// take over.
func Run(ctx context.Context, c Config) {
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}
	pause := firstRetry
	for {
		began := time.Now()
		err := session(ctx, c)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > lastRetry {
			pause = firstRetry
		}
		c.Logger.Warn("uses of keys are not folded, trying again", zap.Error(err), zap.Duration("after", pause))
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, lastRetry)
	}
}

type use struct {
	events.Usage
	at time.Time
}

// session works over one connection, which holds the lock.
func session(ctx context.Context, c Config) error {
	conn, err := pgx.Connect(ctx, c.DSN)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // what mattered has an error of its own
	if _, err := conn.Exec(ctx, "select pg_advisory_lock($1)", int64(lock)); err != nil {
		return fmt.Errorf("wait for the lock: %w", err)
	}
	since, err := progress(ctx, conn)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	arrived, ended := make(chan use, most), make(chan error, 1)
	go func() {
		ended <- c.Log.FollowUsage(ctx, since, func(u events.Usage, at time.Time) {
			select {
			case arrived <- use{u, at}:
			case <-ctx.Done():
			}
		})
	}()
	err = fold(ctx, conn, arrived, ended)
	stop()
	if followed := <-ended; err == nil {
		err = followed
	}
	return err
}

// fold writes what arrives, in batches. It keeps the end of the following for its
// caller.
func fold(ctx context.Context, conn *pgx.Conn, arrived <-chan use, ended chan error) error {
	for {
		var batch []use
		select {
		case u := <-arrived:
			batch = append(batch, u)
		case err := <-ended:
			ended <- err
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
		enough := time.After(patience)
	gather:
		for len(batch) < most {
			select {
			case u := <-arrived:
				batch = append(batch, u)
			case <-enough:
				break gather
			case <-ctx.Done():
				break gather // what is here is folded again by the next process
			}
		}
		if err := write(ctx, conn, batch); err != nil {
			return err
		}
	}
}

func progress(ctx context.Context, conn *pgx.Conn) (since time.Time, err error) {
	err = conn.QueryRow(ctx, "select folded_at from roster.usage_progress").Scan(&since)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return since, fmt.Errorf("read the progress: %w", err)
	}
	return since, nil
}

const (
	keysSQL = `insert into roster.key_usage as k (key_id, user_id, last_used, expires_at)
		select * from unnest($1::text[], $2::uuid[], $3::timestamptz[], $4::timestamptz[]) as u (key_id, user_id, last_used, expires_at)
		order by key_id
		on conflict (key_id) do update set user_id = excluded.user_id, last_used = excluded.last_used, expires_at = excluded.expires_at
		where k.last_used < excluded.last_used`
	usersSQL = `insert into roster.user_usage as s (user_id, last_seen_at)
		select user_id, max(last_used) from unnest($1::uuid[], $2::timestamptz[]) as u (user_id, last_used) group by user_id order by user_id
		on conflict (user_id) do update set last_seen_at = excluded.last_seen_at where s.last_seen_at < excluded.last_seen_at`
	progressSQL = `insert into roster.usage_progress as p (folded_at) values ($1)
		on conflict (one) do update set folded_at = excluded.folded_at`
)

// write folds a batch in one transaction.
func write(ctx context.Context, conn *pgx.Conn, batch []use) error {
	newest := map[string]events.Usage{}
	for _, u := range batch {
		if _, err := uuid.Parse(u.UserID); err == nil && newest[u.KeyID].LastUsed.Before(u.LastUsed) {
			newest[u.KeyID] = u.Usage
		}
	}
	var keys, users []string
	var used, until []time.Time
	for _, u := range newest {
		keys, users = append(keys, u.KeyID), append(users, u.UserID)
		used, until = append(used, u.LastUsed), append(until, u.ExpiresAt)
	}
	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		b := &pgx.Batch{}
		b.Queue(keysSQL, keys, users, used, until)
		b.Queue(usersSQL, users, used)
		b.Queue(progressSQL, batch[len(batch)-1].at)
		return tx.SendBatch(ctx, b).Close()
	})
	if err != nil {
		return fmt.Errorf("fold %d uses: %w", len(batch), err)
	}
	return nil
}
