package main

import (
	"context"
	"errors"
	"fmt"

	kept "github.com/rosterhq/roster/archive"
	"github.com/rosterhq/roster/cmd/roster/internal/archiver"
	"github.com/rosterhq/roster/cmd/roster/internal/client"
	"github.com/rosterhq/roster/events"
)

type verifyCommand struct {
	serverFlags
	publicKeys
	Archive    string   `help:"Check this archive, and compare it with the log." placeholder:"DIR"`
	Keys       string   `help:"The file of keys, where it is not in the archive." placeholder:"FILE"`
	Offline    bool     `help:"Check the archive alone, without a server."`
	Chain      bool     `help:"Compute the chain over the log anew and compare it with the signed checkpoints, and nothing else."`
	Checkpoint []string `help:"A checkpoint that was saved, beside those of the server." placeholder:"FILE"`
	NoModels   bool     `help:"Leave the read models out."`
	Models     []string `help:"Only these read models; default all." name:"model" placeholder:"NAME"`
}

// Help is shown by --help.
func (verifyCommand) Help() string {
	return `Three things are compared: the archive with itself (chain, hashes, counts), the archive with the log, position by
position, and each read model with a fresh replay of the log. The first position that differs is named, and so are
rows of read models.

Replaying takes the server about a minute for each million events and model; it goes on answering meanwhile.

With --chain the log (and what the archive alone has still) is compared with the signed checkpoints of the server and those
that were saved elsewhere, by the public key, and the first position that differs is named. The server's word counts for
nothing then.

The token's user must be an owner.

Examples:

  export ROSTER_TOKEN=...
  roster verify
  roster verify --archive /backup/roster
  roster verify --archive /backup/roster --offline
  roster verify --chain --public-key users.example.com+1a2b3c4d+AbCd... --checkpoint /witness/r1042.checkpoint

Exit code 1 says that something differs.
`
}

// Run verifies.
func (v *verifyCommand) Run(ctx context.Context, o outputs) error {
	if len(v.Checkpoint) > 0 && !v.Chain {
		return usageError{errors.New("checkpoints are compared with --chain")}
	}
	if (v.Offline || v.NoModels && !v.Chain) && v.Archive == "" {
		return usageError{errors.New("nothing is left to check: name an archive with --archive")}
	}
	a, err := v.check(ctx, o)
	if err == nil && v.Offline && v.Chain {
		err = v.chain(ctx, o, nil, a)
	}
	if err != nil || v.Offline {
		return v.ended(ctx, err)
	}
	api, err := v.connect(ctx)
	if err != nil {
		return err
	}
	defer api.Close()
	if v.Chain {
		return v.ended(ctx, v.chain(ctx, o, api, a))
	}
	if a != nil {
		if err := v.compare(ctx, o, api, a); err != nil {
			return v.ended(ctx, err)
		}
	}
	if v.NoModels {
		return nil
	}
	return v.ended(ctx, v.models(ctx, o, api))
}

func (v *verifyCommand) ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errInterrupted
	}
	return err
}

// check looks at the archive alone.
func (v *verifyCommand) check(ctx context.Context, o outputs) (*kept.Reader, error) {
	if v.Archive == "" {
		return nil, nil //nolint:nilnil // none was asked for
	}
	a, err := kept.Read(v.Archive)
	if err != nil {
		return nil, err
	}
	m := a.Manifest()
	report := &streamReport{o: o}
	err = a.Check(ctx, func(n uint64) { report.step("messages checked", n, m.Messages()) })
	report.finish()
	if err != nil {
		return nil, err
	}
	of, keys, err := kept.ReadKeys(kept.KeysFile(v.Archive, v.Keys))
	if err != nil {
		return nil, err
	}
	if of != m.Installation {
		return nil, fmt.Errorf("the keys are of installation %s, the archive of %s", of, m.Installation)
	}
	_, err = fmt.Fprintf(o.out, "archive: whole, %d messages in %d segments, %d keys\n", m.Messages(), len(m.Segments), len(keys))
	return a, err
}

// compare puts the archive beside the log.
func (v *verifyCommand) compare(ctx context.Context, o outputs, api *client.Client, a *kept.Reader) error {
	for _, s := range kept.Streams() {
		report := &streamReport{o: o}
		end := a.Manifest().End(s).To
		c, err := archiver.Compare(ctx, api, a, s, func(n uint64) { report.step("messages of "+string(s)+" compared", n, end) })
		report.finish()
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(o.out, "log: %s is as archived, %d messages\n", s, c.Messages)
		if c.LogFrom > 0 {
			_, _ = fmt.Fprintf(o.out, "log: %s begins at %s; what came before is in the archive alone\n", s, events.Position{Stream: s, Sequence: c.LogFrom})
		}
	}
	return nil
}

// models lets the server compare its read models with the log.
func (v *verifyCommand) models(ctx context.Context, o outputs, api *client.Client) error {
	names := v.Models
	if len(names) == 0 {
		var err error
		if names, err = api.ProjectionNames(ctx); err != nil {
			return err
		}
	}
	differ := 0
	for _, name := range names {
		c, err := api.VerifyProjection(ctx, name)
		if errors.Is(err, client.ErrNoTables) && len(v.Models) == 0 {
			continue
		}
		if err != nil {
			return fmt.Errorf("verify read model %s: %w", name, err)
		}
		if !c.Equal {
			differ++
		}
		printComparison(o, c)
	}
	if differ > 0 {
		_, _ = fmt.Fprintf(o.err, "roster: %d read models differ from the log; build them anew: roster rebuild NAME --again\n", differ)
		return errSilent
	}
	return nil
}

func printComparison(o outputs, c client.Comparison) {
	if c.Equal {
		_, _ = fmt.Fprintf(o.out, "read model %s: as the log says at %s, %d rows\n", c.Projection, c.Position, c.Rows())
		return
	}
	_, _ = fmt.Fprintf(o.out, "read model %s: DIFFERS from the log at %s\n", c.Projection, c.Position)
	for _, t := range c.Tables {
		if t.Missing+t.Extra+t.Different == 0 {
			continue
		}
		_, _ = fmt.Fprintf(o.out, "  %s: %d rows missing, %d too many, %d different\n", t.Table, t.Missing, t.Extra, t.Different)
		for _, row := range t.Examples {
			_, _ = fmt.Fprintf(o.out, "    %s\n", plainText(fmt.Sprint(row.Kind, " ", row.Key, " ", row.Columns, " ", row.Position)))
		}
	}
}
