package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/rosterhq/roster/cmd/roster/internal/client"
	"github.com/rosterhq/roster/cmd/roster/internal/importer"
	"github.com/rosterhq/roster/cmd/roster/internal/progress"
	"github.com/rosterhq/roster/internal/gharchive"
)

type importCommand struct {
	GHArchive gharchiveCommand   `cmd:"" name:"gharchive" help:"Import hours of public GitHub activity."`
	Users     importUsersCommand `cmd:"" help:"Move users in from another system."`
}

type gharchiveCommand struct {
	serverFlags
	outputFlag
	Files []string `arg:"" name:"file" help:"Files of GH Archive (.json.gz, or plain NDJSON), in any order."`
}

// Help is shown by --help.
func (gharchiveCommand) Help() string {
	return `Every GitHub account that the files name becomes a user (identity github:<account id>, no e-mail, no
password), every event an activity of its user. Nothing is imported twice: an import can be interrupted and
run again, and files may overlap.

The token's user must be allowed to create users and to record activities.

Lines and events that can not be used are counted as rejected and listed at the end; they stop nothing.
Events of kinds that Roster has no activity for are left out.

Examples:

  export ROSTER_TOKEN=...
  roster import gharchive 2015-01-01-0.json.gz
  roster import gharchive --server https://roster.example.com 2015-01-01-*.json.gz

The last line says what was done:

  imported 7702 new, 0 duplicates, 0 rejected, 3659 users in 8.7 s
`
}

var errInterrupted = importer.ErrInterrupted

// Run imports the files.
func (g *gharchiveCommand) Run(ctx context.Context, o outputs) error {
	started := time.Now()
	api, err := g.connect(ctx, connections(creators+8))
	if err != nil {
		return err
	}
	defer api.Close()
	source, err := openArchive(g.Files)
	if err != nil {
		return err
	}
	defer source.Close()
	if err := api.Check(ctx); err != nil {
		if ctx.Err() != nil {
			return errInterrupted
		}
		return err
	}
	report := reporter(o, source.size)
	imp := importer.New(importer.Options{
		Server:   api,
		Random:   random,
		Creators: creators,
		Rejected: source.refused,
		Progress: func(c importer.Counts) { report.Update(progress.State{Items: c.Done(), Offset: c.Offset}) },
	})
	counts, err := imp.Run(ctx, source.Next)
	report.Finish()
	return source.conclude(g.outputFlag, o, counts, err, time.Since(started))
}

// creators is how many users are made at once: the server merges their appends
// into one, so many together cost hardly more than one.
const creators = 128

func reporter(o outputs, total int64) progress.Reporter {
	cfg := progress.Config{Out: o.err, Total: total, What: "activities", Now: time.Now}
	if o.bar {
		return progress.NewBar(cfg)
	}
	return progress.NewLines(cfg)
}

func random(n int) int {
	v, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
	if err != nil {
		return 0 // never: rand.Reader does not fail
	}
	return int(v.Int64())
}

// item makes the activity of one event ready to be sent.
func item(r gharchive.Record, origin importer.Origin, offset int64) (importer.Item, error) {
	line, err := json.Marshal(r.Activity)
	if err != nil {
		return importer.Item{}, fmt.Errorf("encode activity: %w", err)
	}
	people := make([]importer.Person, len(r.People))
	for i, p := range r.People {
		people[i] = importer.Person{Identity: client.Identity(p.Identity), Login: p.Login}
	}
	return importer.Item{Activity: line, People: people, Origin: origin, Offset: offset}, nil
}

// conclude prints what is left to say, the result last.
func (a *archive) conclude(f outputFlag, o outputs, counts importer.Counts, err error, took time.Duration) error {
	a.tell(o.err)
	rejected := counts.Rejected + a.badLines
	interrupted := errors.Is(err, errInterrupted)
	switch {
	case interrupted:
		_, _ = fmt.Fprintln(o.err, "interrupted: run the same command again to go on; nothing is imported twice")
	case err != nil:
		_, _ = fmt.Fprintln(o.err, "roster:", err)
		_, _ = fmt.Fprintln(o.err, "not everything was imported: run the same command again to go on; nothing is imported twice")
	}
	done := imported{New: counts.New, Duplicates: counts.Duplicates, Rejected: rejected, Users: counts.Users, Seconds: seconds(took)}
	_ = f.say(o, done, fmt.Sprintf("imported %d new, %d duplicates, %d rejected, %d users in %.1f s",
		done.New, done.Duplicates, done.Rejected, done.Users, done.Seconds))
	switch {
	case interrupted:
		return errInterrupted
	case err != nil || len(a.broken) > 0:
		return errSilent
	}
	return nil
}

// imported is what was done, as JSON.
type imported struct {
	New        int     `json:"new"`
	Duplicates int     `json:"duplicates"`
	Rejected   int     `json:"rejected"`
	Users      int     `json:"users"`
	Seconds    float64 `json:"seconds"`
}
