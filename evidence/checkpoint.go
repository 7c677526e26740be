package evidence

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/rosterhq/roster/events"
)

// Streams are those that checkpoints are made of. KEYS, where an erasure overwrites,
// and what is only the last of something, are not.
func Streams() []events.Stream { return []events.Stream{events.Roster, events.Activity} }

// Checkpoint says what a stream was up to a position.
type Checkpoint struct {
	Installation string // its id
	Stream       events.Stream
	Size         uint64 // how many positions are covered: the last one's sequence
	Root         tlog.Hash
	Time         time.Time // of the signature, by the signer's clock, to the second
	// From is the first position that was there when the tree was begun; those before
	// count as empty. It is 1, unless the log had lost its begin by then.
	From uint64

	Key  string // name of the key that signed it
	Text []byte // the signed note
}

// Position is the last one that the checkpoint covers.
func (c *Checkpoint) Position() events.Position {
	return events.Position{Stream: c.Stream, Sequence: c.Size}
}

// Errors of reading checkpoints.
var (
	// ErrNoCheckpoint says that a text is no checkpoint of this form.
	ErrNoCheckpoint = errors.New("not a checkpoint of Roster")
	// ErrUnsigned says that none of the known keys signed a checkpoint.
	ErrUnsigned = errors.New("not signed by a key that is known here")
)

const (
	originName = "roster"
	// maxText bounds a checkpoint, in bytes; those of ours have some 350.
	maxText = 16 << 10
	// idLength is of an installation's id, in hexadecimal digits.
	idLength = 32
)

// body is what is signed.
func (c *Checkpoint) body() string {
	return fmt.Sprintf("%s/%s/%s\n%d\n%s\ntime %s\nfrom %d\n", originName, c.Installation, strings.ToLower(string(c.Stream)),
		c.Size, c.Root, c.Time.UTC().Format(time.RFC3339), c.From)
}

// Sign signs a checkpoint and gives it its text.
func (c *Checkpoint) Sign(with note.Signer) error {
	text, err := note.Sign(&note.Note{Text: c.body()}, with)
	if err != nil {
		return fmt.Errorf("sign a checkpoint of %s: %w", c.Position(), err)
	}
	c.Key, c.Text = with.Name(), text
	return nil
}

// Open reads a checkpoint that one of the known keys signed.
func Open(text []byte, known note.Verifiers) (*Checkpoint, error) {
	if len(text) > maxText {
		return nil, fmt.Errorf("%w: it has %d bytes", ErrNoCheckpoint, len(text))
	}
	n, err := note.Open(text, known)
	var unverified *note.UnverifiedNoteError
	var invalid *note.InvalidSignatureError
	switch {
	case errors.As(err, &unverified):
		return nil, fmt.Errorf("%w: it bears %s", ErrUnsigned, signers(unverified.Note.UnverifiedSigs))
	case errors.As(err, &invalid):
		return nil, fmt.Errorf("%w: the signature of %s does not fit its text", ErrUnsigned, invalid.Name)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrNoCheckpoint, err)
	}
	c, err := parse(n.Text)
	if err != nil {
		return nil, err
	}
	c.Key, c.Text = n.Sigs[0].Name, text
	return c, nil
}

// Peek reads what a checkpoint says without asking who signed it.
func Peek(text []byte) (*Checkpoint, error) {
	_, err := note.Open(text, note.VerifierList())
	unverified, ok := errors.AsType[*note.UnverifiedNoteError](err)
	if !ok || len(text) > maxText {
		return nil, fmt.Errorf("%w: %w", ErrNoCheckpoint, errors.Join(err, errNoNote))
	}
	c, err := parse(unverified.Note.Text)
	if err != nil {
		return nil, err
	}
	c.Key, c.Text = unverified.Note.UnverifiedSigs[0].Name, text
	return c, nil
}

var errNoNote = errors.New("it is no signed note")

func signers(sigs []note.Signature) string {
	list := make([]string, 0, len(sigs))
	for _, s := range sigs {
		list = append(list, fmt.Sprintf("a signature of %q (%08x)", s.Name, s.Hash))
	}
	return strings.Join(list, ", ")
}

// parse reads the text of a note. Each checkpoint has one text only.
func parse(body string) (*Checkpoint, error) {
	lines := strings.Split(body, "\n")
	if len(lines) != 6 {
		return nil, fmt.Errorf("%w: it has %d lines", ErrNoCheckpoint, len(lines)-1)
	}
	c := &Checkpoint{}
	if err := c.readOrigin(lines[0]); err != nil {
		return nil, err
	}
	var errs [4]error
	c.Size, errs[0] = strconv.ParseUint(lines[1], 10, levels)
	c.Root, errs[1] = tlog.ParseHash(lines[2])
	c.Time, errs[2] = time.Parse("time "+time.RFC3339, lines[3])
	c.From, errs[3] = strconv.ParseUint(strings.TrimPrefix(lines[4], "from "), 10, levels)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoCheckpoint, err)
	}
	c.Time = c.Time.UTC()
	if c.Size == 0 || c.From == 0 || c.From > c.Size+1 || c.body() != body {
		return nil, fmt.Errorf("%w: its text has another form", ErrNoCheckpoint)
	}
	return c, nil
}

func (c *Checkpoint) readOrigin(line string) error {
	parts := strings.Split(line, "/")
	if len(parts) != 3 || parts[0] != originName {
		return fmt.Errorf("%w: it is of %q", ErrNoCheckpoint, line)
	}
	c.Installation = parts[1]
	if _, err := hex.DecodeString(c.Installation); err != nil || len(c.Installation) != idLength || strings.ToLower(c.Installation) != c.Installation {
		return fmt.Errorf("%w: %q is no installation's id", ErrNoCheckpoint, c.Installation)
	}
	for _, s := range Streams() {
		if parts[2] == strings.ToLower(string(s)) {
			c.Stream = s
			return nil
		}
	}
	return fmt.Errorf("%w: it is of a stream %q", ErrNoCheckpoint, parts[2])
}
