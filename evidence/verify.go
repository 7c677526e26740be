package evidence

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/rosterhq/roster/events"
)

// Verifier computes the tree of a stream anew and compares it with checkpoints, in one
// pass and in memory that does not grow with the log. It is for one goroutine.
type Verifier struct {
	stream events.Stream
	from   uint64
	due    []*Checkpoint // the smallest first
	agreed uint64        // the position up to which all is as it was signed
	checks int
	tree   tree
	leaves leaves

	kept     io.Reader // hashes as the server keeps them; nil: none
	theirs   tree      // the tree that those give
	differs  uint64    // the first position at which they are others
	borrowed uint64    // positions that are there as a kept hash alone
}

// NewVerifier makes a Verifier. kept, which may be nil, delivers the hashes that the
// server keeps, from position 1 on: they are believed only where they lead to what was
// signed, and tell then which position differs.
func NewVerifier(stream events.Stream, checkpoints []*Checkpoint, kept io.Reader) (*Verifier, error) {
	v := &Verifier{stream: stream, kept: kept, from: 1}
	for _, c := range checkpoints {
		if c.Stream == stream {
			v.due = append(v.due, c)
		}
	}
	slices.SortStableFunc(v.due, func(a, b *Checkpoint) int { return cmp.Compare(a.Size, b.Size) })
	for _, c := range v.due {
		switch first := v.due[0]; {
		case c.Installation != first.Installation:
			return nil, fmt.Errorf("%w: checkpoints are of installations %s and %s", ErrDiffers, first.Installation, c.Installation)
		case c.From != first.From:
			return nil, fmt.Errorf("%w: the chain of %s was begun anew between %s and %s", ErrDiffers, stream, first.Position(), c.Position())
		}
		v.from = c.From
	}
	return v, nil
}

// Verified is what a verification found to be as it was signed.
type Verified struct {
	Checkpoints int
	To          uint64 // the last position that a checkpoint covers
	Behind      uint64 // positions read that none covers
	Kept        uint64 // positions of which there was a kept hash, and no message
}

// Add takes the next message. Positions in between have none.
func (v *Verifier) Add(m events.Stored) error {
	if m.Stream != v.stream || m.Sequence <= uint64(v.tree.size) {
		return fmt.Errorf("verify %s: message %s comes after position %d", v.stream, m.Position(), v.tree.size)
	}
	if err := v.gaps(m.Sequence); err != nil {
		return err
	}
	if m.Sequence < v.from {
		return v.add(v.leaves.gap(v.stream, m.Sequence))
	}
	return v.add(v.leaves.hash(m))
}

// Missing says that the log begins at a position only, since its retention took what
// was before, and no archive is at hand: the kept hashes stand for it, if there are any.
func (v *Verifier) Missing(before uint64) error {
	for next := uint64(v.tree.size) + 1; next < before; next++ {
		if next < v.from || v.kept == nil {
			if err := v.add(v.leaves.gap(v.stream, next)); err != nil {
				return err
			}
			continue
		}
		leaf, ok, err := v.nextKept()
		if err != nil {
			return err
		}
		if !ok {
			return v.gaps(before)
		}
		v.borrowed++
		if _, err = v.theirs.add(leaf); err == nil {
			err = v.grow(leaf)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (v *Verifier) gaps(before uint64) error {
	for next := uint64(v.tree.size) + 1; next < before; next++ {
		if err := v.add(v.leaves.gap(v.stream, next)); err != nil {
			return err
		}
	}
	return nil
}

func (v *Verifier) add(leaf tlog.Hash) error {
	theirs, ok, err := v.nextKept()
	if err != nil {
		return err
	}
	if ok {
		if _, err := v.theirs.add(theirs); err != nil {
			return err
		}
		if theirs != leaf && v.differs == 0 {
			v.differs = uint64(v.tree.size) + 1
		}
	}
	return v.grow(leaf)
}

func (v *Verifier) nextKept() (tlog.Hash, bool, error) {
	var h tlog.Hash
	if v.kept == nil {
		return h, false, nil
	}
	_, err := io.ReadFull(v.kept, h[:])
	switch {
	case errors.Is(err, io.EOF):
		v.kept = nil
		return h, false, nil
	case err != nil:
		return h, false, fmt.Errorf("read the kept hashes: %w", err)
	}
	return h, true, nil
}

func (v *Verifier) grow(leaf tlog.Hash) error {
	if _, err := v.tree.add(leaf); err != nil {
		return err
	}
	for len(v.due) > 0 && v.due[0].Size == uint64(v.tree.size) {
		if err := v.check(v.due[0]); err != nil {
			return err
		}
		v.due = v.due[1:]
	}
	return nil
}

func (v *Verifier) check(c *Checkpoint) error {
	root, err := v.tree.root()
	if err != nil {
		return err
	}
	if root == c.Root {
		v.agreed = c.Size
		v.checks++
		return nil
	}
	// Hashes that give the signed root are those that were signed.
	if v.differs > 0 && v.theirs.size == v.tree.size {
		if theirs, err := v.theirs.root(); err != nil {
			return err
		} else if theirs == c.Root {
			return fmt.Errorf("%w: the first position that differs is %s (signed on %s up to %s)",
				ErrDiffers, v.position(v.differs), signedOn(c), c.Position())
		}
	}
	return fmt.Errorf("%w: the first position that differs is one from %s to %s (signed on %s; the hashes that would say which are not there, or are others, too)",
		ErrDiffers, v.position(v.agreed+1), c.Position(), signedOn(c))
}

func signedOn(c *Checkpoint) string { return c.Time.Format("2006-01-02T15:04:05Z") }

func (v *Verifier) position(sequence uint64) events.Position {
	return events.Position{Stream: v.stream, Sequence: sequence}
}

// End says that the log ends at a position, and what was found.
func (v *Verifier) End(head uint64) (Verified, error) {
	if err := v.gaps(head + 1); err != nil {
		return Verified{}, err
	}
	if len(v.due) > 0 {
		c := v.due[0]
		return Verified{}, fmt.Errorf("%w: up to %s was signed on %s, and the log ends at %s", ErrBeyond, c.Position(), signedOn(c), v.position(head))
	}
	if v.differs > 0 && v.differs <= v.agreed {
		return Verified{}, fmt.Errorf("%w at %s: the log itself is as it was signed", ErrHashes, v.position(v.differs))
	}
	return Verified{Checkpoints: v.checks, To: v.agreed, Behind: uint64(v.tree.size) - v.agreed, Kept: v.borrowed}, nil
}
