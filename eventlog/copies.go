package eventlog

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rosterhq/roster/eventlog/internal/vault"
	"github.com/rosterhq/roster/events"
)

// Copies of a log are made of its messages and, apart from them, of its wrapped
// keys. Neither says anything without the master key, which is in no copy.

// installationIDLength is in bytes.
const installationIDLength = 16

// InstallationID names the installation for ever, in every process and in every
// copy of its log. It is no secret.
func (l *Log) InstallationID() string { return installationID(l.secrets) }

func installationID(s *vault.Secrets) string {
	return hex.EncodeToString(s.Secret("installation-id")[:installationIDLength])
}

// Messages is ScanMessages as a copy of the log keeps it: subjects without the
// installation's prefix, no headers of the transport, no Meta. It reads
// events.UsageStream, too, which has the last use of each key alone.
func (l *Log) Messages(ctx context.Context, s events.Stream, from, to uint64, f func(events.Stored) error) error {
	return l.ScanMessages(ctx, s, from, to, func(m events.Stored) error {
		return f(events.Stored{
			Stream: m.Stream, Sequence: m.Sequence, Subject: strings.TrimPrefix(m.Subject, l.names.root),
			Headers: withoutTransport(m.Headers), Data: m.Data,
		})
	})
}

// withoutTransport leaves out what told the server how to take the message: it is
// true of one stream at one moment, and would be obeyed anew.
func withoutTransport(h events.Headers) events.Headers {
	out := make(events.Headers, len(h))
	for name, values := range h {
		if !strings.HasPrefix(name, "Nats-") {
			out[name] = values
		}
	}
	return out
}

// WrappedKeys hands all keys of the installation to f, wrapped, in no order: the
// installation's secret, and of each user the data key or the mark that it was
// erased. What changes meanwhile may come twice; then the later one counts. An error
// of f ends it and is returned, wrapped.
func (l *Log) WrappedKeys(ctx context.Context, f func(events.WrappedKey) error) error {
	state, err := l.read.state(ctx, l.names.keys)
	if err != nil {
		return unavailable("read wrapped keys", err)
	}
	subjects := state.Subjects
	seed, seen := maphash.MakeSeed(), make(map[uint64]struct{}, subjects)
	err = l.scanKeys(ctx, jetstream.DeliverLastPerSubjectPolicy, 0, func(subject string, m stored) error {
		seen[maphash.String(seed, subject)] = struct{}{}
		return f(l.names.wrappedKey(subject, m))
	})
	if err != nil {
		return fmt.Errorf("read wrapped keys: %w", err)
	}
	// A key that is wrapped anew behind the reader's back is deleted where it stood.
	if len(seen) < subjects {
		return fmt.Errorf("read wrapped keys: %w: %d of %d came, they were changed meanwhile", events.ErrUnavailable, len(seen), subjects)
	}
	return nil
}

func (n names) wrappedKey(subject string, m stored) events.WrappedKey {
	name := strings.TrimPrefix(subject, n.root+"keys.")
	if len(m.header[headerErased]) > 0 {
		return events.WrappedKey{Name: name, Erased: true}
	}
	return events.WrappedKey{Name: name, Box: m.data}
}

// InstallationOf opens all wrapped keys, under the master key or one of the others,
// and returns the id of their installation, or ErrWrongMasterKey.
func InstallationOf(masterKey []byte, others func() ([][]byte, error), keys []events.WrappedKey) (string, error) {
	ring, err := vault.NewRing(masterKey, others)
	if err != nil {
		return "", err
	}
	installation := ""
	for _, k := range keys {
		if k.Erased {
			continue
		}
		raw, _, err := ring.Unwrap(k.Box, wrappedName(k.Name))
		if err != nil {
			return "", err
		}
		if k.Name != events.InstallationSecret {
			continue
		}
		secrets, err := vault.NewSecrets(raw)
		if err != nil {
			return "", err
		}
		installation = installationID(secrets)
	}
	if installation == "" {
		return "", ErrNoSecret
	}
	return installation, nil
}

// ErrNoSecret says that wrapped keys lack the installation's secret.
var ErrNoSecret = errors.New("the keys lack the installation's secret: without it no name and no key is found")

