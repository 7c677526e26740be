package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	api "github.com/rosterhq/roster/api/v1/client"
	"github.com/rosterhq/roster/cmd/roster/internal/archiver"
	"github.com/rosterhq/roster/cmd/roster/internal/client"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/app"
	"github.com/rosterhq/roster/internal/config"
)

type eraseCommand struct {
	serverFlags
	User    string `arg:"" help:"Id or username; who was deleted is named by id." placeholder:"USER"`
	Yes     bool   `help:"Yes, this person. Without it the username, or the id of who has none, is asked for at the terminal."`
	Archive string `help:"Destroy the person's key in this archive, too, and archive the erasure." placeholder:"DIR"`
	Keys    string `help:"The archive's file of keys, where it is not in the archive." placeholder:"FILE"`
	Scrub   bool   `help:"Make PostgreSQL forget, too: tables, statistics and write-ahead log are written anew."`
	DataDir string `help:"With --scrub: data directory of the server; default as of the server (ROSTER_DATA_DIR)." placeholder:"DIR"`
}

// Help is shown by --help.
func (eraseCommand) Help() string {
	return `The account ends, if it lives, and the key of all that was sealed for the person is destroyed: names, addresses, texts
and secrets in the log and in every copy of it open for nobody any more. The facts stay, with type, time and position.
It can not be undone.

With --archive the archive is brought up to date, so that a restore knows of the erasure even from older keys, and its
file of keys is written anew; the old one is overwritten. Copies of that file made elsewhere are yours to destroy.
Repeat the command for each archive.

With --scrub PostgreSQL writes all tables, its statistics and its write-ahead log anew, once the read models know of the
erasure: else it may hold the old text for weeks. Reads wait meanwhile, a minute for some gigabytes. It connects itself, to
DATABASE_URL as a superuser, or to the private PostgreSQL of the data directory.

The token's user must be an owner.

Examples:

  roster erase grace
  roster erase grace --yes --archive /backup/roster --keys /backup-keys/roster.ndjson
  roster erase grace --scrub --data-dir /var/lib/roster
`
}

