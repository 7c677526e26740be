package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/rosterhq/roster/cmd/roster/internal/client"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/evidence"
)

type checkpointsCommand struct {
	List    checkpointsList    `cmd:"" help:"List signed checkpoints of the log."`
	Save    checkpointsSave    `cmd:"" help:"Keep the newest checkpoints in files, away from the server."`
	Compare checkpointsCompare `cmd:"" help:"Ask for proof that what a kept checkpoint covers was not changed since."`
	MakeKey checkpointsMakeKey `cmd:"" name:"make-key" help:"Make the key that signs checkpoints."`
}

// Help is shown by --help.
func (checkpointsCommand) Help() string {
	return `A checkpoint says what all positions of a stream were up to one, signed. Whoever keeps one away from the server can tell
later whether anything before it was changed, removed, added or moved.

Examples:

  roster checkpoints make-key --name users.example.com /etc/roster/checkpoint.key > checkpoint.pub
  roster checkpoints save --public-key "$(cat checkpoint.pub)" /witness
  roster checkpoints compare --public-key "$(cat checkpoint.pub)" /witness/*.checkpoint
  roster verify --chain --public-key "$(cat checkpoint.pub)" --checkpoint /witness/r1042.checkpoint
`
}

// publicKeys say whose signatures count.
type publicKeys struct {
	PublicKey []string `help:"Public key of the checkpoints, name+hash+key, as make-key printed it; again for former ones." env:"ROSTER_CHECKPOINT_PUBLIC_KEY" name:"public-key" placeholder:"KEY"`
}

func (p *publicKeys) verifiers() (note.Verifiers, error) {
	if len(p.PublicKey) == 0 {
		return nil, usageError{errors.New("no public key: give the one that roster checkpoints make-key printed with --public-key; a key that the server names would prove nothing")}
	}
	known, err := evidence.Verifiers(p.PublicKey...)
	if err != nil {
		return nil, usageError{err}
	}
	return known, nil
}

// opened asks the server for checkpoints of a stream and checks who signed them.
func opened(ctx context.Context, api *client.Client, s events.Stream, newest bool, known note.Verifiers) ([]*evidence.Checkpoint, error) {
	notes, err := api.Checkpoints(ctx, s, newest)
	if err != nil {
		return nil, err
	}
	out := make([]*evidence.Checkpoint, 0, len(notes))
	for i, text := range notes {
		c, err := evidence.Open(text, known)
		if err != nil {
			return nil, fmt.Errorf("checkpoint %d of %s: %w", i+1, s, err)
		}
		if c.Stream != s {
			return nil, fmt.Errorf("checkpoint %d of %s: it is one of %s", i+1, s, c.Stream)
		}
		out = append(out, c)
	}
	return out, nil
}

// readCheckpoint reads one that was kept.
func readCheckpoint(path string, known note.Verifiers) (*evidence.Checkpoint, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read a checkpoint: %w", err)
	}
	c, err := evidence.Open(text, known)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

type checkpointsList struct {
	serverFlags
	outputFlag
	Newest bool `help:"The newest of each stream alone."`
}

// Help is shown by --help.
func (checkpointsList) Help() string {
	return `The oldest first. What is listed is what the server says; save, compare and verify --chain look at the signatures.

Examples:

  roster checkpoints list --newest
  roster checkpoints list --output json
`
}

type listedCheckpoint struct {
	Position string `json:"position"`
	Time     string `json:"time"`
	Key      string `json:"key"`
	Root     string `json:"root"`
	Note     string `json:"note"`
}

// Run lists checkpoints.
func (l *checkpointsList) Run(ctx context.Context, o outputs) error {
	api, err := l.connect(ctx)
	if err != nil {
		return err
	}
	defer api.Close()
	all := []listedCheckpoint{}
	t := table{head: []string{"POSITION", "TIME", "KEY", "ROOT"}}
	for _, s := range evidence.Streams() {
		notes, err := api.Checkpoints(ctx, s, l.Newest)
		if err != nil {
			return fmt.Errorf("list checkpoints: %w", err)
		}
		for _, text := range notes {
			c, err := evidence.Peek(text)
			if err != nil {
				return fmt.Errorf("list checkpoints: %w", err)
			}
			all = append(all, listedCheckpoint{c.Position().String(), moment(c.Time), c.Key, c.Root.String(), string(text)})
			t.add(c.Position().String(), moment(c.Time), c.Key, c.Root.String())
		}
	}
	return l.print(o, collection[listedCheckpoint]{Items: all}, t)
}

type checkpointsSave struct {
	serverFlags
	publicKeys
	Dir string `arg:"" help:"Directory for the files; it must be there." placeholder:"DIR"`
}