// Errors of seeding.
var (
	// ErrNotEmpty says that a log is not seeded, since it holds something.
	ErrNotEmpty = errors.New("the log is not empty")
	// ErrUnfinishedSeed says at Open that seeding the log did not come to its end.
	ErrUnfinishedSeed = errors.New("a restore of this log was begun and did not come to its end: run it again")
)

// unfinished marks a stream, in its metadata, until all of the log is seeded.
const unfinished = "roster-seeding"

// SeedOptions say what an empty log is seeded with.
type SeedOptions struct {
	Prefix   string
	Replicas int
	// First has the first sequence of a stream; without one it is 1.
	First map[events.Stream]uint64
}

// Seed fills an empty log from a copy, with all sequences kept. It is for one
// goroutine. Until Finish, the log can not be opened; a seed that was given up is
// begun anew by another one.
type Seed struct {
	js    jetstream.JetStream
	pub   *natsPublisher
	names names
	ends  map[events.Stream]uint64 // the last sequence so far
	msgs  []*nats.Msg
	acks  []ack
}

// seedWindow is how many messages are on their way at once.
const seedWindow = 1000

// BeginSeed makes the streams of a log that is not there or empty (ErrNotEmpty).
// What an unfinished seed left is removed.
func BeginSeed(ctx context.Context, nc *nats.Conn, o SeedOptions) (*Seed, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("seed log: %w", err)
	}
	s := &Seed{js: js, names: newNames(o.Prefix), ends: map[events.Stream]uint64{}, acks: make([]ack, seedWindow)}
	configs := s.names.streamConfigs(max(o.Replicas, 1))
	if err := s.makeRoom(ctx, configs); err != nil {
		return nil, fmt.Errorf("seed log: %w", err)
	}
	for stream, first := range o.First {
		s.ends[stream] = max(first, 1) - 1
	}
	for _, c := range configs {
		c.Metadata = map[string]string{unfinished: "yes"}
		c.FirstSeq = max(1, s.firstOf(c.Name))
		if err := s.create(ctx, c); err != nil {
			return nil, fmt.Errorf("seed log: create stream %s: %w", c.Name, err)
		}
	}
	if s.pub, err = newPublisher(nc, js, seedWindow); err != nil {
		return nil, fmt.Errorf("seed log: %w", err)
	}
	return s, nil
}

const (
	// storeRefused is the server's code where a stream's directory can not be made. It
	// may still be removing the one that a killed seed asked it to.
	storeRefused jetstream.ErrorCode = 10049
	seedTries                        = 40
	seedPause                        = 100 * time.Millisecond
)

func (s *Seed) create(ctx context.Context, c jetstream.StreamConfig) error {
	for try := 1; ; try++ {
		_, err := s.js.CreateStream(ctx, c)
		refused, ok := errors.AsType[*jetstream.APIError](err)
		if !ok || refused.ErrorCode != storeRefused || try == seedTries {
			return err //nolint:wrapcheck // whoever called names the stream
		}
		if err := pause(ctx, seedPause); err != nil {
			return err
		}
	}
}

func (s *Seed) firstOf(name string) uint64 {
	for stream, end := range s.ends {
		if s.names.streamOf(stream) == name {
			return end + 1
		}
	}
	return 1
}

// makeRoom removes streams that an unfinished seed left, or that never held a
// message. The first of them is marked for longest, so it goes last.
func (s *Seed) makeRoom(ctx context.Context, configs []jetstream.StreamConfig) error {
	var there []*jetstream.StreamInfo
	ours := false
	for _, c := range slices.Backward(configs) {
		stream, err := s.js.Stream(ctx, c.Name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("look up stream %s: %w", c.Name, err)
		}
		there = append(there, stream.CachedInfo())
		ours = ours || stream.CachedInfo().Config.Metadata[unfinished] != ""
	}
	for _, info := range there {
		if !ours && info.State.LastSeq > 0 {
			return fmt.Errorf("%w: stream %s holds %d messages", ErrNotEmpty, info.Config.Name, info.State.Msgs)
		}
	}
	for _, info := range there {
		if err := s.js.DeleteStream(ctx, info.Config.Name); err != nil {
			return fmt.Errorf("remove stream %s: %w", info.Config.Name, err)
		}
	}
	return nil
}

