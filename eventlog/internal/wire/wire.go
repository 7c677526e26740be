// Package wire turns drafts into messages and back, the same way for every kind
// of log. It does no I/O.
package wire

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/rosterhq/roster/events"
)

// MaxMessage is the size of a message, headers included, that a stream takes.
const MaxMessage = 512 << 10

// reserve is what the log itself adds to a message's headers (expectation,
// batch id, sequence and commit).
const reserve = 512

// ErrBadCommit says that a commit breaks the rules of the log: a mistake of the
// programmer, never of a client.
var ErrBadCommit = errors.New("bad commit")

// KeyFor finds the data key of a user among those made ready.
type KeyFor func(userID string) (*events.DataKey, error)

// Check says whether a commit keeps the rules.
func Check(c *events.Commit) error {
	if len(c.Events) == 0 {
		return fmt.Errorf("%w: no events", ErrBadCommit)
	}
	if c.Aggregate.Kind == "" || c.Aggregate.ID == "" {
		return fmt.Errorf("%w: no aggregate", ErrBadCommit)
	}
	for i := range c.Events {
		m := &c.Events[i].Meta
		if m.ID == "" {
			return fmt.Errorf("%w: event %d has no id", ErrBadCommit, i)
		}
		if m.Aggregate != (events.Aggregate{}) && m.Aggregate != c.Aggregate {
			return fmt.Errorf("%w: event %d is of %s, the commit of %s", ErrBadCommit, i, m.Aggregate, c.Aggregate)
		}
	}
	for i := range c.Claims {
		for j := range i {
			if c.Claims[i].Claim == c.Claims[j].Claim {
				return fmt.Errorf("%w: claim of kind %s changed twice", ErrBadCommit, c.Claims[i].Claim.Kind)
			}
		}
	}
	return nil
}

// Encode encodes one draft of a commit or of a recording.
func Encode(d *events.Draft, of events.Aggregate, keyFor KeyFor) (events.Headers, []byte, error) {
	m := d.Meta
	if m.Type == "" {
		m.Type = d.Payload.EventType()
	}
	if m.Aggregate == (events.Aggregate{}) {
		m.Aggregate = of
	}
	var key *events.DataKey
	if m.SealedFor != "" {
		var err error
		key, err = keyFor(m.SealedFor)
		switch {
		case errors.Is(err, events.ErrErased) && events.NothingToSeal(d.Payload):
			m.SealedFor = "" // that the person is erased must be told
		case err != nil:
			return nil, nil, fmt.Errorf("data key of %s: %w", m.SealedFor, err)
		}
	}
	if err := sealClient(&m, keyFor); err != nil {
		return nil, nil, err
	}
	h, data, err := events.Encode(&m, d.Payload, key)
	if err != nil {
		return nil, nil, err
	}
	if size := Size(h, data); size > MaxMessage-reserve {
		return nil, nil, fmt.Errorf("%s of %d bytes: %w", m.Type, size, events.ErrTooLarge)
	}
	return h, data, nil
}

// sealClient seals the address that a command came from. Of who has no key, or was
// erased meanwhile, nothing is kept: the fact is worth more than the address.
func sealClient(m *events.Meta, keyFor KeyFor) error {
	owner := m.ClientOwner()
	if owner == "" || m.SealedClient != "" {
		return nil
	}
	key, err := keyFor(owner)
	if errors.Is(err, events.ErrUnavailable) {
		return fmt.Errorf("data key of %s: %w", owner, err)
	}
	if err != nil {
		return nil //nolint:nilerr // no key, no address
	}
	return m.SealClient(key)
}

// Size is what a message takes in a stream.
func Size(h events.Headers, data []byte) int {
	n := len(data) + len("NATS/1.0\r\n\r\n")
	for name, values := range h {
		for _, v := range values {
			n += len(name) + len(v) + len(": \r\n")
		}
	}
	return n
}

// ActivityOf returns the activity of a draft, with the members of its envelope
// that follow from it filled in.
func ActivityOf(d *events.Draft) (*events.ActivityRecorded, error) {
	p, ok := d.Payload.(*events.ActivityRecorded)
	if !ok {
		return nil, fmt.Errorf("%w: %T is no activity", ErrBadCommit, d.Payload)
	}
	if d.Meta.ID == "" || d.Meta.Source == "" || p.SourceID == "" || p.User == "" {
		return nil, fmt.Errorf("%w: activity without id, source, source id or user", ErrBadCommit)
	}
	if d.Meta.SealedFor == "" {
		d.Meta.SealedFor = p.User
	}
	return p, nil
}

// ActivityHash names an activity by its source and source id, for ever. It is
// 16 bytes of the keyed hash: enough for no two of 10^15 activities to meet,
// and half the memory in the server.
func ActivityHash(keyedHash func(purpose, value string) string, source, sourceID string) string {
	return keyedHash("activity", strconv.Itoa(len(source))+":"+source+sourceID)[:32]
}