// Help is shown by --help.
func (checkpointsSave) Help() string {
	return `A file for the newest checkpoint of each stream, named by its position. Run it often, on a machine that nobody of the
server's can write to: the oldest file covers the most.

Examples:

  roster checkpoints save --public-key users.example.com+1a2b3c4d+AbCd... /witness
`
}

// Run saves checkpoints.
func (c *checkpointsSave) Run(ctx context.Context, o outputs) error {
	known, err := c.verifiers()
	if err != nil {
		return err
	}
	api, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer api.Close()
	for _, s := range evidence.Streams() {
		newest, err := opened(ctx, api, s, true, known)
		if err != nil {
			return err
		}
		for _, one := range newest {
			path := filepath.Join(c.Dir, one.Position().String()+".checkpoint")
			said, err := saveNew(path, one.Text)
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(o.out, "%s %s\n", said, path); err != nil {
				return err
			}
		}
	}
	return nil
}

// saveNew writes a file that is not there. One that is was kept for good: a witness
// forgets nothing.
func saveNew(path string, text []byte) (said string, err error) {
	err = writeNew(path, text, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return "was there:", nil
	}
	if err != nil {
		return "", fmt.Errorf("save a checkpoint: %w", err)
	}
	return "saved", nil
}

func writeNew(path string, text []byte, mode fs.FileMode) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(path)) // half of it would stay for good
	}
	return nil
}

type checkpointsCompare struct {
	serverFlags
	publicKeys
	File []string `arg:"" help:"Checkpoints that were saved." placeholder:"FILE"`
}

// Help is shown by --help.
func (checkpointsCompare) Help() string {
	return `The server must prove (RFC 6962, a consistency proof) that what each saved checkpoint covers is the begin of what the newest
one covers. That takes no right to read the log, and no time; but it says nothing of what is stored now. roster verify
--chain reads all of that.

Examples:

  roster checkpoints compare --public-key users.example.com+1a2b3c4d+AbCd... /witness/*.checkpoint

Exit code 1 says that the log is another than it was.
`
}

// Run compares checkpoints.
func (c *checkpointsCompare) Run(ctx context.Context, o outputs) error {
	known, err := c.verifiers()
	if err != nil {
		return err
	}
	api, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer api.Close()
	for _, path := range c.File {
		older, err := readCheckpoint(path, known)
		if err != nil {
			return err
		}
		newer, err := consistent(ctx, api, older, known)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if _, err := fmt.Fprintf(o.out, "%s: what was signed up to %s is the begin of what is signed up to %s\n", path, older.Position(), newer.Position()); err != nil {
			return err
		}
	}
	return nil
}

func consistent(ctx context.Context, api *client.Client, older *evidence.Checkpoint, known note.Verifiers) (*evidence.Checkpoint, error) {
	newest, err := opened(ctx, api, older.Stream, true, known)
	if err != nil {
		return nil, err
	}
	if len(newest) == 0 {
		return nil, fmt.Errorf("%w: the server has none", evidence.ErrBeyond)
	}
	newer := newest[0]
	if older.Size > newer.Size { // for which there is no proof
		return nil, evidence.Consistent(older, newer, nil)
	}
	texts, err := api.CheckpointProof(ctx, older.Stream, older.Position(), newer.Position())
	if err != nil {
		return nil, err
	}
	proof := make([]tlog.Hash, len(texts))
	for i, text := range texts {
		if proof[i], err = tlog.ParseHash(text); err != nil {
			return nil, fmt.Errorf("the proof can not be read: %w", err)
		}
	}
	return newer, evidence.Consistent(older, newer, proof)
}

type checkpointsMakeKey struct {
	Name string `help:"Name of the key, which everybody sees who verifies: best the name of the installation." required:"" placeholder:"NAME"`
	File string `arg:"" help:"Where the secret key goes; nothing may be there." placeholder:"FILE"`
}

// Help is shown by --help.
func (checkpointsMakeKey) Help() string {
	return `The secret key (ed25519) goes into the file, for its owner alone; the public key is printed. Give the first to the server,
the second to everybody who verifies.

Examples:

  roster checkpoints make-key --name users.example.com /etc/roster/checkpoint.key > checkpoint.pub
  ROSTER_CHECKPOINT_KEY=file:/etc/roster/checkpoint.key bin/api
`
}

// Run makes a key.
func (c *checkpointsMakeKey) Run(o outputs) error {
	secret, err := evidence.MakeKey(rand.Reader, c.Name)
	if err != nil {
		return usageError{err}
	}
	key, err := evidence.ParseKey(secret)
	if err != nil {
		return err
	}
	if err := writeNew(c.File, []byte(strings.TrimSpace(secret)+"\n"), 0o600); err != nil {
		return fmt.Errorf("keep the key: %w", err)
	}
	_, err = fmt.Fprintln(o.out, key.Public())
	return err
}
