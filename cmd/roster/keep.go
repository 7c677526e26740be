package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/rosterhq/roster/cmd/roster/internal/archiver"
	"github.com/rosterhq/roster/cmd/roster/internal/progress"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/app"
)

type archiveCommand struct {
	serverFlags
	outputFlag
	Out      string `help:"Directory of the archive; made if need be." required:"" placeholder:"DIR"`
	Keys     string `help:"Keep the wrapped keys in this file, apart from the archive." placeholder:"FILE"`
	DataDir  string `help:"Archive the installation in this data directory, whose server is stopped, instead of a running one." placeholder:"DIR"`
	KeysOnly bool   `help:"Write the file of keys anew and nothing else, after a person was erased."`
}

// Help is shown by --help.
func (archiveCommand) Help() string {
	return `The log of a running server goes into compressed segments, each of which names the one before it by its
SHA-256. Run again, it adds what is new since. A run that was interrupted keeps its whole segments.

Everything personal is sealed, in the archive as in the log. The keys that open it are written anew by each run,
wrapped; the master key is in neither. Keep all three apart.

The token's user must be an owner; a key needs the scope log:read. With --data-dir no server and no token is
needed, and nothing can come after the last message: that is how an installation moves to another place.

Examples:

  export ROSTER_TOKEN=...
  roster archive --out /backup/roster
  roster archive --out /backup/roster --keys /elsewhere/roster-keys.ndjson
  roster archive --out /backup/roster --keys-only
  roster archive --out /backup/roster --data-dir /var/lib/roster

The last line says what was done:

  archived 1204 messages in 2 new segments (r8412, a3301), 512 keys in 0.4 s
`
}

// Run archives.
func (a *archiveCommand) Run(ctx context.Context, o outputs) error {
	started := time.Now()
	from, end, err := a.source(ctx)
	if err != nil {
		return err
	}
	report := &streamReport{o: o}
	result, err := archiver.Run(ctx, archiver.Options{
		From: from, Dir: a.Out, Keys: a.Keys, KeysOnly: a.KeysOnly, Clock: time.Now, Progress: report.update,
	})
	err = errors.Join(err, end())
	report.finish()
	if ctx.Err() != nil {
		_, _ = fmt.Fprintln(o.err, "interrupted: run the same command again to go on; whole segments stay")
		return errInterrupted
	}
	if err != nil {
		return fmt.Errorf("%w\nrun the same command again when that is mended: whole segments stay", err)
	}
	m := result.Manifest
	done := archived{
		Messages: result.Added[events.Roster] + result.Added[events.Activity], Segments: result.Segments,
		Reached: reachedAt(m.End(events.Roster).To, m.End(events.Activity).To), Keys: result.Keys, Seconds: seconds(time.Since(started)),
	}
	return a.say(o, done, fmt.Sprintf("archived %d messages in %d new segments (%s), %d keys in %.1f s",
		done.Messages, done.Segments, done.Reached, done.Keys, done.Seconds))
}

// archived is what was done, as JSON.
type archived struct {
	Messages uint64  `json:"messages"`
	Segments int     `json:"segments"`
	Reached  reached `json:"reached"`
	Keys     int     `json:"keys"`
	Seconds  float64 `json:"seconds"`
}

// source is what is archived, and how it is closed.
func (a *archiveCommand) source(ctx context.Context) (archiver.Source, func() error, error) {
	if a.DataDir == "" {
		api, err := a.connect(ctx)
		if err != nil {
			return nil, nil, err
		}
		return api, func() error { api.Close(); return nil }, nil
	}
	settings, err := offlineSettings("archive", a.DataDir)
	if err != nil {
		return nil, nil, usageError{err}
	}
	log, err := app.OpenStopped(ctx, settings, zap.NewNop())
	if err != nil {
		return nil, nil, fmt.Errorf("open the installation: %w", err)
	}
	return log, func() error { return log.Close(ctx) }, nil
}

// streamReport shows one bar for each stream.
type streamReport struct {
	o      outputs
	doing  string
	report progress.Reporter
}

func (r *streamReport) update(s events.Stream, done, of uint64) {
	r.step("messages of "+string(s), done, of)
}

func (r *streamReport) step(doing string, done, of uint64) {
	if doing != r.doing {
		r.finish()
		cfg := progress.Config{Out: r.o.err, Total: int64(of), What: doing, Now: time.Now}
		r.doing, r.report = doing, progress.NewLines(cfg)
		if r.o.bar {
			r.report = progress.NewBar(cfg)
		}
	}
	r.report.Update(progress.State{Items: int(done), Offset: int64(done)})
}

func (r *streamReport) finish() {
	if r.report != nil {
		r.report.Finish()
		r.report = nil
	}
}
