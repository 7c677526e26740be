package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/rosterhq/roster/cmd/roster/internal/client"
	"github.com/rosterhq/roster/cmd/roster/internal/movein"
	"github.com/rosterhq/roster/cmd/roster/internal/progress"
)

type importUsersCommand struct {
	serverFlags
	outputFlag
	Refused string `help:"Write every refused line to this file, as NDJSON with line, code and message." placeholder:"FILE"`
	File    string `arg:"" help:"The users, as NDJSON: one a line."`
}

// Help is shown by --help.
func (importUsersCommand) Help() string {
	return `Every line becomes a user with the id, the number, the password hash, the keys, roles, organizations and
preferences that they had, so that what clients stored goes on working. docs/guides/moving-in.md says what the
members are, and where each system keeps them.

Nobody is imported twice: an import can be interrupted and run again. A line that can not be used, or collides with
a user who is there, is refused and listed at the end; it stops nothing, and makes the exit code 1.

The token's user must be an owner.

Examples:

  export ROSTER_TOKEN=...
  roster import users users.ndjson
  roster import users --refused refused.ndjson users.ndjson

The last line says what was done:

  imported 99998 new, 0 unchanged, 2 refused in 21.4 s
`
}

// Run imports the file.
func (u *importUsersCommand) Run(ctx context.Context, o outputs) error {
	started := time.Now()
	api, err := u.connect(ctx, connections(8))
	if err != nil {
		return err
	}
	defer api.Close()
	file, highest, err := openUsers(u.File)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	if err := api.Check(ctx); err != nil {
		if ctx.Err() != nil {
			return errInterrupted
		}
		return err
	}
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("open users: %w", err)
	}
	report := usersReporter(o, info.Size())
	var refused []client.RefusedLine
	counts, err := movein.Run(ctx, file, movein.Options{
		Server: api, Highest: highest,
		Refused:  func(r client.RefusedLine) { refused = append(refused, r) },
		Progress: func(c movein.Counts) { report.Update(progress.State{Items: c.Done(), Offset: c.Offset}) },
	})
	report.Finish()
	slices.SortFunc(refused, func(a, b client.RefusedLine) int { return cmp.Compare(a.Line, b.Line) })
	return u.conclude(o, counts, refused, errors.Join(err, u.report(refused)), time.Since(started))
}

func usersReporter(o outputs, size int64) progress.Reporter {
	cfg := progress.Config{Out: o.err, Total: size, What: "users", Now: time.Now}
	if o.bar {
		return progress.NewBar(cfg)
	}
	return progress.NewLines(cfg)
}

// openUsers opens a file after it was read once for its highest number: own numbers
// go on behind that from the first line on.
func openUsers(name string) (*os.File, int64, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, 0, fmt.Errorf("open users: %w", err)
	}
	highest, _, err := movein.Highest(file)
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		_ = file.Close()
		return nil, 0, fmt.Errorf("open users: %w", err)
	}
	return file, highest, nil
}

// report writes all refusals to the file that was asked for.
func (u *importUsersCommand) report(refused []client.RefusedLine) error {
	if u.Refused == "" {
		return nil
	}
	file, err := os.OpenFile(u.Refused, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write refused lines: %w", err)
	}
	out := bufio.NewWriter(file)
	encoder := json.NewEncoder(out)
	for _, r := range refused {
		err = errors.Join(err, encoder.Encode(r))
	}
	if err = errors.Join(err, out.Flush(), file.Close()); err != nil {
		return fmt.Errorf("write refused lines: %w", err)
	}
	return nil
}

// conclude prints what is left to say, the result last.
func (u *importUsersCommand) conclude(o outputs, c movein.Counts, refused []client.RefusedLine, err error, took time.Duration) error {
	for _, r := range refused[:min(len(refused), listed)] {
		_, _ = fmt.Fprintf(o.err, "refused %s:%d: %s: %s\n", u.File, r.Line, printable(r.Code), printable(r.Message))
	}
	if more := len(refused) - listed; more > 0 {
		_, _ = fmt.Fprintf(o.err, "refused %d more; --refused FILE lists them all\n", more)
	}
	interrupted := errors.Is(err, movein.ErrInterrupted)
	switch {
	case interrupted:
		_, _ = fmt.Fprintln(o.err, "interrupted: run the same command again to go on; nobody is imported twice")
	case err != nil:
		_, _ = fmt.Fprintln(o.err, "roster:", printable(err.Error()))
		_, _ = fmt.Fprintln(o.err, "not everybody was imported: run the same command again to go on; nobody is imported twice")
	}
	done := usersImported{New: c.Created, Unchanged: c.Unchanged, Refused: c.Refused, Seconds: seconds(took)}
	_ = u.say(o, done, fmt.Sprintf("imported %d new, %d unchanged, %d refused in %.1f s", done.New, done.Unchanged, done.Refused, done.Seconds))
	switch {
	case interrupted:
		return errInterrupted
	case err != nil || c.Refused > 0:
		return errSilent
	}
	return nil
}

// usersImported is what was done, as JSON.
type usersImported struct {
	New       int     `json:"new"`
	Unchanged int     `json:"unchanged"`
	Refused   int     `json:"refused"`
	Seconds   float64 `json:"seconds"`
}
