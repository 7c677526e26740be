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
	outputFlag
	Archive    string   `help:"Check this archive, and compare it with the log." placeholder:"DIR"`
	Keys       string   `help:"The file of keys, where it is not in the archive." placeholder:"FILE"`
	Offline    bool     `help:"Check the archive alone, without a server."`
	Chain      bool     `help:"Compute the chain over the log anew and compare it with the signed checkpoints, and nothing else."`
	Checkpoint []string `help:"A checkpoint that was saved, beside those of the server." placeholder:"FILE"`
	NoModels   bool     `help:"Leave the read models out."`
	Models     []string `help:"Only these read models; default all." name:"model" placeholder:"NAME"`

	found verified
}

// verified is what was found, as JSON. What was not looked at is absent.
type verified struct {
	Archive *verifiedArchive    `json:"archive,omitempty"`
	Log     []verifiedLog       `json:"log,omitempty"`
	Chain   []verifiedChain     `json:"chain,omitempty"`
	Models  []client.Comparison `json:"models,omitempty"`
}

type verifiedArchive struct {
	Messages uint64 `json:"messages"`
	Segments int    `json:"segments"`
	Keys     int    `json:"keys"`
}

// verifiedLog is a stream that is as archived.
type verifiedLog struct {
	Stream   events.Stream `json:"stream"`
	Messages uint64        `json:"messages"`
	Begins   string        `json:"begins,omitempty"` // where the log begins, when what came before is in the archive alone
}

// verifiedChain is a stream that is as it was signed.
type verifiedChain struct {
	Stream      events.Stream `json:"stream"`
	Signed      string        `json:"signed,omitempty"` // up to here; absent: nothing is signed
	Checkpoints int           `json:"checkpoints"`
	Behind      uint64        `json:"behind"`           // positions behind the last checkpoint
	Unread      uint64        `json:"unread,omitempty"` // positions that are in no log and in no archive that was named
}

// tell prints a line as soon as something is known, unless all is to be one document.
func (v *verifyCommand) tell(o outputs, format string, args ...any) {
	if !v.json() {
		_, _ = fmt.Fprintf(o.out, format, args...)
	}
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
	err := v.verify(ctx, o)
	if v.json() && (err == nil || errors.Is(err, errSilent)) {
		err = errors.Join(err, printJSON(o.out, v.found))
	}
	return err
}

func (v *verifyCommand) verify(ctx context.Context, o outputs) error {
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
	v.found.Archive = &verifiedArchive{Messages: m.Messages(), Segments: len(m.Segments), Keys: len(keys)}
	v.tell(o, "archive: whole, %d messages in %d segments, %d keys\n", m.Messages(), len(m.Segments), len(keys))
	return a, nil
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
		found := verifiedLog{Stream: s, Messages: c.Messages}
		v.tell(o, "log: %s is as archived, %d messages\n", s, c.Messages)
		if c.LogFrom > 0 {
			found.Begins = events.Position{Stream: s, Sequence: c.LogFrom}.String()
			v.tell(o, "log: %s begins at %s; what came before is in the archive alone\n", s, found.Begins)
		}
		v.found.Log = append(v.found.Log, found)
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
		v.found.Models = append(v.found.Models, c)
		v.tellComparison(o, c)
	}
	if differ > 0 {
		_, _ = fmt.Fprintf(o.err, "roster: %d read models differ from the log; build them anew: roster rebuild NAME --again\n", differ)
		return errSilent
	}
	return nil
}

func (v *verifyCommand) tellComparison(o outputs, c client.Comparison) {
	if c.Equal {
		v.tell(o, "read model %s: as the log says at %s, %d rows\n", c.Projection, c.Position, c.Rows())
		return
	}
	v.tell(o, "read model %s: DIFFERS from the log at %s\n", c.Projection, c.Position)
	for _, t := range c.Tables {
		if t.Missing+t.Extra+t.Different == 0 {
			continue
		}
		v.tell(o, "  %s: %d rows missing, %d too many, %d different\n", t.Table, t.Missing, t.Extra, t.Different)
		for _, row := range t.Examples {
			v.tell(o, "    %s\n", plainText(fmt.Sprint(row.Kind, " ", row.Key, " ", row.Columns, " ", row.Position)))
		}
	}
}
