package main

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/rosterhq/roster/internal/app"
)

type retainCommand struct {
	Archive string `help:"The archive that has the activities." required:"" placeholder:"DIR"`
	Days    int    `help:"Activities that were recorded so many days ago leave the log; default nothing leaves." env:"ROSTER_ACTIVITY_RETENTION_DAYS" placeholder:"DAYS"`
	DataDir string `help:"Data directory of the installation; default as of the server (ROSTER_DATA_DIR)." placeholder:"DIR"`
}

// Help is shown by --help.
func (retainCommand) Help() string {
	return `Old activities leave the log, once the archive is whole, belongs to this installation and is what the log has, position
by position. Feeds, statistics and positions stay as they are, no activity that left is ever recorded again, and
checkpoints that were signed stay true.

Read models of activities can not be built from the log any more then: restore the archive into an empty installation
for that. Each must be up to date before (roster projections): one that is behind what leaves stops, and says so.

With ROSTER_NATS_URL servers and projectors go on. Otherwise the server of the data directory must be stopped.

Examples:

  roster archive --out /backup/roster && roster retain --archive /backup/roster --days 400
  roster retain --archive /backup/roster --days 400 --data-dir /var/lib/roster

The last line says what was done:

  1204 activities left the log, which begins with a1205 now
`
}

const (
	day = 24 * time.Hour
	// mostDays keeps a typing error from being taken for a time.
	mostDays = 100 * 366
)

// Run lets activities leave.
func (k *retainCommand) Run(ctx context.Context, o outputs) error {
	if k.Days == 0 {
		_, err := fmt.Fprintln(o.out, "nothing leaves the log: name a number of days with --days or ROSTER_ACTIVITY_RETENTION_DAYS")
		return err
	}
	if k.Days < 1 || k.Days > mostDays {
		return usageError{fmt.Errorf("--days must be from 1 to %d", mostDays)}
	}
	settings, err := offlineSettings("retain", k.DataDir)
	if err != nil {
		return usageError{err}
	}
	report := &streamReport{o: o}
	done, err := app.Retain{
		Settings: settings, Logger: zap.NewNop(), Archive: k.Archive, Before: time.Now().Add(-time.Duration(k.Days) * day),
		Progress: func(n, of uint64) { report.step("activities compared", n, of) },
	}.Run(ctx)
	report.finish()
	if ctx.Err() != nil {
		return errInterrupted
	}
	if err != nil {
		return fmt.Errorf("%w\nnothing left the log that the archive lacks", err)
	}
	_, err = fmt.Fprintf(o.out, "%d activities left the log, which begins with %s now\n", done.Left, done.Begins)
	return err
}