// Put adds the next messages of a stream, in the order of their sequences. Where
// sequences are missing, fillers take their place: they are no events.
func (s *Seed) Put(ctx context.Context, stream events.Stream, messages []events.Stored) error {
	for _, m := range messages {
		end := s.ends[stream]
		if m.Sequence <= end {
			return fmt.Errorf("seed %s: message %d comes after %d", stream, m.Sequence, end)
		}
		for end++; end < m.Sequence; end++ {
			if err := s.add(ctx, stream, end, s.names.filler(stream)); err != nil {
				return err
			}
		}
		if err := s.add(ctx, stream, m.Sequence, s.message(m)); err != nil {
			return err
		}
	}
	return s.flush(ctx, stream)
}

func (s *Seed) message(m events.Stored) *nats.Msg {
	return &nats.Msg{Subject: s.names.root + m.Subject, Header: nats.Header(m.Headers), Data: m.Data}
}

// filler stands where the log has no message. Its subject is none of those that
// are looked up, and it has no type.
func (n names) filler(stream events.Stream) *nats.Msg {
	return &nats.Msg{Subject: n.root + strings.ToLower(string(stream)) + ".filler", Header: nats.Header{}}
}

func (s *Seed) add(ctx context.Context, stream events.Stream, sequence uint64, m *nats.Msg) error {
	s.msgs = append(s.msgs, m)
	s.ends[stream] = sequence
	if len(s.msgs) < seedWindow {
		return nil
	}
	return s.flush(ctx, stream)
}

// flush sends what waits and checks that each message got its sequence.
func (s *Seed) flush(ctx context.Context, stream events.Stream) error {
	acks := s.acks[:len(s.msgs)]
	clear(acks)
	s.pub.plain(ctx, s.msgs, acks)
	first := s.ends[stream] - uint64(len(s.msgs)) + 1
	s.msgs = s.msgs[:0]
	for i, a := range acks {
		want := first + uint64(i)
		switch {
		case a.err != nil:
			return unavailable(fmt.Sprintf("seed %s at %d", stream, want), a.err)
		case a.sequence != want:
			return fmt.Errorf("seed %s: message %d was stored as %d: something else writes to the stream", stream, want, a.sequence)
		}
	}
	return nil
}

// PutKeys adds wrapped keys.
func (s *Seed) PutKeys(ctx context.Context, keys []events.WrappedKey) error {
	for _, k := range keys {
		m := &nats.Msg{Subject: s.names.root + "keys." + k.Name, Header: nats.Header{}, Data: k.Box}
		if k.Erased {
			m.Header[headerErased], m.Data = []string{"1"}, nil
		}
		if err := s.add(ctx, keysStream, s.ends[keysStream]+1, m); err != nil {
			return err
		}
	}
	return s.flush(ctx, keysStream)
}

// PutUses adds last uses of keys; their sequences are nobody's concern.
func (s *Seed) PutUses(ctx context.Context, uses []events.Stored) error {
	for _, u := range uses {
		if err := s.add(ctx, events.UsageStream, s.ends[events.UsageStream]+1, s.message(u)); err != nil {
			return err
		}
	}
	return s.flush(ctx, events.UsageStream)
}

// Finish opens the log for use. The first stream, which whoever opens the log asks
// first, is released last.
func (s *Seed) Finish(ctx context.Context) error {
	defer s.pub.close()
	for _, c := range slices.Backward(s.names.streamConfigs(1)) {
		stream, err := s.js.Stream(ctx, c.Name)
		if err != nil {
			return fmt.Errorf("finish the seed: stream %s: %w", c.Name, err)
		}
		config := stream.CachedInfo().Config
		delete(config.Metadata, unfinished)
		if _, err := s.js.UpdateStream(ctx, config); err != nil {
			return fmt.Errorf("finish the seed: stream %s: %w", c.Name, err)
		}
	}
	return nil
}

// Abandon stops a seed that is not finished. What it wrote stays, unusable, until
// another one begins.
func (s *Seed) Abandon() { s.pub.close() }
