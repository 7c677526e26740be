package main

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/app"
)

type restoreCommand struct {
	outputFlag
	Archive string `help:"Directory of the archive." required:"" placeholder:"DIR"`
	Keys    string `help:"The file of keys, where it is not in the archive." placeholder:"FILE"`
	DataDir string `help:"Data directory of the new installation; default as of the server (ROSTER_DATA_DIR)." placeholder:"DIR"`
}

// Help is shown by --help.
func (restoreCommand) Help() string {
	return `An EMPTY installation becomes the one that was archived, offline: the data directory that is named, or, with
ROSTER_NATS_URL, the streams there. All settings are those of the server (see bin/api --help), by environment.

Every message gets the position that it had, so that checkpoints, and the positions that clients remember, stay
valid. The read models are built by the server at its next start.

The master key is in no archive: put master.key into the new data directory, or give it in ROSTER_MASTER_KEY.

Nothing is written if a segment is damaged, the keys or the master key belong to another installation, or the
installation is not empty. A restore that was interrupted is begun anew by the same command; until then no server
starts on what it left.

Examples:

  install -D -m 600 /safe/master.key /var/lib/roster/master.key
  roster restore --archive /backup/roster --data-dir /var/lib/roster
  ROSTER_DATA_DIR=/var/lib/roster bin/api

The last line says what was done:

  restored 11713 messages (r8412, a3301) in 0.9 s
`
}

// Run restores.
func (r *restoreCommand) Run(ctx context.Context, o outputs) error {
	started := time.Now()
	settings, err := offlineSettings("restore", r.DataDir)
	if err != nil {
		return usageError{err}
	}
	report := &streamReport{o: o}
	m, err := app.Restore{
		Archive: r.Archive, Keys: r.Keys, Settings: settings, Logger: zap.NewNop(), Progress: report.step,
	}.Run(ctx)
	report.finish()
	if ctx.Err() != nil {
		_, _ = fmt.Fprintln(o.err, "interrupted: run the same command again; it begins anew")
		return errInterrupted
	}
	if err != nil {
		return fmt.Errorf("nothing was restored: %w", err)
	}
	done := restored{
		Messages: m.Messages(), Reached: reachedAt(m.End(events.Roster).To, m.End(events.Activity).To), Seconds: seconds(time.Since(started)),
	}
	return r.say(o, done, fmt.Sprintf("restored %d messages (%s) in %.1f s", done.Messages, done.Reached, done.Seconds))
}

// restored is what was done, as JSON.
type restored struct {
	Messages uint64  `json:"messages"`
	Reached  reached `json:"reached"`
	Seconds  float64 `json:"seconds"`
}