// Run erases a person.
func (e *eraseCommand) Run(ctx context.Context, o outputs) error {
	if e.Keys != "" && e.Archive == "" {
		return usageError{errors.New("--keys is the file of keys of an archive: name it with --archive")}
	}
	if e.DataDir != "" && !e.Scrub {
		return usageError{errors.New("--data-dir is for --scrub")}
	}
	if err := e.hasArchive(); err != nil {
		return err
	}
	settings, err := e.scrubSettings()
	if err != nil {
		return err
	}
	c, err := e.connect(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	typed, err := c.API()
	if err != nil {
		return err
	}
	found, err := typed.GetUserWithResponse(ctx, e.User, nil)
	if err != nil {
		return fmt.Errorf("erase %s: %w", e.User, err)
	}
	id := found.JSON200.Id
	if err := e.confirm(ctx, o, found.JSON200); err != nil {
		return err
	}
	// By id: names are free as soon as the first try succeeded.
	if _, err := typed.EraseUserWithResponse(ctx, id, nil); err != nil {
		return fmt.Errorf("erase %s: %w", e.User, err)
	}
	if _, err := fmt.Fprintf(o.out, "erased %s\n", id); err != nil {
		return err
	}
	if e.Archive == "" {
		_, _ = fmt.Fprintln(o.err, "archives keep a copy of the keys: repeat this with --archive DIR for each of them")
	} else if err := e.archived(ctx, o, c); err != nil {
		return try(fmt.Errorf("the archive may still hold the key: %w", err), e.again(id))
	}
	if !e.Scrub {
		return nil
	}
	if err := scrub(ctx, o, typed, settings); err != nil {
		return try(fmt.Errorf("PostgreSQL may still hold what it held: %w", err), e.again(id))
	}
	return nil
}

// again is the command that goes on where this one failed.
func (e *eraseCommand) again(id string) string {
	command := "roster erase " + id + " --yes"
	for _, flag := range [][2]string{{"--archive", e.Archive}, {"--keys", e.Keys}} {
		if flag[1] != "" {
			command += " " + flag[0] + " " + shellWord(flag[1])
		}
	}
	if e.Scrub {
		command += " --scrub"
	}
	if e.DataDir != "" {
		command += " --data-dir " + shellWord(e.DataDir)
	}
	return command
}

// scrubSettings are those of the server whose PostgreSQL is to forget; they are read
// before anything is destroyed.
func (e *eraseCommand) scrubSettings() (settings config.API, err error) {
	if !e.Scrub {
		return settings, nil
	}
	if settings, err = offlineSettings("erase", e.DataDir); err != nil {
		return settings, usageError{err}
	}
	return settings, nil
}

// hasArchive looks before anything is destroyed.
func (e *eraseCommand) hasArchive() error {
	if e.Archive == "" {
		return nil
	}
	info, err := os.Stat(e.Archive)
	if err != nil {
		return usageError{fmt.Errorf("--archive: %w", err)}
	}
	if !info.IsDir() {
		return usageError{fmt.Errorf("--archive: %s is no directory", e.Archive)}
	}
	return nil
}

// confirm asks for the name of who is meant.
func (e *eraseCommand) confirm(ctx context.Context, o outputs, who *api.User) error {
	if e.Yes {
		return nil
	}
	name := who.Username
	if name == "" {
		name = who.Id
	}
	if o.ask == nil {
		return usageError{try(errors.New("erasing a person can not be undone: say --yes"), "roster erase "+shellWord(e.User)+" --yes")}
	}
	said, err := o.ask(ctx, fmt.Sprintf("This can not be undone. To erase %s (%s), type %s: ", plainText(name), who.Id, plainText(name)))
	if err != nil {
		return err
	}
	if said != name {
		return errors.New("nobody was erased: that is not the name")
	}
	return nil
}

// scrub waits until all read models have taken what the log holds now, and then what
// reactions to that wrote.
func scrub(ctx context.Context, o outputs, typed *api.ClientWithResponses, settings config.API) error {
	for range 2 {
		if err := awaitModels(ctx, typed); err != nil {
			return err
		}
	}
	if err := (app.Scrub{Settings: settings}).Run(ctx); err != nil {
		return err
	}
	_, err := fmt.Fprintln(o.out, "PostgreSQL was written anew")
	return err
}

// modelsLimit bounds the waiting for read models, and betweenLooks lies between two
// looks at them.
const (
	modelsLimit  = 5 * time.Minute
	betweenLooks = 100 * time.Millisecond
)

// awaitModels returns when each read model has come to where the log ends now.
func awaitModels(ctx context.Context, typed *api.ClientWithResponses) error {
	ctx, cancel := context.WithTimeoutCause(ctx, modelsLimit, errors.New("a read model is far behind the log: see roster projections"))
	defer cancel()
	var heads map[string]events.Position
	for {
		listed, err := typed.ListProjectionsWithResponse(ctx)
		if err != nil {
			return fmt.Errorf("look at the read models: %w", err)
		}
		places, ends := map[string]events.Position{}, map[string]events.Position{}
		for _, m := range listed.JSON200.Items {
			if places[m.Name], err = events.ParsePosition(m.Position); err == nil {
				ends[m.Name], err = events.ParsePosition(m.Head)
			}
			if err != nil {
				return fmt.Errorf("look at the read model %s: %w", m.Name, err)
			}
		}
		if heads == nil {
			heads = ends
		}
		behind := false
		for name, head := range heads {
			behind = behind || places[name].Sequence < head.Sequence
		}
		if !behind {
			return nil
		}
		select {
		case <-time.After(betweenLooks):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// archived brings the erasure into an archive, and its file of keys up to date.
func (e *eraseCommand) archived(ctx context.Context, o outputs, c *client.Client) error {
	report := &streamReport{o: o}
	_, err := archiver.Run(ctx, archiver.Options{From: c, Dir: e.Archive, Keys: e.Keys, Clock: time.Now, Progress: report.update})
	report.finish()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(o.out, "the key is gone from the archive %s\n", e.Archive)
	return err
}
