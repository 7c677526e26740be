package housekeeping

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Lock is held by one process at a time. Where another one holds it, held is
// false. release gives it back.
type Lock func(ctx context.Context) (release func(), held bool, err error)

func alone(context.Context) (func(), bool, error) { return func() {}, true, nil }

// These are this package's among the advisory locks of the database.
const (
	lockID     = 0x726f7374_686f7573 // "rosthous"
	keysLockID = 0x726f7374_6b657973 // "rostkeys"
)

const closeLimit = 5 * time.Second

// AdvisoryLock is the lock of the sweep of accounts, in PostgreSQL. It has a connection
// of its own, so that a process that dies gives it back.
func AdvisoryLock(dsn string) Lock { return advisoryLock(dsn, lockID) }

// KeysLock is that of the sweep of keys: neither sweep makes the other one wait for an
// hour.
func KeysLock(dsn string) Lock { return advisoryLock(dsn, keysLockID) }

func advisoryLock(dsn string, id int64) Lock {
	return func(ctx context.Context) (func(), bool, error) {
		config, err := pgx.ParseConfig(dsn)
		if err != nil {
			return nil, false, fmt.Errorf("read the address of PostgreSQL: %w", err)
		}
		config.RuntimeParams["application_name"] = "roster-housekeeping"
		conn, err := pgx.ConnectConfig(ctx, config)
		if err != nil {
			return nil, false, fmt.Errorf("connect to PostgreSQL: %w", err)
		}
		release := func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
			defer cancel()
			// The server gives the lock back in any case, but with the end of a connection
			// only some time later.
			_, _ = conn.Exec(ctx, "select pg_advisory_unlock_all()")
			_ = conn.Close(ctx)
		}
		var held bool
		if err := conn.QueryRow(ctx, "select pg_try_advisory_lock($1)", id).Scan(&held); err != nil {
			release()
			return nil, false, fmt.Errorf("ask for the lock: %w", err)
		}
		if !held {
			release()
			return nil, false, nil
		}
		return release, true, nil
	}
}
