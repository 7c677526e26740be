// Package memlog keeps the facts of Roster in memory, with the guarantees of
// package eventlog except that they last beyond the process. It is for tests:
// the conformance suite in eventlog/logtest holds for both.
//
// Messages are encoded and sealed as in the real log, so that what is read is
// never the same memory as what was appended.
package memlog

import (
	"context"
	"fmt"
	"sync"

	"github.com/rosterhq/roster/eventlog/internal/vault"
	"github.com/rosterhq/roster/eventlog/internal/wire"
	"github.com/rosterhq/roster/events"
)

// ErrNoKey says that a user has no data key and never had one.
var ErrNoKey = vault.ErrNoKey

// Log is an event log in memory. It is safe for concurrent use.
type Log struct {
	catalogue *events.Catalogue
	secrets   *vault.Secrets

	mu        sync.Mutex
	streams   map[events.Stream]*stream
	counters  map[string]int64
	aside     map[string][]events.Numbers
	keys      map[string]*events.DataKey // nil: erased
	snapshots map[events.Aggregate]events.Snapshot
	usage     map[string]events.Usage
	closed    bool
}

// stream is one ordered log of messages by subject.
type stream struct {
	messages []message           // at index sequence-1
	subjects map[string][]uint64 // sequences
	changed  chan struct{}       // closed by the next message
}

type message struct {
	header events.Headers
	data   []byte
}

// New makes an empty log. The master key must be 32 bytes; it seals nothing,
// since nothing leaves the process, but what is derived from it stays the same.
func New(masterKey []byte) *Log {
	if len(masterKey) != vault.MasterKeySize {
		panic(fmt.Sprintf("memlog: master key of %d bytes, want %d", len(masterKey), vault.MasterKeySize))
	}
	secrets, err := vault.NewSecrets(masterKey)
	if err != nil {
		panic("memlog: " + err.Error())
	}
	l := &Log{
		catalogue: events.Released(), secrets: secrets,
		streams: map[events.Stream]*stream{}, counters: map[string]int64{}, aside: map[string][]events.Numbers{},
		keys: map[string]*events.DataKey{}, snapshots: map[events.Aggregate]events.Snapshot{}, usage: map[string]events.Usage{},
	}
	for _, s := range []events.Stream{events.Roster, events.Activity} {
		l.streams[s] = &stream{subjects: map[string][]uint64{}, changed: make(chan struct{})}
	}
	return l
}

func (s *stream) last(subject string) uint64 {
	if all := s.subjects[subject]; len(all) > 0 {
		return all[len(all)-1]
	}
	return 0
}

func (s *stream) at(sequence uint64) *message { return &s.messages[sequence-1] }

func (s *stream) put(subject string, m message) uint64 {
	s.messages = append(s.messages, m)
	sequence := uint64(len(s.messages))
	s.subjects[subject] = append(s.subjects[subject], sequence)
	close(s.changed)
	s.changed = make(chan struct{})
	return sequence
}

// usable is what every call begins with.
func (l *Log) usable(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", events.ErrUnavailable, err)
	}
	if l.closed {
		return fmt.Errorf("%w: the log is closed", events.ErrUnavailable)
	}
	return nil
}

// Secret returns the installation's secret for a purpose.
func (l *Log) Secret(purpose string) []byte { return l.secrets.Secret(purpose) }

// KeyedHash returns a keyed hash (32 bytes, hexadecimal).
func (l *Log) KeyedHash(purpose, value string) string { return l.secrets.KeyedHash(purpose, value) }

// Head returns the last sequence of a stream.
func (l *Log) Head(ctx context.Context, s events.Stream) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(ctx); err != nil {
		return 0, fmt.Errorf("head: %w", err)
	}
	return uint64(len(l.streams[s].messages)), nil
}

// Close makes every later call events.ErrUnavailable.
func (l *Log) Close(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	return nil
}

// KeepSnapshot keeps a state at once, if nothing newer is there.
func (l *Log) KeepSnapshot(a events.Aggregate, s events.Snapshot) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.snapshots[a].Sequence <= s.Sequence && !l.closed {
		l.snapshots[a] = s
	}
}

// Snapshot returns the kept state of an aggregate, or a zero one.
func (l *Log) Snapshot(ctx context.Context, a events.Aggregate) (events.Snapshot, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(ctx); err != nil {
		return events.Snapshot{}, fmt.Errorf("state of %s: %w", a, err)
	}
	snapshot := l.snapshots[a]
	of := snapshot.SealedFor
	if a.Kind == events.User {
		of = a.ID
	}
	if of != "" && l.keys[of] == nil {
		return events.Snapshot{}, nil
	}
	return snapshot, nil
}

// Reserve takes n integers of a counter that nobody else ever gets.
func (l *Log) Reserve(ctx context.Context, counter string, n int64) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n < 1 {
		return 0, fmt.Errorf("reserve %d of %s: want at least 1", n, counter)
	}
	if err := l.usable(ctx); err != nil {
		return 0, fmt.Errorf("reserve of %s: %w", counter, err)
	}
	// A message in the stream, as in the real log: sequences have such gaps.
	l.streams[events.Roster].put("counter."+counter, message{})
	first := l.counters[counter] + 1
	l.counters[counter] += n
	return first, nil
}

// SetAside keeps integers up to upTo for who brings numbers along, and returns all
// that were set aside.
func (l *Log) SetAside(ctx context.Context, counter string, upTo int64) ([]events.Numbers, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(ctx); err != nil {
		return nil, fmt.Errorf("reserve of %s: %w", counter, err)
	}
	if taken := l.counters[counter]; upTo > taken {
		l.streams[events.Roster].put("counter."+counter, message{})
		l.counters[counter] = upTo
		l.aside[counter] = events.AppendNumbers(l.aside[counter], events.Numbers{First: taken + 1, Last: upTo})
	}
	return l.aside[counter], nil
}

// encode encodes a draft; the lock is held.
func (l *Log) encode(d *events.Draft, of events.Aggregate) (message, error) {
	h, data, err := wire.Encode(d, of, l.key)
	return message{header: h, data: data}, err
}
